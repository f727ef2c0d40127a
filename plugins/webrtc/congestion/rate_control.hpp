// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/trendline.hpp"

#include <gst/gst.h>

#include <cstdint>

namespace sluice {

// The estimate: up with what is proven to arrive, down to what arrives when the path is full (AIMD). What a probe has shown stands
// until something else is shown; with little sent nothing is. Pure.
class RateControl {
public:
    static constexpr uint64_t min_estimate = 30'000, max_estimate = 1'000'000'000;

    // What the last packets say, at one moment.
    struct Observation {
        Trendline::Signal signal = Trendline::Signal::normal;
        bool steep = false;        // overuse however little is sent
        bool standing = false;     // a queue stands
        bool waiting = false;      // some queue: no moment to try more
        double congestion = 0;     // loss that is our doing
        uint64_t sent = 0;         // lately; 0: unknown
        uint64_t received = 0;     // 0.5 s; 0: unknown
        uint64_t received_now = 0; // 0.25 s
        GstClockTime rtt = 0;
    };
    enum class Step { none, up, down };

    explicit RateControl(uint64_t start);

    Step update(const Observation& seen, GstClockTime now);
    void probed(uint64_t rate, bool full, GstClockTime now);

    uint64_t estimate() const { return estimate_; }

private:
    void decrease(uint64_t to, GstClockTime now);
    bool may_decrease(const Observation& seen, GstClockTime now) const;
    void grow(const Observation& seen, GstClockTime now);
    void learn_capacity(double received);

    uint64_t estimate_;
    GstClockTime updated_ = GST_CLOCK_TIME_NONE, decreased_ = GST_CLOCK_TIME_NONE;
    bool starting_ = true; // nothing has shown a limit yet
    // Where the limit was met lately: mean and variance relative to it; 0: unknown.
    double capacity_ = 0, deviation_ = 0.4;
};

} // namespace sluice
