// SPDX-License-Identifier: LGPL-2.1-or-later
// Slows the guessing of passwords, per address and per account. Pure: the time is given.
//
// Address: free_tries wrong ones cost nothing; each further one closes the door for 1 s, 2 s, 4 s... max_wait. A success takes back
// what was tried at that account just before, not what was tried at others: an account of one's own opens no door to more guesses.
// Account: the same for all addresses together, with more free tries, so that many addresses guess no faster than one.
// Nobody is locked out of their own account by others: from where an account has logged in before its door is never closed, and
// what is tried there is counted for that account and address alone.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace sluice {

struct LoginThrottleLimits {
    size_t max_peers = 4096;
    unsigned free_tries = 5;
    std::chrono::seconds max_wait{30}, forget{std::chrono::minutes(15)};
    unsigned account_free_tries = 20;
    // Names share a fixed number of doors: there is no table that made-up names could push a real one out of.
    size_t account_doors = 4096;
    size_t max_known = 8192, max_known_per_account = 64;
};

// Tries run at the same time count as wrong ones until they turn out right: guessing in parallel gains nothing.
class LoginThrottle {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Limits = LoginThrottleLimits;

    explicit LoginThrottle(Limits limits = {}, size_t seed = 0);

    struct Wait {
        std::chrono::milliseconds time{0};
        bool account = false; // the account's door, not the address's
    };
    // Zero: the try may be made, and counts as wrong until succeeded(). Otherwise: how long to wait.
    Wait begin(const std::string& peer, const std::string& account, Time now);
    void succeeded(const std::string& peer, const std::string& account);
    // Nobody could tell whether it was right: as if it had not been tried.
    void cancelled(const std::string& peer, const std::string& account);
    // How long until begin() would let a try pass; does not count one.
    Wait wait(const std::string& peer, const std::string& account, Time now) const;
    // The account has logged in from there.
    bool knows(const std::string& peer, const std::string& account) const;
    // The account has another password, or is gone: where it has logged in from says nothing any more.
    void forget(const std::string& account);
    size_t size() const { return peers_.size(); }
    size_t known() const { return known_.size(); }

private:
    struct Door {
        unsigned wrong = 0;
        Time closed_until{}, last{};
    };
    struct Peer {
        Door door;
        size_t account = 0; // which was tried last...
        unsigned run = 0;   // ... so many times on end
        std::list<std::string>::iterator age;
    };
    struct Known {
        std::string account;
        std::list<std::string>::iterator age;
    };
    static std::chrono::milliseconds left(const Door& door, Time now);
    void count(Door& door, unsigned free_tries, Time now) const;
    static void take_back(Door& door, unsigned tries);
    std::string entry(const std::string& peer, const std::string& account) const;
    size_t door_of(const std::string& account) const;
    void remember(const std::string& peer, const std::string& account);
    void drop(std::map<std::string, Known>::iterator it);

    const Limits limits_;
    const size_t seed_;
    std::map<std::string, Peer> peers_; // addresses; and, for those that an account is known from, address and account
    std::list<std::string> by_age_;     // least recent first: goes when the table is full
    std::vector<Door> accounts_;
    std::map<std::string, Known> known_; // by address and account
    std::list<std::string> known_by_age_;
};

} // namespace sluice
