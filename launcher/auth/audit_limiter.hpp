// SPDX-License-Identifier: LGPL-2.1-or-later
// How many refusals are written down one by one: a flood of them must fill no disk, and push nothing else out of the log. Pure:
// the time is given.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace sluice {

struct AuditLimits {
    unsigned lines = 10; // of one address in a window...
    std::chrono::seconds window{60};
    unsigned burst = 200, per_minute = 20; // ... and of all together
    size_t max_peers = 1024;
};

class AuditLimiter {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit AuditLimiter(AuditLimits limits = {}) : limits_(limits), budget_(limits.burst) {}

    // True: it is to be written. Otherwise it is counted.
    bool pass(const std::string& peer, Time now);

    struct Missed {
        std::string peer; // empty: of many
        unsigned count = 0;
    };
    // What was counted in windows that are over; each is told once.
    std::vector<Missed> missed(Time now);

private:
    struct Peer {
        Time since;
        unsigned seen = 0, missed = 0;
    };
    const AuditLimits limits_;
    double budget_;
    Time refilled_{};
    std::map<std::string, Peer> peers_;
    unsigned others_ = 0; // missed of addresses that found no place in the table
};

} // namespace sluice
