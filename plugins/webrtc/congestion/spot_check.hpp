// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

// Whether spot checks will do: a path far wider than what is sent needs only be watched, and each report on packets wakes two threads
// and is decrypted. Then the last packet of a picture is numbered now and then, and no other. Anything that is not as
// before ends that at once. Pure.
class SpotCheck {
public:
    // The estimate is so many times what is sent; with less than the second number they end.
    static constexpr unsigned begin_times = 3, end_times = 2;
    // Nothing has happened for so long. Twice as long after each end, and as at first again after one that came late.
    static constexpr GstClockTime quiet = 2 * GST_SECOND, longest_quiet = 600 * GST_SECOND;
    static constexpr GstClockTime late = 60 * GST_SECOND;
    static constexpr GstClockTime short_queue = 50 * GST_MSECOND, short_wait = 200 * GST_MSECOND;
    static constexpr double reported_loss = 0.01; // by receiver reports
    static constexpr GstClockTime reported_queue = 150 * GST_MSECOND;

    struct Sending {
        uint64_t bitrate = 0;   // of the stream, in its peaks; 0: unknown
        bool settled = false;   // it plays, and no other one is wanted
        bool near = false;      // the path is wide without having shown it
        GstClockTime queue = 0; // how late the picture is that waits here
    };
    // With each feedback, and now and then.
    void observe(const PathState& path, const Sending& sending, GstClockTime now) {
        const unsigned times = on_ ? end_times : begin_times;
        const bool wide = sending.near || path.estimate >= times * sending.bitrate;
        // Of few packets, one that is lost is much.
        const bool usual = path.feedback && !path.overuse && path.loss <= 0 && path.queue_delay <= short_queue &&
                           sending.queue <= short_wait;
        if (!usual || !wide || !sending.settled || sending.bitrate == 0) {
            disturbed(now);
            return;
        }
        if (quiet_since_ == 0)
            quiet_since_ = now;
        if (!on_ && now >= quiet_since_ + needed_) {
            on_ = true;
            since_ = now;
        }
    }
    // The viewer misses packets or asks for a key unit, or nothing is heard of it.
    void disturbed(GstClockTime now) {
        quiet_since_ = 0;
        if (!std::exchange(on_, false))
            return;
        needed_ = now >= since_ + late ? quiet : needed_;
        needed_ = std::min(2 * needed_, longest_quiet);
    }
    // A look at the path is wanted, for which all packets are to be reported: no trouble.
    void interrupt() {
        quiet_since_ = 0;
        on_ = false;
    }
    bool on() const { return on_; }

private:
    bool on_ = false;
    GstClockTime since_ = 0, needed_ = quiet;
    GstClockTime quiet_since_ = 0; // 0: it is not
};

} // namespace sluice
