// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that says who somebody is and what they may: for pages, the API and WHEP alike. Lives in the main context; slow hashes are
// computed by worker threads.
#pragma once

#include "launcher/auth/access.hpp"
#include "launcher/auth/accounts.hpp"
#include "launcher/auth/audit_log.hpp"
#include "launcher/auth/credential_check.hpp"
#include "launcher/auth/password_check.hpp"
#include "launcher/auth/session_store.hpp"

#include <glib.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

class Authenticator {
public:
    using Done = std::function<void(const AuthDecision&)>;

    // cookie_name: browsers share cookies between the ports of a host, so two launchers need two names. audit: outlives this.
    Authenticator(Accounts& accounts, std::string cookie_name, AuditLog* audit = nullptr);
    ~Authenticator();

    // Asked in this order for credentials that are none of ours.
    void add_check(std::unique_ptr<CredentialCheck> check) { checks_.push_back(std::move(check)); }

    // The one decision. Calls done at once, or later in the main context; always exactly once while this object lives.
    void authorize(const AuthRequest& request, Done done);

    // A login by page: done gets accepted and the new session's token in `token`.
    using LoginDone = std::function<void(const AuthDecision&, const std::string& token)>;
    void login(const std::string& user, const std::string& password, const std::string& peer, LoginDone done);
    void logout(const std::string& cookie_header, const std::string& peer = {});

    // True if the request comes from a page of this server, or from no page at all.
    static bool same_origin(const std::string& origin, const std::string& host, const std::string& fetch_site);

    const std::string& cookie_name() const { return cookie_name_; }
    std::chrono::seconds session_lifetime() const { return sessions_.lifetime(); }
    // Called when a principal's password or token opens nothing any more, or opens less, at the latest some seconds after
    // its file has changed: who was let in with it has to prove it again.
    void on_revoked(std::function<void(const std::string& principal)> callback) { revoked_ = std::move(callback); }
    // Called when a principal may more than before.
    void on_widened(std::function<void(const std::string& principal, const Rights& rights)> callback) {
        widened_ = std::move(callback);
    }
    // Called when a login by page has ended (AuthDecision::session).
    void on_logout(std::function<void(const std::string& session)> callback) { logged_out_ = std::move(callback); }

private:
    void identify(const AuthRequest& request, Done done);
    AuthDecision account(const std::string& name, int64_t expires = 0, std::string session = {}) const;
    CredentialCheck* check_for(const AuthRequest& request) const;
    void ask(CredentialCheck& check, const AuthRequest& request, Done done);
    void guess_elsewhere(CredentialCheck& check, const std::string& user, const AuthRequest& request, Done done);
    void ask_others(const AuthRequest& request, std::string refusal, Done done);
    void refresh();
    void warn();
    std::string known(const std::string& user) const;
    void log_in(const std::string& account, const AuthDecision& answer, const std::string& peer,
                std::string_view transport, const char* by);

    Accounts& accounts_;
    const std::string cookie_name_;
    AuditLog* const audit_;
    SessionStore sessions_;
    std::function<void(const std::string&)> revoked_, logged_out_;
    std::function<void(const std::string&, const Rights&)> widened_;
    std::set<std::string> warned_;
    guint watch_ = 0;
    std::vector<std::unique_ptr<CredentialCheck>> checks_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); // for answers that come when this is gone
    PasswordCheck passwords_;                               // last: ends before what its answers touch
};

} // namespace sluice
