// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice {

// Which of the packets that a viewer misses are sent once more. Receivers ask for all of them, again and again: after a path has
// become narrow, answers to that alone keep its queue full, and nothing new arrives. Pure; time is a parameter.
class RetransmissionBudget {
public:
    static constexpr uint32_t packet_bytes = 1250; // what one is taken to be
    static constexpr unsigned part = 3;            // of the estimate, at most: one part of so many
    static constexpr GstClockTime depth = 500 * GST_MSECOND;

    // Bit/s that the path carries; 0: nothing is known that would forbid anything.
    void set_rate(uint64_t bitrate) { rate_ = bitrate; }
    // An answer that is on its way is not sent again.
    void set_round_trip(GstClockTime time) {
        round_trip_ = std::clamp<GstClockTime>(time, 20 * GST_MSECOND, GST_SECOND);
    }
    // Nobody needs what was sent before that packet: a key unit of something newer begins there.
    void begin_at(uint16_t seq) {
        first_ = seq;
        limited_ = true;
    }
    // What leaves next: numbers that are half their range old mean newer packets.
    void leaves(uint16_t seq) {
        if (static_cast<uint16_t>(seq - first_) > 0x4000)
            first_ = static_cast<uint16_t>(seq - 0x4000);
    }
    bool take(uint16_t seq, GstClockTime now) {
        if (limited_ && static_cast<int16_t>(seq - first_) < 0)
            return false;
        Answer& before = answers_[seq % answers_.size()];
        if (before.at && before.seq == seq && now < before.at + round_trip_)
            return false;
        if (rate_) {
            const double most = bytes_in(depth);
            tokens_ = filled_ ? std::min(most, tokens_ + bytes_in(now - std::min(now, filled_))) : most;
            filled_ = now;
            if (tokens_ <= 0)
                return false;
            tokens_ -= packet_bytes;
        }
        before = {seq, now};
        return true;
    }

private:
    struct Answer {
        uint16_t seq = 0;
        GstClockTime at = 0;
    };
    double bytes_in(GstClockTime time) const {
        return static_cast<double>(rate_) / 8 / part * static_cast<double>(time) / static_cast<double>(GST_SECOND);
    }

    uint64_t rate_ = 0;
    GstClockTime round_trip_ = 100 * GST_MSECOND, filled_ = 0;
    double tokens_ = 0;
    uint16_t first_ = 0;
    bool limited_ = false;
    std::array<Answer, 512> answers_{}; // as many as webrtcbin keeps
};

} // namespace sluice
