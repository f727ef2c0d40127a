// SPDX-License-Identifier: LGPL-2.1-or-later
// When encoders that failed their trial are tried again: a card whose sessions were all taken has some later, a driver that
// makes garbage makes it for years. No clock but the caller's, no locks: one thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::hw {

class TrialPlan {
public:
    using Time = std::chrono::steady_clock::time_point;
    // From each failure to the next trial; the last one over and over.
    static constexpr std::chrono::minutes distances[] = {std::chrono::minutes(1), std::chrono::minutes(5),
                                                         std::chrono::minutes(15), std::chrono::minutes(60)};

    // The encoder of that name has failed a trial, the first or another one.
    void failed(const std::string& name, Time now);
    // It could not be tried when its time had come: soon again, without being a step further.
    void put_off(const std::string& name, Time now);
    void passed(const std::string& name) { waiting_.erase(name); }
    // Which is the next, and when. Nothing: all work.
    std::optional<std::pair<std::string, Time>> next() const;

private:
    struct Waiting {
        Time at;
        unsigned failures = 0;
    };
    std::map<std::string, Waiting> waiting_;
};

} // namespace sluice::hw
