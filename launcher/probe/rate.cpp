// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/rate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice::probe {

namespace {

// So much of all distances, in time, may be other than the usual one by more than a third: a picture may be missing.
constexpr double most_odd = 0.1, odd = 1.0 / 3;

} // namespace

double median(std::vector<double> values) {
    if (values.empty())
        return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double slope(const std::vector<double>& x, const std::vector<double>& y) {
    const size_t step = std::max<size_t>(1, x.size() / 2);
    std::vector<double> slopes;
    for (size_t i = 0; i + step < x.size(); i++)
        if (x[i + step] > x[i])
            slopes.push_back((y[i + step] - y[i]) / (x[i + step] - x[i]));
    return median(std::move(slopes));
}

std::optional<Pace> pace_of(const std::vector<double>& times) {
    if (times.size() < 3 || times.back() <= times.front())
        return std::nullopt;
    std::vector<double> places(times.size()), distances;
    std::iota(places.begin(), places.end(), 0.0);
    for (size_t i = 1; i < times.size(); i++)
        distances.push_back(times[i] - times[i - 1]);
    const double usual = median(distances);
    double strange = 0;
    for (const double d : distances)
        if (std::abs(d - usual) > odd * usual)
            strange += d;
    Pace out;
    out.steady = usual > 0 && strange <= most_odd * (times.back() - times.front());
    const double period = slope(places, times);
    out.per_second =
        out.steady && period > 0 ? 1 / period : static_cast<double>(times.size() - 1) / (times.back() - times.front());
    return out;
}

} // namespace sluice::probe
