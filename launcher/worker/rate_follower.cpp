// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/rate_follower.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

RateFollower::RateFollower(uint64_t full)
    : full_(full), floor_(std::min(full, std::max(least_rate, full / least_part))), rate_(full) {}

uint64_t RateFollower::wanted() const { return carried_ ? std::clamp(carried_, floor_, full_) : full_; }

bool RateFollower::worth_a_change(uint64_t target) const {
    if (target < rate_)
        return target == floor_ || target * 100 <= rate_ * (100 - least_fall_percent);
    return target > rate_ && (target == full_ || target * 100 >= rate_ * (100 + least_rise_percent));
}

std::optional<uint64_t> RateFollower::step(Time now) {
    const uint64_t target = wanted();
    if (!worth_a_change(target) || (changed_ && now < *changed_ + interval))
        return {};
    if (target > rate_) {
        const auto since = std::min<Time::duration>(now - changed_.value_or(now), longest_rise);
        const double most =
            static_cast<double>(rate_) * std::pow(rise_per_second, std::chrono::duration<double>(since).count());
        rate_ = std::min(target, static_cast<uint64_t>(most));
    } else {
        rate_ = target;
    }
    changed_ = now;
    return rate_;
}

std::optional<RateFollower::Time> RateFollower::next() const {
    if (!changed_ || !worth_a_change(wanted()))
        return {};
    return *changed_ + interval;
}

} // namespace sluice
