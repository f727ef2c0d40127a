// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/queue_delay.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

constexpr GstClockTime recent_slot = 25 * GST_MSECOND;
constexpr double nothing = std::numeric_limits<double>::infinity();
constexpr double quick_ms = 50, slow_ms = 400, jitter_memory_ms = 2000;
// The first guess is soon replaced by what is seen.
constexpr double first_memory_ms = 150;
// The receiver's clock was set, or the path changed beyond recognition.
constexpr double jump_ms = 10'000;

double towards(double from, double to, double elapsed, double time) {
    return from + (to - from) * (1 - std::exp(-elapsed / time));
}

} // namespace

void QueueDelay::reset() {
    known_ = false;
    jitter_ = first_jitter;
}

void QueueDelay::add(const PacketGroup& group, bool forced) {
    if (!known_ || std::abs(group.delay - quick_) > jump_ms) {
        known_ = true;
        origin_ = last_ = group.arrived;
        quick_ = slow_ = group.delay;
        head_ = recent_head_ = 0;
        recent_.fill(nothing);
        recent_[0] = group.delay;
        least_.fill(slow_);
        base_ = slow_;
        floor_.reset();
        return;
    }
    if (group.arrived < last_)
        return;
    const double elapsed = PacketGroups::milliseconds(group.arrived, last_);
    last_ = group.arrived;
    // Deviations say nothing while a queue fills or drains: no more than the path's usual ones count.
    const double deviation = std::min(std::abs(group.delay - slow_), 3 * jitter_ + 5);
    if (!forced)
        jitter_ =
            towards(jitter_, deviation, std::min(elapsed, 100.0),
                    std::clamp(PacketGroups::milliseconds(group.arrived, origin_), first_memory_ms, jitter_memory_ms));
    quick_ = towards(quick_, group.delay, elapsed, quick_ms);
    slow_ = towards(slow_, group.delay, elapsed, slow_ms);
    const uint64_t moment = (group.arrived - origin_) / recent_slot;
    for (unsigned i = 0; recent_head_ < moment && i < recent_.size(); ++i)
        recent_[++recent_head_ % recent_.size()] = nothing;
    recent_head_ = moment;
    double& lately = recent_[moment % recent_.size()];
    lately = std::min(lately, group.delay);
    const uint64_t second = (group.arrived - origin_) / slot;
    if (floor_)
        floor_ = std::min(*floor_, slow_);
    if (second == head_) {
        double& least = least_[head_ % least_.size()];
        least = std::min(least, slow_);
        base_ = std::min(base_, slow_);
        return;
    }
    const uint64_t passed = second - head_;
    for (double& least : least_)
        least += drift * static_cast<double>(passed);
    for (uint64_t i = std::max(head_ + 1, second - std::min<uint64_t>(second, least_.size() - 1)); i <= second; ++i)
        least_[i % least_.size()] = slow_;
    head_ = second;
    base_ = *std::min_element(least_.begin(), least_.end());
}

void QueueDelay::lower(double ms) {
    base_ = base() - ms;
    least_[head_ % least_.size()] = base_;
    floor_.reset();
}

double QueueDelay::now_ms() const { return known_ ? std::max(0.0, quick_ - base()) : 0; }

double QueueDelay::held_ms() const {
    return known_ ? std::max(0.0, *std::min_element(recent_.begin(), recent_.end()) - base()) : 0;
}

double QueueDelay::standing_ms() const { return known_ ? std::max(0.0, slow_ - base()) : 0; }

double QueueDelay::jitter_ms() const { return jitter_; }

} // namespace sluice
