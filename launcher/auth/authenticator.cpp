// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/authenticator.hpp"

#include "launcher/log.hpp"

#include <glib.h>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

// One yescrypt takes some 50 ms of a core and 16 MB.
constexpr size_t max_running = 16, max_waiting = 4096;
constexpr size_t max_header = 4096, max_user = 256, max_password = 1024;

AuthAnswer refuse(AuthAnswer::Verdict verdict, std::string reason) {
    AuthAnswer answer;
    answer.verdict = verdict;
    answer.reason = std::move(reason);
    return answer;
}

AuthAnswer accept(std::string principal, int64_t expires = 0, std::string session = {}) {
    AuthAnswer answer;
    answer.verdict = AuthAnswer::Verdict::accepted;
    answer.principal = std::move(principal);
    answer.expires = expires;
    answer.session = std::move(session);
    return answer;
}

AuthAnswer closed(std::chrono::milliseconds wait) {
    AuthAnswer answer = refuse(AuthAnswer::Verdict::too_many, "too many wrong tries from this address");
    answer.retry_seconds = static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(wait).count());
    answer.reason += "; try again in " + std::to_string(answer.retry_seconds) + " s";
    return answer;
}

std::optional<std::string_view> bearer(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size() ||
        g_ascii_strncasecmp(authorization.data(), scheme.data(), scheme.size()) != 0)
        return std::nullopt;
    authorization.remove_prefix(scheme.size());
    return authorization;
}

} // namespace

struct Authenticator::Job {
    std::shared_ptr<const Credentials> credentials;
    std::string key, user, password, peer;
    bool right = false;
    ~Job() { explicit_bzero(password.data(), password.size()); }
};

Authenticator::Authenticator(Accounts& accounts, std::string cookie_name)
    : accounts_(accounts), cookie_name_(std::move(cookie_name)) {}

Authenticator::~Authenticator() = default;

void Authenticator::refresh() {
    std::string error;
    const bool changed = accounts_.refresh(error);
    if (!error.empty())
        log_warning(error + "; the accounts stay as they were");
    if (!changed)
        return;
    log_info("accounts have changed: everybody has to log in again");
    sessions_.clear();
    cache_.clear();
    if (accounts_changed_)
        accounts_changed_();
}

bool Authenticator::same_origin(const std::string& origin, const std::string& host, const std::string& fetch_site) {
    if (!fetch_site.empty() && fetch_site != "same-origin" && fetch_site != "none")
        return false;
    if (origin.empty())
        return true; // tools send none; browsers do with everything that changes state
    const size_t scheme = origin.find("://");
    if (scheme == std::string::npos || host.empty()) // "null" is the origin of sandboxed pages
        return false;
    return g_ascii_strcasecmp(origin.c_str() + scheme + 3, host.c_str()) == 0;
}

void Authenticator::authenticate(const AuthQuestion& q, Done done) {
    refresh();
    const auto now = std::chrono::steady_clock::now();
    if (!q.authorization.empty()) {
        if (q.authorization.size() > max_header) {
            done(refuse(AuthAnswer::Verdict::unauthenticated, "the credentials are too long"));
            return;
        }
        if (const auto basic = parse_basic(q.authorization)) {
            // First the throttle, then the cache: otherwise the cache would answer guesses at any speed.
            if (const auto wait = throttle_.wait(q.peer, now); wait.count() > 0)
                done(closed(wait));
            else if (cache_.contains(basic->user, basic->password, now))
                done(accept(basic->user));
            else
                verify(basic->user, basic->password, q.peer, std::move(done));
            return;
        }
        const auto token = bearer(q.authorization);
        const auto name = token ? accounts_.find_token(*token) : std::nullopt;
        // 256 random bits need no throttle.
        done(name ? accept(*name)
                  : refuse(AuthAnswer::Verdict::unauthenticated,
                           token ? "the token is not known" : "the Authorization header is neither Basic nor Bearer"));
        return;
    }
    const auto cookie = find_cookie(q.cookie, cookie_name_);
    const auto session = cookie ? sessions_.find(*cookie, std::chrono::system_clock::now()) : std::nullopt;
    if (!session)
        done(refuse(AuthAnswer::Verdict::unauthenticated, cookie ? "the session has ended" : "credentials are needed"));
    else if (q.changes_state && !same_origin(q.origin, q.host, q.fetch_site))
        done(refuse(AuthAnswer::Verdict::forbidden, "the request comes from a page of another site"));
    else
        done(accept(session->user, std::chrono::system_clock::to_time_t(session->expires), sha256_hex(*cookie)));
}

void Authenticator::login(const std::string& user, const std::string& password, const std::string& peer,
                          LoginDone done) {
    refresh();
    verify(user, password, peer, [this, user, done = std::move(done)](const AuthAnswer& answer) {
        const bool accepted = answer.verdict == AuthAnswer::Verdict::accepted;
        done(answer, accepted ? sessions_.open(user, std::chrono::system_clock::now()) : std::string());
    });
}

void Authenticator::logout(const std::string& cookie_header) {
    const auto cookie = find_cookie(cookie_header, cookie_name_);
    if (!cookie || !sessions_.find(*cookie, std::chrono::system_clock::now()))
        return;
    sessions_.close(*cookie);
    if (logged_out_)
        logged_out_(sha256_hex(*cookie));
}

void Authenticator::verify(const std::string& user, const std::string& password, const std::string& peer, Done done) {
    if (user.size() > max_user || password.size() > max_password) {
        done(refuse(AuthAnswer::Verdict::unauthenticated, "wrong user or password"));
        return;
    }
    const std::string key = sha256_hex(peer + '\0' + user + '\0' + password);
    const auto same = running_.find(key);
    if (waiting_ >= max_waiting || (same == running_.end() && running_.size() >= max_running)) {
        AuthAnswer busy = refuse(AuthAnswer::Verdict::too_many, "too many logins at the same time");
        busy.retry_seconds = 1;
        done(busy);
        return;
    }
    if (same != running_.end()) {
        same->second.push_back(std::move(done));
        waiting_++;
        return;
    }
    if (const auto wait = throttle_.begin(peer, std::chrono::steady_clock::now()); wait.count() > 0) {
        done(closed(wait));
        return;
    }
    running_[key].push_back(std::move(done));
    waiting_++;
    const auto job = std::make_shared<Job>();
    job->credentials = accounts_.credentials();
    job->key = key;
    job->user = user;
    job->password = password;
    job->peer = peer;
    workers_.submit([job] { job->right = job->credentials->verify(job->user, job->password); },
                    [this, job] { settle(*job); });
}

void Authenticator::settle(const Job& job) {
    const auto it = running_.find(job.key);
    const std::vector<Done> waiting = std::move(it->second);
    running_.erase(it);
    waiting_ -= waiting.size();
    if (job.right) {
        throttle_.succeeded(job.peer);
        // The accounts may have changed meanwhile; what was right before must not be remembered then.
        if (job.credentials == accounts_.credentials())
            cache_.remember(job.user, job.password, std::chrono::steady_clock::now());
    } else {
        log_warning("wrong user or password from " + job.peer);
    }
    for (const Done& done : waiting)
        done(job.right ? accept(job.user) : refuse(AuthAnswer::Verdict::unauthenticated, "wrong user or password"));
}

} // namespace sluice
