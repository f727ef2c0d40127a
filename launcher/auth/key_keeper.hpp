// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps an identity provider's keys fresh. Pure: the time is given, the asking is somebody else's.
#pragma once

#include "launcher/auth/jwk.hpp"
#include "plugins/core/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class KeyKeeper {
public:
    using Time = std::chrono::steady_clock::time_point;
    // The text of a key set; nothing: the same as the last time.
    using Answer = Result<std::optional<std::string>>;
    // Calls done once, at once or later, unless the keeper is gone.
    using Fetch = std::function<void(std::function<void(Answer)> done)>;

    struct Times {
        std::chrono::seconds refresh{600}; // also without a reason: keys that were taken back end so
        std::chrono::seconds between{60};  // at least, if tokens name keys that are not there
        std::chrono::seconds retry{5}, longest_retry{60};
        std::chrono::seconds trust{24 * 3600}; // without hearing anything
        size_t max_waiting = 256;
    };

    // log: told once when something begins to be wrong and when it ends. now: for answers that come later.
    KeyKeeper(Fetch fetch, Times times, std::function<Time()> now, std::function<void(const std::string&)> log)
        : fetch_(std::move(fetch)), times_(times), now_(std::move(now)), log_(std::move(log)) {}

    // Asks if it is time to. To be called every few seconds.
    void tick();
    // Nothing: there are none that may still be trusted.
    const JwkSet* keys() const;
    // A token names a key that is not here, or there are no keys: asks for newer ones, or waits for those that are being
    // asked for, then calls done. False: it is no use now, done is not called.
    bool look_again(std::function<void()> done);
    // Why there are no newer keys; empty: the last answer was good.
    const std::string& problem() const { return problem_; }

private:
    void begin();
    void settle(const Answer& answer);

    const Fetch fetch_;
    const Times times_;
    const std::function<Time()> now_;
    const std::function<void(const std::string&)> log_;
    std::optional<JwkSet> keys_;
    Time heard_{};
    std::optional<Time> next_, began_;
    std::chrono::seconds retry_{0};
    bool asking_ = false;
    std::string content_problem_, problem_; // of the last text; of the last answer
    std::vector<std::function<void()>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace sluice
