// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/login_throttle.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice {

using std::chrono::milliseconds;

namespace {

// An IPv6 network is one guesser: its addresses cost nothing.
std::string network(const std::string& peer) {
    in6_addr address{};
    if (inet_pton(AF_INET6, peer.c_str(), &address) != 1)
        return peer;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        char text[INET_ADDRSTRLEN] = {};
        return inet_ntop(AF_INET, address.s6_addr + 12, text, sizeof text) ? text : peer;
    }
    return std::string(reinterpret_cast<const char*>(address.s6_addr), 8); // the /64
}

std::string pair_of(const std::string& peer, const std::string& account) {
    const std::string from = network(peer);
    return std::to_string(from.size()) + ":" + from + account;
}

} // namespace

LoginThrottle::LoginThrottle(Limits limits, size_t seed)
    : limits_(limits), seed_(seed), accounts_(std::max<size_t>(limits.account_doors, 1)) {}

milliseconds LoginThrottle::left(const Door& door, Time now) {
    if (door.closed_until <= now)
        return milliseconds(0);
    return std::max(std::chrono::ceil<milliseconds>(door.closed_until - now), milliseconds(1));
}

void LoginThrottle::count(Door& door, unsigned free_tries, Time now) const {
    if (now - door.last > limits_.forget)
        door = {};
    door.last = now;
    door.wrong++;
    if (door.wrong > free_tries) {
        const unsigned doublings = std::min(door.wrong - free_tries - 1, 16u);
        door.closed_until = now + std::min(std::chrono::seconds(1LL << doublings), limits_.max_wait);
    }
}

// It was open when the try began.
void LoginThrottle::take_back(Door& door, unsigned tries) {
    door.wrong -= std::min(door.wrong, tries);
    door.closed_until = {};
}

std::string LoginThrottle::entry(const std::string& peer, const std::string& account) const {
    std::string pair = pair_of(peer, account);
    return known_.count(pair) ? pair : network(peer);
}

size_t LoginThrottle::door_of(const std::string& account) const {
    return std::hash<std::string>()(std::to_string(seed_) + account) % accounts_.size();
}

bool LoginThrottle::knows(const std::string& peer, const std::string& account) const {
    return known_.count(pair_of(peer, account)) > 0;
}

LoginThrottle::Wait LoginThrottle::wait(const std::string& peer, const std::string& account, Time now) const {
    Wait out;
    if (const auto it = peers_.find(entry(peer, account)); it != peers_.end())
        out.time = left(it->second.door, now);
    if (knows(peer, account))
        return out;
    if (const milliseconds of_account = left(accounts_[door_of(account)], now); of_account > out.time)
        out = {of_account, true};
    return out;
}

LoginThrottle::Wait LoginThrottle::begin(const std::string& peer, const std::string& account, Time now) {
    if (const Wait closed = wait(peer, account, now); closed.time > milliseconds(0))
        return closed;
    while (!by_age_.empty() && now - peers_.at(by_age_.front()).door.last > limits_.forget) {
        peers_.erase(by_age_.front());
        by_age_.pop_front();
    }
    const std::string key = entry(peer, account);
    auto it = peers_.find(key);
    if (it == peers_.end()) {
        if (peers_.size() >= limits_.max_peers) {
            peers_.erase(by_age_.front());
            by_age_.pop_front();
        }
        by_age_.push_back(key);
        it = peers_.emplace(key, Peer{{0, {}, now}, 0, 0, std::prev(by_age_.end())}).first;
    } else {
        by_age_.splice(by_age_.end(), by_age_, it->second.age);
    }
    Peer& p = it->second;
    const size_t name = std::hash<std::string>()(account);
    p.run = p.account == name ? p.run + 1 : 1;
    p.account = name;
    count(p.door, limits_.free_tries, now);
    if (!knows(peer, account))
        count(accounts_[door_of(account)], limits_.account_free_tries, now);
    return {};
}

void LoginThrottle::succeeded(const std::string& peer, const std::string& account) {
    if (const auto it = peers_.find(entry(peer, account)); it != peers_.end()) {
        Peer& p = it->second;
        const bool on_end = p.account == std::hash<std::string>()(account);
        take_back(p.door, on_end ? std::exchange(p.run, 0) : 1);
        if (p.door.wrong == 0) {
            by_age_.erase(p.age);
            peers_.erase(it);
        }
    }
    if (!knows(peer, account))
        take_back(accounts_[door_of(account)], 1);
    remember(peer, account);
}

void LoginThrottle::cancelled(const std::string& peer, const std::string& account) {
    if (const auto it = peers_.find(entry(peer, account)); it != peers_.end())
        take_back(it->second.door, 1);
    if (!knows(peer, account))
        take_back(accounts_[door_of(account)], 1);
}

void LoginThrottle::remember(const std::string& peer, const std::string& account) {
    const std::string key = pair_of(peer, account);
    if (const auto it = known_.find(key); it != known_.end()) {
        known_by_age_.splice(known_by_age_.end(), known_by_age_, it->second.age);
        return;
    }
    // An account that has many addresses pushes out its own only.
    size_t of_account = 0;
    auto oldest = known_.end();
    for (const std::string& name : known_by_age_) {
        const auto it = known_.find(name);
        if (it->second.account != account)
            continue;
        if (of_account++ == 0)
            oldest = it;
    }
    if (of_account >= limits_.max_known_per_account)
        drop(oldest);
    else if (known_.size() >= limits_.max_known)
        drop(known_.find(known_by_age_.front()));
    known_by_age_.push_back(key);
    known_.emplace(key, Known{account, std::prev(known_by_age_.end())});
}

void LoginThrottle::drop(std::map<std::string, Known>::iterator it) {
    known_by_age_.erase(it->second.age);
    known_.erase(it);
}

void LoginThrottle::forget(const std::string& account) {
    for (auto it = known_.begin(); it != known_.end();) {
        const auto next = std::next(it);
        if (it->second.account == account)
            drop(it);
        it = next;
    }
}

} // namespace sluice
