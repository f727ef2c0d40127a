// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <algorithm>
#include <optional>

namespace sluice {

// How many bits of picture a path carries that has shown a limit, for an encoder that can make so many. (Before it has shown one nobody
// knows: what is not sent is not estimated, and a still scene sends little.) Pure.
class PictureRate {
public:
    static constexpr GstClockTime interval = 250 * GST_MSECOND;
    // After an outage the estimate is low until the path is trusted again.
    static constexpr GstClockTime settle = GST_SECOND;
    // What a stream needs is between 1.15 and 1.25 of its mean (thin-link.md).
    static constexpr uint64_t margin_percent = 120;
    // RTP, SRTP, UDP and IP add a sixteenth to payloads of 1180 bytes.
    static constexpr uint64_t wire_percent = 106;

    // Nothing is heard of what was sent.
    void silent(GstClockTime now) { quiet_until_ = now + settle; }
    // sound: payload bytes of it that were sent in all. bit/s; nothing: not yet time to look again, or nothing known.
    std::optional<uint64_t> look(const PathState& path, uint64_t sound, GstClockTime now) {
        if (now < looked_ + interval || path.estimate == 0)
            return {};
        const uint64_t spent = gst_util_uint64_scale((sound - sound_) * 8, GST_SECOND, now - looked_);
        const bool first = looked_ == 0;
        looked_ = now;
        sound_ = sound;
        if (now < quiet_until_)
            return {};
        const uint64_t wire = path.estimate * 100 / wire_percent;
        const uint64_t rate = (wire - std::min(wire, first ? 0 : spent)) * 100 / margin_percent;
        if (rate_ == 0 || rate > rate_ + rate_ / 32 || rate + rate_ / 32 < rate_)
            rate_ = std::max<uint64_t>(rate, 1);
        return rate_;
    }

private:
    GstClockTime looked_ = 0, quiet_until_ = 0;
    uint64_t sound_ = 0, rate_ = 0;
};

} // namespace sluice
