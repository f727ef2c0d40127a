// SPDX-License-Identifier: LGPL-2.1-or-later
// Slows the guessing of passwords, per address of the one who guesses. Pure: the time is given.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <string>

namespace sluice {

// Tries run at the same time count as wrong ones until they turn out right: guessing in parallel gains nothing.
class LoginThrottle {
public:
    using Time = std::chrono::steady_clock::time_point;

    // free_tries wrong ones cost nothing; each further one closes the door for 1 s, 2 s, 4 s... max_wait.
    explicit LoginThrottle(size_t max_peers = 4096, unsigned free_tries = 5,
                           std::chrono::seconds max_wait = std::chrono::seconds(30),
                           std::chrono::seconds forget = std::chrono::minutes(15))
        : max_peers_(max_peers), free_tries_(free_tries), max_wait_(max_wait), forget_(forget) {}

    // Zero: the try may be made, and counts as wrong until succeeded(). Otherwise: how long to wait.
    std::chrono::milliseconds begin(const std::string& peer, Time now);
    void succeeded(const std::string& peer);
    // How long until begin() would let a try pass; does not count one.
    std::chrono::milliseconds wait(const std::string& peer, Time now) const;
    size_t size() const { return peers_.size(); }

private:
    struct Peer {
        unsigned wrong = 0;
        Time closed_until{};
        Time last{};
        std::list<std::string>::iterator age;
    };
    // An IPv6 network is one guesser: its addresses cost nothing.
    static std::string key(const std::string& peer);

    const size_t max_peers_;
    const unsigned free_tries_;
    const std::chrono::seconds max_wait_, forget_;
    std::map<std::string, Peer> peers_;
    std::list<std::string> by_age_; // least recent first: goes when the table is full
};

} // namespace sluice
