// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/password_check.hpp"

#include "launcher/auth/session_store.hpp"
#include "launcher/log.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace sluice {

namespace {

// One yescrypt takes some 50 ms of a core and 16 MB. Strangers, however many, leave places to those who have been here before.
constexpr size_t max_running = 16, max_running_known = 16, max_waiting = 4096;
constexpr size_t max_user = 256, max_password = 1024;

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

} // namespace

struct PasswordCheck::Job {
    std::shared_ptr<const Credentials> credentials;
    std::string key, user, password, peer;
    bool right = false;
    ~Job() { explicit_bzero(password.data(), password.size()); }
};

PasswordCheck::PasswordCheck(const Accounts& accounts) : accounts_(accounts), throttle_({}, std::random_device()()) {}

AuthDecision PasswordCheck::wrong() {
    return refused(AuthDecision::Verdict::unauthenticated, "wrong user or password");
}

AuthDecision PasswordCheck::closed(LoginThrottle::Wait wait) {
    const auto seconds = static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(wait.time).count());
    return refused(AuthDecision::Verdict::too_many,
                   std::string("too many wrong tries ") + (wait.account ? "at this account" : "from this address") +
                       "; try again in " + std::to_string(seconds) + " s",
                   seconds);
}

void PasswordCheck::check(const std::string& user, const std::string& password, const std::string& peer, Done done) {
    if (user.size() > max_user || password.size() > max_password) {
        done(wrong(), true);
        return;
    }
    // First the throttle, then the cache: otherwise the cache would answer guesses at any speed.
    if (const auto wait = throttle_.wait(peer, user, now()); wait.time.count() > 0) {
        done(closed(wait), true);
        return;
    }
    AuthDecision right;
    right.verdict = AuthDecision::Verdict::accepted;
    right.principal = user;
    if (cache_.contains(user, password, now())) {
        throttle_.begin(peer, user, now());
        throttle_.succeeded(peer, user);
        done(right, false);
        return;
    }
    const std::string key = sha256_hex(peer + '\0' + user + '\0' + password);
    const bool known = throttle_.knows(peer, user);
    const auto same = running_.find(key);
    const bool full = known ? running_known_ >= max_running_known : running_.size() - running_known_ >= max_running;
    if (waiting_ >= max_waiting || (same == running_.end() && full)) {
        done(refused(AuthDecision::Verdict::too_many, "too many logins at the same time", 1), true);
        return;
    }
    if (same != running_.end()) {
        same->second.waiting.push_back(std::move(done));
        waiting_++;
        return;
    }
    throttle_.begin(peer, user, now());
    Running& running = running_[key];
    running.waiting.push_back(std::move(done));
    running.known = known;
    running_known_ += known;
    waiting_++;
    const auto job = std::make_shared<Job>();
    job->credentials = accounts_.credentials();
    job->key = key;
    job->user = user;
    job->password = password;
    job->peer = peer;
    workers_.submit([job] { job->right = job->credentials->verify(job->user, job->password); },
                    [this, job] { settle(*job); }, known);
}

void PasswordCheck::settle(Job& job) {
    // The accounts may have changed meanwhile: what was right before opens nothing then.
    const auto current = accounts_.credentials();
    if (job.right && job.credentials != current) {
        const std::vector<std::string> revoked = current->revoked_since(*job.credentials);
        job.right = std::find(revoked.begin(), revoked.end(), job.user) == revoked.end();
    }
    const auto it = running_.find(job.key);
    const Running running = std::move(it->second);
    running_.erase(it);
    waiting_ -= running.waiting.size();
    running_known_ -= running.known;
    AuthDecision answer = wrong();
    if (job.right) {
        throttle_.succeeded(job.peer, job.user);
        if (job.credentials == current)
            cache_.remember(job.user, job.password, now());
        answer.verdict = AuthDecision::Verdict::accepted;
        answer.principal = job.user;
        answer.reason.clear();
    } else {
        for (const AuditLimiter::Missed& missed : log_.missed(now()))
            log_warning(std::to_string(missed.count) + " more wrong tries" +
                        (missed.peer.empty() ? std::string() : " from " + missed.peer));
        if (log_.pass(job.peer, now()))
            log_warning("wrong user or password from " + job.peer);
    }
    bool first = true; // one try, told once
    for (const Done& done : running.waiting)
        done(answer, std::exchange(first, false));
}

std::optional<AuthDecision> PasswordCheck::begin_elsewhere(const std::string& user, const std::string& peer) {
    const auto wait = throttle_.begin(peer, user, now());
    return wait.time.count() > 0 ? std::optional(closed(wait)) : std::nullopt;
}

void PasswordCheck::end_elsewhere(const std::string& user, const std::string& peer, AuthDecision::Verdict verdict) {
    using Verdict = AuthDecision::Verdict;
    if (verdict == Verdict::accepted || verdict == Verdict::forbidden)
        throttle_.succeeded(peer, user);
    else if (verdict != Verdict::unauthenticated)
        throttle_.cancelled(peer, user);
}

} // namespace sluice
