// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/authenticator.hpp"

#include "launcher/log.hpp"

#include <glib.h>

#include <algorithm>
#include <ctime>

namespace sluice {

namespace {

constexpr guint watch_seconds = 2;
constexpr size_t max_header = 16 * 1024;

AuthDecision unauthenticated(std::string reason) {
    return refused(AuthDecision::Verdict::unauthenticated, std::move(reason));
}

} // namespace

Authenticator::Authenticator(Accounts& accounts, std::string cookie_name, AuditLog* audit)
    : accounts_(accounts), cookie_name_(std::move(cookie_name)), audit_(audit), passwords_(accounts) {
    // Two stat() calls. A watch of the directory would be told at once, but not on every file system.
    watch_ = g_timeout_add_seconds(
        watch_seconds,
        [](gpointer self) -> gboolean {
            static_cast<Authenticator*>(self)->refresh();
            return G_SOURCE_CONTINUE;
        },
        this);
    warn();
}

Authenticator::~Authenticator() { g_source_remove(watch_); }

void Authenticator::warn() {
    for (const std::string& warning : accounts_.warnings())
        if (warned_.insert(warning).second)
            log_warning(warning);
}

void Authenticator::refresh() {
    std::string error;
    const Accounts::Changes changes = accounts_.refresh(error);
    if (!error.empty())
        log_warning(error + "; the accounts stay as they were");
    if (changes.accounts)
        passwords_.accounts_changed();
    const auto tell = [&](const std::string& principal, const char* reason) {
        if (audit_)
            audit_->write({.event = "credentials", .outcome = "accepted", .principal = principal, .reason = reason});
    };
    for (const std::string& principal : changes.added)
        tell(principal, "added");
    for (const std::string& principal : changes.widened) {
        tell(principal, "may more");
        if (const auto rights = accounts_.rights_of(principal); rights && widened_)
            widened_(principal, *rights);
    }
    for (const std::string& principal : changes.revoked) {
        log_info("the credentials of " + principal + " have changed: they have to be given again");
        tell(principal, accounts_.rights_of(principal) ? "changed" : "removed");
        passwords_.revoked(principal);
        sessions_.close_user(principal);
        if (revoked_)
            revoked_(principal);
    }
    warn();
}

bool Authenticator::same_origin(const std::string& origin, const std::string& host, const std::string& fetch_site) {
    if (fetch_site == "same-origin") // the browser knows best, also behind a proxy that calls us by another name
        return true;
    if (!fetch_site.empty() && fetch_site != "none")
        return false;
    if (origin.empty())
        return true; // tools send none; browsers do with everything that changes state
    const size_t scheme = origin.find("://");
    if (scheme == std::string::npos || host.empty()) // "null" is the origin of sandboxed pages
        return false;
    return g_ascii_strcasecmp(origin.c_str() + scheme + 3, host.c_str()) == 0;
}

AuthDecision Authenticator::account(const std::string& name, int64_t expires, std::string session) const {
    const auto rights = accounts_.rights_of(name);
    if (!rights)
        return unauthenticated("wrong user or password");
    AuthDecision answer;
    answer.verdict = AuthDecision::Verdict::accepted;
    answer.principal = name;
    answer.rights = *rights;
    answer.expires = expires;
    answer.session = std::move(session);
    return answer;
}

std::string Authenticator::known(const std::string& user) const {
    return accounts_.credentials()->has(user) ? user : std::string();
}

void Authenticator::authorize(const AuthRequest& request, Done done) {
    identify(request, [action = request.action, camera = request.camera, done = std::move(done)](AuthDecision who) {
        if (who.accepted() && action &&
            !(camera ? who.rights.allows(*action, *camera) : who.rights.allows_everywhere(*action))) {
            who.verdict = AuthDecision::Verdict::forbidden;
            who.reason = lacks_right(who.principal, *action, camera);
        }
        done(who);
    });
}

void Authenticator::identify(const AuthRequest& q, Done done) {
    refresh();
    if (!q.authorization.empty()) {
        if (q.authorization.size() > max_header) {
            done(unauthenticated("the credentials are too long"));
            return;
        }
        if (const auto basic = parse_basic(q.authorization)) {
            if (CredentialCheck* check = accounts_.credentials()->has(basic->user) ? nullptr : check_for(q)) {
                guess_elsewhere(*check, basic->user, q, std::move(done));
                return;
            }
            passwords_.check(basic->user, basic->password, q.peer,
                             [this, user = basic->user, peer = q.peer, transport = q.transport,
                              done = std::move(done)](const AuthDecision& answer, bool fresh) {
                                 AuthDecision who = answer.accepted() ? account(user) : answer;
                                 if (!who.accepted())
                                     who.account = known(user);
                                 else if (fresh)
                                     log_in(user, who, peer, to_string(transport), "basic");
                                 done(who);
                             });
            return;
        }
        const auto token = bearer_token(q.authorization);
        // 256 random bits need no throttle.
        const auto found = token ? accounts_.find_token(*token, std::time(nullptr)) : std::nullopt;
        if (!found) {
            ask_others(q, token ? "the token is not known" : "the Authorization header is neither Basic nor Bearer",
                       std::move(done));
            return;
        }
        AuthDecision who =
            found->expired ? unauthenticated("the token has expired") : account(found->principal, found->expires);
        if (!who.accepted())
            who.account = found->principal;
        done(who);
        return;
    }
    const auto cookie = find_cookie(q.cookie, cookie_name_);
    const auto session = cookie ? sessions_.find(*cookie, std::chrono::system_clock::now()) : std::nullopt;
    if (q.changes_state && !q.cookie.empty() && (session || check_for(q)) &&
        !same_origin(q.origin, q.host, q.fetch_site))
        done(refused(AuthDecision::Verdict::forbidden, "the request comes from a page of another site"));
    else if (!session)
        ask_others(q, cookie ? "the session has ended" : "credentials are needed", std::move(done));
    else
        done(account(session->user, std::chrono::system_clock::to_time_t(session->expires), sha256_hex(*cookie)));
}

CredentialCheck* Authenticator::check_for(const AuthRequest& request) const {
    const auto it =
        std::find_if(checks_.begin(), checks_.end(), [&](const auto& check) { return check->takes(request); });
    return it == checks_.end() ? nullptr : it->get();
}

void Authenticator::ask(CredentialCheck& check, const AuthRequest& request, Done done) {
    check.check(request, [alive = std::weak_ptr(alive_), done = std::move(done)](const AuthDecision& answer) {
        if (!alive.expired())
            done(answer);
    });
}

void Authenticator::ask_others(const AuthRequest& request, std::string refusal, Done done) {
    if (CredentialCheck* check = check_for(request))
        ask(*check, request, std::move(done));
    else
        done(unauthenticated(std::move(refusal)));
}

// A password that somebody else knows is guessed here as well as one of ours.
void Authenticator::guess_elsewhere(CredentialCheck& check, const std::string& user, const AuthRequest& request,
                                    Done done) {
    if (const auto closed = passwords_.begin_elsewhere(user, request.peer)) {
        done(*closed);
        return;
    }
    ask(check, request, [this, user, peer = request.peer, done = std::move(done)](const AuthDecision& answer) {
        passwords_.end_elsewhere(user, peer, answer.verdict);
        done(answer);
    });
}

void Authenticator::log_in(const std::string& account, const AuthDecision& answer, const std::string& peer,
                           std::string_view transport, const char* by) {
    AuditEvent event{.event = "login",
                     .outcome = answer.accepted() ? "accepted" : "refused",
                     .principal = answer.principal,
                     .account = answer.accepted() ? std::string() : known(account),
                     .peer = peer,
                     .transport = std::string(transport),
                     .reason = answer.reason};
    event.more["by"] = by;
    if (audit_ && answer.accepted())
        audit_->write(event);
    else if (audit_)
        audit_->write_limited(event);
}

void Authenticator::login(const std::string& user, const std::string& password, const std::string& peer,
                          LoginDone done) {
    refresh();
    passwords_.check(
        user, password, peer, [this, user, peer, done = std::move(done)](const AuthDecision& answer, bool) {
            AuthDecision who = answer.accepted() ? account(user) : answer;
            log_in(user, who, peer, "http", "page");
            done(who, who.accepted() ? sessions_.open(user, std::chrono::system_clock::now()) : std::string());
        });
}

void Authenticator::logout(const std::string& cookie_header, const std::string& peer) {
    const auto cookie = find_cookie(cookie_header, cookie_name_);
    const auto session = cookie ? sessions_.find(*cookie, std::chrono::system_clock::now()) : std::nullopt;
    if (!session)
        return;
    sessions_.close(*cookie);
    if (audit_)
        audit_->write({.event = "logout", .outcome = "accepted", .principal = session->user, .peer = peer});
    if (logged_out_)
        logged_out_(sha256_hex(*cookie));
}

} // namespace sluice
