// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/media.hpp"
#include "plugins/webrtc/congestion/feedback.hpp"

#include <optional>

namespace sluice {

// One viewer's RTP stream (RFC 3550): its SSRC, sequence numbers, timestamp offset and payload type in front of payloads that
// all viewers share. Sequence numbers have no gap and timestamps only grow, whatever is skipped, repeated or switched; but see hide().
class RtpWriter {
public:
    struct Identity {
        uint32_t ssrc = 0;
        uint8_t payload_type = 0;
        unsigned clock_rate = 90000;
        uint16_t first_seq = 0;
        uint32_t timestamp_offset = 0;
        // Of the header extension for the transport-wide sequence number (RFC 8285, one byte form), which is filled in when the packet
        // leaves (TransportNumbers); 0: the viewer takes none.
        uint8_t extension_id = 0;
        uint8_t delay_extension_id = 0; // of the one with a Delay; 0: the viewer takes none
    };
    // How long the viewer is to hold a picture back.
    struct Delay {
        GstClockTime least = 0, most = 0;
    };
    explicit RtpWriter(const Identity& id) : id_(id), seq_(id.first_seq) {}

    // How far the count of samples may run away from the camera's time before it is set anew: a loss shows as more, the
    // jitter of a camera's stamps as less.
    static constexpr GstClockTime sound_drift_limit = 40 * GST_MSECOND;

    // The packets of one access unit; each a header memory of its own and the shared payload. Their PTS is the (shifted) time.
    // delay: what the viewer is told with them, if it takes that.
    Ref<GstBufferList> write(const AccessUnit& unit, const std::optional<Delay>& delay = {});
    // The units that follow, of times up to `until` (0: none), are older than what the viewer sees then, and there only to decode what
    // follows them. To be shown they would be a jump back in time: their stamps are just before `seen`, the time of the newest unit that
    // is sure to have arrived. Players decode in the order of the sequence numbers and show in that of the stamps, as with B-pictures.
    void hide(ChannelTime until, ChannelTime seen);
    static constexpr GstClockTime past_room = 30 * GST_MSECOND; // less than a picture's time

    // The newest packets, of that list from `first` on, never leave: their numbers are given to others.
    void take_back(GstBufferList* packets, guint first);
    // Whether each packet bears a transport-wide number, or only the last one of a unit (its marker), or none.
    void set_numbered(Numbered numbered) { numbered_ = numbered; }
    // The viewer does not report on them.
    void leave_extension_out() { id_.extension_id = 0; }
    void leave_delay_out() { id_.delay_extension_id = 0; }

    const Identity& identity() const { return id_; }
    uint64_t packets() const { return packets_; }
    uint64_t bytes() const { return bytes_; } // RTP packets, headers included
    uint16_t next_seq() const { return seq_; }

private:
    struct Header {
        bool marker = false;
        uint32_t timestamp = 0;
        const Delay* delay = nullptr;
    };
    uint32_t write_extension(uint8_t* to, const Header& h) const;
    Ref<GstMemory> header(const Header& h, const uint8_t* prefix, uint8_t prefix_size);
    ChannelTime stamp(const AccessUnit& unit);
    uint64_t sound_ticks(const AccessUnit& unit, uint64_t ticks);

    Identity id_;
    Numbered numbered_ = Numbered::all;
    uint16_t seq_;
    bool started_ = false;
    ChannelTime last_time_ = 0;    // the newest, as sent
    ChannelTime hidden_until_ = 0; // 0: nothing is to be hidden
    ChannelTime past_ = 0;         // stamp of what was hidden last
    uint64_t next_ticks_ = 0;      // sound: where the next unit begins
    uint64_t packets_ = 0, bytes_ = 0;
};

} // namespace sluice
