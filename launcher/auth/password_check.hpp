// SPDX-License-Identifier: LGPL-2.1-or-later
// Is this the password of that account? Throttled, with the answer remembered for a while and slow hashes computed by worker
// threads. Lives in the main context.
#pragma once

#include "launcher/auth/access.hpp"
#include "launcher/auth/accounts.hpp"
#include "launcher/auth/audit_limiter.hpp"
#include "launcher/auth/hash_workers.hpp"
#include "launcher/auth/login_throttle.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class PasswordCheck {
public:
    // accepted (without rights), unauthenticated or too_many. fresh: the password itself was looked at, not what is remembered.
    using Done = std::function<void(const AuthDecision&, bool fresh)>;

    explicit PasswordCheck(const Accounts& accounts);

    // Calls done at once, or later; always exactly once while this object lives.
    void check(const std::string& user, const std::string& password, const std::string& peer, Done done);

    // For a password that somebody else checks: the same doors. Nothing: the try may be made and counts as wrong until
    // end_elsewhere() says otherwise.
    std::optional<AuthDecision> begin_elsewhere(const std::string& user, const std::string& peer);
    void end_elsewhere(const std::string& user, const std::string& peer, AuthDecision::Verdict verdict);

    void accounts_changed() { cache_.clear(); }
    void revoked(const std::string& user) { throttle_.forget(user); }

private:
    struct Job;
    void settle(Job& job);
    static AuthDecision wrong();
    static AuthDecision closed(LoginThrottle::Wait wait);

    const Accounts& accounts_;
    CredentialCache cache_;
    LoginThrottle throttle_;
    AuditLimiter log_; // of wrong ones
    // Hashes being computed, and who waits for each: a tool that opens twenty connections at once is one try.
    struct Running {
        std::vector<Done> waiting;
        bool known = false;
    };
    std::map<std::string, Running> running_;
    size_t waiting_ = 0, running_known_ = 0;
    HashWorkers workers_; // last: ends before what its answers touch
};

} // namespace sluice
