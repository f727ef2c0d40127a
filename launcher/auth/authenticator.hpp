// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that says who somebody is: for pages, the API and WHEP alike. Lives in the main context; slow hashes are
// computed by worker threads.
#pragma once

#include "launcher/auth/accounts.hpp"
#include "launcher/auth/hash_workers.hpp"
#include "launcher/auth/login_throttle.hpp"
#include "launcher/auth/session_store.hpp"
#include "plugins/core/credentials.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

// What a request brings along. Texts are whole header values; empty: not sent.
struct AuthQuestion {
    std::string authorization, cookie, origin, host, fetch_site;
    std::string peer;           // IP address
    bool changes_state = false; // not GET or HEAD: a cookie alone must not be enough for another site's page
};

struct AuthAnswer {
    enum class Verdict { accepted, unauthenticated, forbidden, too_many };
    Verdict verdict = Verdict::unauthenticated;
    std::string principal;      // "admin", "token:monitoring"
    int64_t expires = 0;        // unix time, 0: never
    std::string reason;         // for the client, if not accepted
    unsigned retry_seconds = 0; // too_many: when to try again
    std::string session;        // of a login by page: a label, opens nothing
};

class Authenticator {
public:
    using Done = std::function<void(const AuthAnswer&)>;

    // cookie_name: browsers share cookies between the ports of a host, so two launchers need two names.
    Authenticator(Accounts& accounts, std::string cookie_name);
    ~Authenticator();

    // Calls done at once, or later in the main context; always exactly once while this object lives.
    void authenticate(const AuthQuestion& question, Done done);

    // A login by page: done gets accepted and the new session's token in `token`.
    using LoginDone = std::function<void(const AuthAnswer&, const std::string& token)>;
    void login(const std::string& user, const std::string& password, const std::string& peer, LoginDone done);
    void logout(const std::string& cookie_header);

    // True if the request comes from a page of this server, or from no page at all.
    static bool same_origin(const std::string& origin, const std::string& host, const std::string& fetch_site);

    const std::string& cookie_name() const { return cookie_name_; }
    std::chrono::seconds session_lifetime() const { return sessions_.lifetime(); }
    // Called when accounts were changed: who was let in before has to prove it again.
    void on_accounts_changed(std::function<void()> callback) { accounts_changed_ = std::move(callback); }
    // Called when a login by page has ended (AuthAnswer::session).
    void on_logout(std::function<void(const std::string& session)> callback) { logged_out_ = std::move(callback); }

private:
    struct Job;
    void refresh();
    void settle(const Job& job);
    void verify(const std::string& user, const std::string& password, const std::string& peer, Done done);

    Accounts& accounts_;
    const std::string cookie_name_;
    SessionStore sessions_;
    CredentialCache cache_;
    LoginThrottle throttle_;
    std::function<void()> accounts_changed_;
    std::function<void(const std::string&)> logged_out_;
    // Hashes being computed, and who waits for each: a tool that opens twenty connections at once is one try.
    std::map<std::string, std::vector<Done>> running_;
    size_t waiting_ = 0;
    HashWorkers workers_; // last: ends before what its answers touch
};

} // namespace sluice
