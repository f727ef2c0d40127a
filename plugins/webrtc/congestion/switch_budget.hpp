// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>

namespace sluice {

// How often a viewer's stream may change: four times in any minute, whatever the link does. Who is not on the smallest stream has
// one switch left to fall to it, so that it is always the rise that is refused. Pure.
class SwitchBudget {
public:
    static constexpr unsigned per_minute = 4;
    static constexpr GstClockTime window = 60 * GST_SECOND;

    void switched(GstClockTime now) {
        at_[next_++ % per_minute] = now;
        used_ = std::min(used_ + 1, per_minute);
    }
    unsigned left(GstClockTime now) const {
        unsigned n = 0;
        for (unsigned i = 0; i < used_; ++i)
            n += now <= at_[i] + window;
        return per_minute - n;
    }
    bool may_rise(GstClockTime now) const { return left(now) >= 2; }
    // A fall may end on a stream that is not the smallest.
    bool may_fall_between(GstClockTime now) const { return left(now) >= 2; }
    // When the oldest switch that still counts is forgotten; 0: none counts.
    GstClockTime more_at(GstClockTime now) const {
        GstClockTime first = GST_CLOCK_TIME_NONE;
        for (unsigned i = 0; i < used_; ++i)
            if (now <= at_[i] + window)
                first = std::min(first, at_[i] + window + 1);
        return first == GST_CLOCK_TIME_NONE ? 0 : first;
    }

private:
    std::array<GstClockTime, per_minute> at_{};
    unsigned next_ = 0, used_ = 0;
};

} // namespace sluice
