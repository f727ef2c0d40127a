// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <algorithm>

namespace sluice {

// How long a viewer is to hold pictures back, so that what was lost and is sent again still comes in time. Browsers fit their buffer
// to the jitter, which is much shorter than a long round trip: there each loss is a freeze. Costs latency, so only where it is
// needed; and each change is seen as slow or fast motion, so it changes rarely. Pure.
class PlayoutDelay {
public:
    static constexpr GstClockTime short_trip = 40 * GST_MSECOND; // a usual buffer is as long
    static constexpr GstClockTime most = 400 * GST_MSECOND;
    static constexpr GstClockTime step = 10 * GST_MSECOND; // what can be told
    // Smoothed so that one burst of losses alone is nothing, and 3 % are seen after 3 s.
    static constexpr GstClockTime memory = 12 * GST_SECOND;
    static constexpr double lossy = 0.007, clean = 0.003;
    static constexpr GstClockTime clean_for = 30 * GST_SECOND;
    static constexpr GstClockTime stands = 10 * GST_SECOND; // another round trip

    void observe(const PathState& path, GstClockTime now) {
        learn(path, now);
        if (loss_ >= clean || asked_ == 0)
            clean_since_ = now;
        const GstClockTime wanted = needed(path.rtt);
        if (asked_ != 0) {
            if (wanted == 0 || now >= clean_since_ + clean_for)
                asked_ = 0;
            else if (!differs(wanted))
                other_since_ = now;
            else if (now >= other_since_ + stands)
                asked_ = wanted;
        } else if (loss_ > lossy) {
            asked_ = wanted;
            other_since_ = now;
        }
    }
    GstClockTime asked() const { return asked_; } // 0: as the viewer likes

private:
    // Two attempts to bring a packet, the pause between them, and the time until the loss is noticed, by the next picture. rtt is the
    // shortest one lately; of a usual one, longer by the jitter, this is three times.
    static GstClockTime needed(GstClockTime rtt) {
        constexpr GstClockTime noticed = 60 * GST_MSECOND;
        return rtt < short_trip ? 0 : std::min(4 * rtt + noticed, most) / step * step;
    }
    bool differs(GstClockTime wanted) const { return wanted * 10 > asked_ * 13 || wanted * 13 < asked_ * 10; }
    void learn(const PathState& path, GstClockTime now) {
        // A full queue and an outage lose, too, and no buffer helps.
        constexpr GstClockTime full_queue = 100 * GST_MSECOND;
        constexpr double outage = 0.25;
        if (learnt_at_ != 0 && now > learnt_at_ && !path.overuse && path.queue_delay < full_queue &&
            path.loss < outage) {
            const auto passed = static_cast<double>(std::min<GstClockTime>(now - learnt_at_, GST_SECOND));
            loss_ += (path.loss - loss_) * passed / static_cast<double>(memory);
        }
        learnt_at_ = now;
    }

    double loss_ = 0;
    GstClockTime asked_ = 0, learnt_at_ = 0, clean_since_ = 0, other_since_ = 0;
};

} // namespace sluice
