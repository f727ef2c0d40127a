// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/trendline.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

// Gains per ms (draft-ietf-rmcat-gcc-02): up fast, so that a path that jitters is soon known as such, and down slowly.
constexpr double gain_up = 0.01;
constexpr double gain_down = 0.00018;
// A step, not a limit beyond which nothing is learnt: smooth jitter of 20 ms lies beyond 15 ms most of the time.
constexpr double max_step = 15;
constexpr double min_threshold = 10, max_threshold = 600;
constexpr double over_time_ms = 10; // one late packet is no queue
constexpr size_t min_points = 6;

} // namespace

void Trendline::reset() {
    count_ = 0;
    growth_ = last_growth_ = over_ms_ = 0;
    over_count_ = 0;
    origin_ = GST_CLOCK_TIME_NONE;
    signal_ = Signal::normal;
}

bool Trendline::steep() const { return signal_ == Signal::over && growth_ > std::max(steep_ms, 2.5 * threshold_); }

void Trendline::add(const PacketGroup& group) {
    if (origin_ == GST_CLOCK_TIME_NONE)
        origin_ = group.arrived;
    const Point point{PacketGroups::milliseconds(group.arrived, origin_), group.delay};
    double elapsed = 0;
    if (count_ != 0) {
        elapsed = point.arrived - points_[(first_ + count_ - 1) % points_.size()].arrived;
        if (elapsed < 0)
            return; // overtaken by a group that was sent later
    }
    if (count_ == points_.size()) {
        first_ = (first_ + 1) % points_.size();
        --count_;
    }
    points_[(first_ + count_++) % points_.size()] = point;
    while (count_ > 1 && points_[first_].arrived < point.arrived - window_ms) {
        first_ = (first_ + 1) % points_.size();
        --count_;
    }
    judge(elapsed);
}

double Trendline::fit() const {
    double x_mean = 0, y_mean = 0;
    for (size_t i = 0; i < count_; ++i) {
        const Point& p = points_[(first_ + i) % points_.size()];
        x_mean += p.arrived;
        y_mean += p.delay;
    }
    x_mean /= static_cast<double>(count_);
    y_mean /= static_cast<double>(count_);
    double above = 0, below = 0;
    for (size_t i = 0; i < count_; ++i) {
        const Point& p = points_[(first_ + i) % points_.size()];
        above += (p.arrived - x_mean) * (p.delay - y_mean);
        below += (p.arrived - x_mean) * (p.arrived - x_mean);
    }
    return below > 0 ? above / below : 0;
}

void Trendline::judge(double elapsed) {
    if (count_ < min_points) {
        signal_ = Signal::normal;
        growth_ = last_growth_ = over_ms_ = 0;
        over_count_ = 0;
        return;
    }
    const Point& oldest = points_[first_];
    const Point& newest = points_[(first_ + count_ - 1) % points_.size()];
    growth_ = fit() * (newest.arrived - oldest.arrived);
    if (growth_ > threshold_) {
        over_ms_ += elapsed;
        ++over_count_;
        if (over_ms_ > over_time_ms && over_count_ > 1 && growth_ >= last_growth_)
            signal_ = Signal::over;
    } else {
        over_ms_ = 0;
        over_count_ = 0;
        signal_ = growth_ < -threshold_ ? Signal::under : Signal::normal;
    }
    last_growth_ = growth_;
    const double beyond = std::clamp(std::abs(growth_) - threshold_, -threshold_, max_step);
    threshold_ += (beyond > 0 ? gain_up : gain_down) * beyond * std::min(elapsed, 100.0);
    threshold_ = std::clamp(threshold_, min_threshold, max_threshold);
}

} // namespace sluice
