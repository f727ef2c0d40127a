// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/media.hpp"

namespace sluice {

// One viewer's RTP stream (RFC 3550): its SSRC, sequence numbers, timestamp offset and payload type in front of payloads that
// all viewers share. Sequence numbers have no gap and timestamps only grow, whatever is skipped, repeated or switched.
class RtpWriter {
public:
    struct Identity {
        uint32_t ssrc = 0;
        uint8_t payload_type = 0;
        unsigned clock_rate = 90000;
        uint16_t first_seq = 0;
        uint32_t timestamp_offset = 0;
    };
    explicit RtpWriter(const Identity& id) : id_(id), seq_(id.first_seq) {}

    // How far the count of samples may run away from the camera's time before it is set anew: a loss shows as more, the
    // jitter of a camera's stamps as less.
    static constexpr GstClockTime sound_drift_limit = 40 * GST_MSECOND;

    // The packets of one access unit; each a header memory of its own and the shared payload. Their PTS is the (shifted) time.
    Ref<GstBufferList> write(const AccessUnit& unit);

    const Identity& identity() const { return id_; }
    uint64_t packets() const { return packets_; }
    uint64_t bytes() const { return bytes_; } // RTP packets, headers included
    uint16_t next_seq() const { return seq_; }

private:
    uint64_t sound_ticks(const AccessUnit& unit, uint64_t ticks);

    Identity id_;
    uint16_t seq_;
    bool started_ = false;
    ChannelTime last_time_ = 0; // as sent
    uint64_t next_ticks_ = 0;   // sound: where the next unit begins
    uint64_t packets_ = 0, bytes_ = 0;
};

} // namespace sluice
