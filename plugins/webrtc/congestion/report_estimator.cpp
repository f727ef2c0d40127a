// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/report_estimator.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

// Round trips of reports vary by more than packets do: both ways, and the receiver's time to answer.
constexpr GstClockTime long_queue = 150 * GST_MSECOND, some_queue = 80 * GST_MSECOND;

} // namespace

RateControl::Observation ReportEstimator::report(double fraction_lost, GstClockTime rtt, uint64_t sent) {
    last_loss_ = loss_;
    loss_ = std::isfinite(fraction_lost) ? std::clamp(fraction_lost, 0.0, 1.0) : 0;
    last_queue_delay_ = queue_delay_;
    if (rtt != 0) {
        rtts_[next_] = rtt;
        next_ = (next_ + 1) % rtts_.size();
        GstClockTime best = rtt;
        for (const GstClockTime r : rtts_)
            best = r != 0 ? std::min(best, r) : best;
        queue_delay_ = rtt - best;
    }
    // Twice in a row: a burst of lost packets is in one report.
    over_ = std::min(queue_delay_, last_queue_delay_) > long_queue;
    RateControl::Observation seen;
    seen.standing = over_;
    seen.waiting = queue_delay_ > some_queue;
    seen.congestion = std::min(loss_, last_loss_);
    seen.sent = sent;
    seen.received = seen.received_now = static_cast<uint64_t>(static_cast<double>(sent) * (1 - loss_));
    seen.rtt = rtt;
    return seen;
}

} // namespace sluice
