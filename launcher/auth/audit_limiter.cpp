// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/audit_limiter.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

bool AuditLimiter::pass(const std::string& peer, Time now) {
    const std::chrono::duration<double> gone = now - std::exchange(refilled_, std::max(now, refilled_));
    budget_ = std::min<double>(limits_.burst, budget_ + std::max(0.0, gone.count()) * limits_.per_minute / 60);
    auto it = peers_.find(peer);
    if (it == peers_.end() && peers_.size() >= limits_.max_peers) {
        others_++;
        return false;
    }
    if (it == peers_.end())
        it = peers_.emplace(peer, Peer{now}).first;
    Peer& p = it->second;
    if (p.seen >= limits_.lines || budget_ < 1) {
        p.missed++;
        return false;
    }
    p.seen++;
    budget_ -= 1;
    return true;
}

std::vector<AuditLimiter::Missed> AuditLimiter::missed(Time now) {
    std::vector<Missed> out;
    unsigned many = std::exchange(others_, 0);
    for (auto it = peers_.begin(); it != peers_.end();) {
        if (now - it->second.since < limits_.window) {
            ++it;
            continue;
        }
        // These lines have their price, too.
        if (it->second.missed && budget_ >= 1) {
            out.push_back({it->first, it->second.missed});
            budget_ -= 1;
        } else {
            many += it->second.missed;
        }
        it = peers_.erase(it);
    }
    if (many)
        out.push_back({"", many});
    return out;
}

} // namespace sluice
