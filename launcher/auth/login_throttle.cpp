// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/login_throttle.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace sluice {

using std::chrono::milliseconds;

std::string LoginThrottle::key(const std::string& peer) {
    in6_addr address{};
    if (inet_pton(AF_INET6, peer.c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address))
        return peer;
    return std::string(reinterpret_cast<const char*>(address.s6_addr), 8); // the /64
}

milliseconds LoginThrottle::wait(const std::string& peer, Time now) const {
    const auto it = peers_.find(key(peer));
    if (it == peers_.end() || it->second.closed_until <= now)
        return milliseconds(0);
    return std::max(std::chrono::ceil<milliseconds>(it->second.closed_until - now), milliseconds(1));
}

milliseconds LoginThrottle::begin(const std::string& peer, Time now) {
    if (const milliseconds left = wait(peer, now); left > milliseconds(0))
        return left;
    while (!by_age_.empty() && now - peers_.at(by_age_.front()).last > forget_) {
        peers_.erase(by_age_.front());
        by_age_.pop_front();
    }
    const std::string k = key(peer);
    auto it = peers_.find(k);
    if (it == peers_.end()) {
        if (peers_.size() >= max_peers_) {
            peers_.erase(by_age_.front());
            by_age_.pop_front();
        }
        by_age_.push_back(k);
        it = peers_.emplace(k, Peer{0, {}, now, std::prev(by_age_.end())}).first;
    } else {
        by_age_.splice(by_age_.end(), by_age_, it->second.age);
    }
    Peer& p = it->second;
    p.last = now;
    p.wrong++;
    if (p.wrong > free_tries_) {
        const unsigned doublings = std::min(p.wrong - free_tries_ - 1, 16u);
        p.closed_until = now + std::min(std::chrono::seconds(1LL << doublings), max_wait_);
    }
    return milliseconds(0);
}

void LoginThrottle::succeeded(const std::string& peer) {
    const auto it = peers_.find(key(peer));
    if (it == peers_.end())
        return;
    by_age_.erase(it->second.age);
    peers_.erase(it);
}

} // namespace sluice
