// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/trial_plan.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::hw {

void TrialPlan::failed(const std::string& name, Time now) {
    Waiting& waiting = waiting_[name];
    waiting.at = now + distances[std::min<size_t>(waiting.failures++, std::size(distances) - 1)];
}

void TrialPlan::put_off(const std::string& name, Time now) {
    if (const auto found = waiting_.find(name); found != waiting_.end())
        found->second.at = now + distances[0];
}

std::optional<std::pair<std::string, TrialPlan::Time>> TrialPlan::next() const {
    const auto first = std::min_element(waiting_.begin(), waiting_.end(),
                                        [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
    return first == waiting_.end() ? std::nullopt : std::optional(std::pair(first->first, first->second.at));
}

} // namespace sluice::hw
