// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <mutex>

namespace sluice {

// The shortest way there and back (PathState::usual_rtt) that any viewer of one network has seen in the last 10 to 20 minutes. Whoever joins
// while others fill the path would take their queue for the path's own delay. Thread-safe; time is a parameter.
class LeastRoundTrip {
public:
    static constexpr GstClockTime period = 600 * GST_SECOND;

    // seen: by one viewer, not 0. What all of them have seen.
    GstClockTime of_all(GstClockTime seen, GstClockTime now) {
        std::lock_guard lock(mutex_);
        if (now >= began_ + period) {
            before_ = now >= began_ + 2 * period ? GST_CLOCK_TIME_NONE : least_;
            least_ = GST_CLOCK_TIME_NONE;
            began_ = now;
        }
        least_ = std::min(least_, seen);
        return std::min(least_, before_);
    }

private:
    std::mutex mutex_;
    GstClockTime least_ = GST_CLOCK_TIME_NONE, before_ = GST_CLOCK_TIME_NONE, began_ = 0;
};

} // namespace sluice
