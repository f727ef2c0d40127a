// SPDX-License-Identifier: LGPL-2.1-or-later
// What regular events tell of their pace, however they jitter. Pure.
#pragma once

#include <optional>
#include <vector>

namespace sluice::probe {

struct Pace {
    double per_second = 0;
    bool steady = true; // false: the distances themselves differ, as of a camera with a variable rate
};

// times: seconds, in order. nullopt: fewer than three, or they stand still.
std::optional<Pace> pace_of(const std::vector<double>& times);

// The slope of y over x, as the median of the slopes between points half of all apart: what jitters, or jumps once at the
// beginning, does not bend it. At least two points; x in order.
double slope(const std::vector<double>& x, const std::vector<double>& y);

double median(std::vector<double> values); // 0 of none

} // namespace sluice::probe
