// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/rate_control.hpp"

#include <gst/gst.h>

#include <array>
#include <cstdint>

namespace sluice {

// For viewers without transport-wide feedback: the same rate control, fed with what receiver reports tell. They come every few
// seconds, know no arrival times, and their loss is a share of few packets. Pure.
class ReportEstimator {
public:
    // `sent`: bit/s lately. What to make of the report; remembers loss and delay.
    RateControl::Observation report(double fraction_lost, GstClockTime rtt, uint64_t sent);

    double loss() const { return loss_; }
    GstClockTime queue_delay() const { return queue_delay_; }
    bool over() const { return over_; }

private:
    std::array<GstClockTime, 8> rtts_{}; // the last ones; 0: none
    size_t next_ = 0;
    double loss_ = 0, last_loss_ = 0;
    GstClockTime queue_delay_ = 0, last_queue_delay_ = 0;
    bool over_ = false;
};

} // namespace sluice
