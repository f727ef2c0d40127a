// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

// Whether the path takes what is sent: evidence that stands for a moment, never a low estimate alone, for a camera that sends
// little makes every estimate low. Pure.
class PathTrouble {
public:
    enum class Kind { none, overuse, queue, loss, sender, reports };

    static constexpr GstClockTime stands = 100 * GST_MSECOND;
    static constexpr GstClockTime short_queue = 150 * GST_MSECOND; // a key frame fills less than that
    static constexpr GstClockTime long_queue = 300 * GST_MSECOND;
    static constexpr GstClockTime long_sender_queue = 400 * GST_MSECOND, sender_stands = 200 * GST_MSECOND;
    static constexpr GstClockTime settle = 1500 * GST_MSECOND; // the burst after a switch looks like an overuse
    static constexpr GstClockTime drain = GST_SECOND;          // what the stream before has left in queues
    static constexpr double heavy_loss = 0.1;

    // What the sender does now is another thing: evidence from before says nothing about it, and its burst piles up for a moment.
    void switched(GstClockTime now) {
        switched_at_ = now;
        path_ = sender_ = 0;
        dropped_ = false;
        bad_reports_ = std::min(bad_reports_, 1U); // until a good one comes
        bursting_ = true;
    }

    // Pictures were given up here: what waited is gone, and with it the sign that it did.
    void dropped() { dropped_ = true; }

    // rate: what the stream being sent needs. The kind that has stood long enough.
    Kind look(const PathState& path, GstClockTime sender_queue, uint64_t rate, GstClockTime now) {
        learn(path, now);
        bursting_ = bursting_ && sender_queue > GST_SECOND / 10 && now < switched_at_ + 2 * GST_SECOND;
        const GstClockTime queue = path.queue_delay + (bursting_ ? 0 : sender_queue);
        // After an overuse the estimate is 0.85 of what arrived. Below the rate itself, a path that carries the stream with a margin
        // of a sixth is not left for a key frame that filled a queue.
        const bool overuse = path.overuse && queue > short_queue && low(path, rate, 100) && settled(now, settle);
        const bool queued = queue > long_queue && low(path, rate, 110);
        const bool lossy = path.loss > heavy_loss && low(path, rate, 110);
        const bool waiting = sender_queue > long_sender_queue && !bursting_;
        if (std::exchange(dropped_, false) || stood(waiting, sender_, sender_stands, now))
            return Kind::sender;
        if (!path.feedback)
            return bad_reports_ >= 2 ? Kind::reports : Kind::none;
        if (!stood(settled(now, drain) && (overuse || queued || lossy), path_, stands, now))
            return Kind::none;
        return queued ? Kind::queue : overuse ? Kind::overuse : Kind::loss;
    }

    // Nothing speaks against sending more.
    bool calm(const PathState& path, GstClockTime sender_queue) const {
        return !path.overuse && path.queue_delay < 80 * GST_MSECOND && sender_queue < 50 * GST_MSECOND &&
               path.loss <= std::max(0.05, 2 * usual_loss_ + 0.02);
    }
    double usual_loss() const { return usual_loss_; }
    unsigned bad_reports() const { return bad_reports_; }
    // When evidence that is seen now will have stood long enough; GST_CLOCK_TIME_NONE: there is none.
    GstClockTime decides_at() const {
        GstClockTime at = GST_CLOCK_TIME_NONE;
        if (path_ != 0)
            at = path_ + stands;
        if (sender_ != 0)
            at = std::min(at, sender_ + sender_stands);
        return at;
    }

private:
    static bool low(const PathState& path, uint64_t rate, unsigned percent) {
        return path.estimate == 0 || path.estimate * 100 < rate * percent;
    }
    bool settled(GstClockTime now, GstClockTime time) const { return switched_at_ == 0 || now >= switched_at_ + time; }
    static bool stood(bool seen, GstClockTime& since, GstClockTime needed, GstClockTime now) {
        since = !seen ? 0 : since != 0 ? since : now;
        return seen && now >= since + needed;
    }
    // Congestion loses much for a short time; what a path loses always is little.
    void learn(const PathState& path, GstClockTime now) {
        constexpr double most = 0.05, seconds = 20;
        if (learnt_at_ != 0 && now > learnt_at_) {
            const double passed = static_cast<double>(now - learnt_at_) / static_cast<double>(GST_SECOND);
            usual_loss_ += (std::min(path.loss, most) - usual_loss_) * std::min(1.0, passed / seconds);
        }
        learnt_at_ = now;
        // A report is known by its numbers: two with the same ones come as good as never.
        if (!path.feedback && (path.loss != report_loss_ || path.rtt != report_rtt_))
            bad_reports_ = path.loss > heavy_loss ? bad_reports_ + 1 : 0;
        report_loss_ = path.loss;
        report_rtt_ = path.rtt;
    }

    double usual_loss_ = 0, report_loss_ = 0;
    GstClockTime learnt_at_ = 0, report_rtt_ = 0;
    unsigned bad_reports_ = 0;
    GstClockTime path_ = 0, sender_ = 0; // since when evidence is seen, 0: none
    GstClockTime switched_at_ = 0;
    bool bursting_ = false, dropped_ = false;
};

} // namespace sluice
