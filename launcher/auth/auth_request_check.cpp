// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/auth_request_check.hpp"

#include "launcher/auth/jwt.hpp"
#include "launcher/auth/session_store.hpp"
#include "launcher/config/config_parser.hpp"
#include "plugins/core/credentials.hpp"

#include <glib.h>

#include <algorithm>

namespace sluice {

namespace {

using Verdict = AuthDecision::Verdict;

constexpr const char* user_header = "X-Sluice-User";
constexpr size_t max_credentials = 16 * 1024, max_path = 2048, max_user = 256, max_answer = 16 * 1024;
constexpr unsigned retry_seconds = 5;

// One with the name of a camera, or empty: nobody there is asked about names that no camera can have.
bool is_camera(const AuthRequest& q) { return !q.camera || q.camera->empty() || is_config_name(*q.camera); }

} // namespace

AuthRequestCheck::AuthRequestCheck(AuthRequestConfig config, Fetch fetch, Clocks clocks,
                                   std::function<void(const std::string&)> log, Limits limits)
    : config_(std::move(config)), fetch_(std::move(fetch)), clocks_(std::move(clocks)), log_(std::move(log)),
      limits_(limits), salt_(random_token()) {
    for (const std::string& word : config_.actions)
        if (const auto action = parse_action(word))
            actions_.push_back(*action);
}

bool AuthRequestCheck::takes(const AuthRequest& q) const {
    return config_.without_credentials || !q.authorization.empty() || !q.cookie.empty();
}

std::string AuthRequestCheck::key(const AuthRequest& q) const {
    std::string all = salt_;
    // The lengths in front keep ("ab", "c") and ("a", "bc") apart.
    for (const std::string& part :
         {q.authorization, q.cookie, q.action ? std::string(to_string(*q.action)) : std::string(),
          q.camera ? "=" + *q.camera : std::string(), q.peer})
        all += std::to_string(part.size()) + ":" + part;
    return sha256_hex(all);
}

HttpAsk AuthRequestCheck::question(const AuthRequest& q) const {
    HttpAsk out;
    out.url = config_.url;
    out.timeout = std::chrono::milliseconds(config_.timeout_ms);
    out.max_body = max_answer;
    out.wanted = {user_header};
    const auto add = [&out](const char* name, const std::string& value) {
        if (!value.empty())
            out.headers.emplace_back(name, value);
    };
    add("Authorization", q.authorization);
    add("Cookie", q.cookie);
    add("X-Original-Method", q.method);
    // The path came decoded: a line end in it would be a header of its own.
    add("X-Original-URI", GString8(g_uri_escape_string(q.path.c_str(), "/:@!$&'()*+,;=", FALSE)).get());
    add("X-Sluice-Action", q.action ? std::string(to_string(*q.action)) : std::string());
    add("X-Sluice-Camera", q.camera.value_or(""));
    add("X-Forwarded-For", q.peer);
    return out;
}

void AuthRequestCheck::check(const AuthRequest& q, Done done) {
    if (q.action && std::find(actions_.begin(), actions_.end(), *q.action) == actions_.end()) {
        done(refused(Verdict::forbidden, "the authorization server does not decide about the right \"" +
                                             std::string(to_string(*q.action)) + "\""));
        return;
    }
    if (!is_camera(q)) {
        done(refused(Verdict::forbidden, "no camera can have this name"));
        return;
    }
    if (q.authorization.size() + q.cookie.size() > max_credentials || q.path.size() > max_path) {
        done(refused(Verdict::unauthenticated, "the credentials are too long"));
        return;
    }
    forget_old();
    const std::string id = key(q);
    if (const auto it = remembered_.find(id); it != remembered_.end()) {
        done(decision(it->second.finding, q));
        return;
    }
    const auto same = under_way_.find(id);
    if (waiting_ >= limits_.waiting || (same == under_way_.end() && (under_way_.size() >= limits_.under_way ||
                                                                     peers_[q.peer] >= limits_.of_one_peer))) {
        if (peers_[q.peer] == 0)
            peers_.erase(q.peer);
        done(refused(Verdict::too_many, "too many questions to the authorization server at the same time", 1));
        return;
    }
    AuthRequest kept = q;
    kept.authorization.clear();
    kept.cookie.clear();
    waiting_++;
    if (same != under_way_.end()) {
        same->second.waiting.emplace_back(std::move(kept), std::move(done));
        return;
    }
    peers_[q.peer]++;
    UnderWay& mine = under_way_[id];
    mine.peer = q.peer;
    mine.waiting.emplace_back(std::move(kept), std::move(done));
    fetch_(question(q), [this, id, alive = std::weak_ptr(alive_)](const HttpReply& reply) {
        if (!alive.expired())
            settle(id, reply);
    });
}

AuthRequestCheck::Finding AuthRequestCheck::read(const HttpReply& reply) {
    const std::string why = reply.status == 0 ? reply.error : "it answered with status " + std::to_string(reply.status);
    const bool allowed = reply.status >= 200 && reply.status < 300;
    const bool told = allowed || reply.status == 401 || reply.status == 403;
    if (told == out_of_reach_) {
        out_of_reach_ = !told;
        log_(told ? "it answers again" : "nobody is let in by it: " + why);
    }
    if (reply.status == 401)
        return {Verdict::unauthenticated, {}, "the authorization server does not know the credentials"};
    if (reply.status == 403)
        return {Verdict::forbidden, {}, "the authorization server does not allow it"};
    if (!allowed)
        return {Verdict::unavailable, {}, "the authorization server gives no answer"};
    const auto user = reply.headers.find(user_header);
    const bool named = user != reply.headers.end() && !user->second.empty() && user->second.size() <= max_user;
    // With the prefix it is nobody of ours, whatever the server says.
    return {Verdict::accepted, named ? "auth-request:" + principal_name(user->second) : "auth-request", {}};
}

AuthDecision AuthRequestCheck::decision(const Finding& finding, const AuthRequest& q) const {
    if (finding.verdict != Verdict::accepted)
        return refused(finding.verdict, finding.reason, finding.verdict == Verdict::unavailable ? retry_seconds : 0);
    AuthDecision out;
    out.verdict = Verdict::accepted;
    out.principal = finding.principal;
    if (q.action)
        out.rights = Rights({{{*q.action}, q.camera.value_or("*")}});
    const bool stays = q.transport != AuthTransport::http;
    out.expires = clocks_.unix_time() + std::max(1u, stays ? config_.viewer_seconds : config_.cache_seconds);
    return out;
}

void AuthRequestCheck::settle(const std::string& id, const HttpReply& reply) {
    const auto it = under_way_.find(id);
    const UnderWay asked = std::move(it->second);
    under_way_.erase(it);
    waiting_ -= asked.waiting.size();
    if (--peers_[asked.peer] == 0)
        peers_.erase(asked.peer);
    const Finding finding = read(reply);
    if (finding.verdict != Verdict::unavailable)
        remember(id, finding);
    for (const auto& [request, done] : asked.waiting)
        done(decision(finding, request));
}

void AuthRequestCheck::remember(const std::string& id, const Finding& finding) {
    if (config_.cache_seconds == 0)
        return;
    while (remembered_.size() >= limits_.remembered) {
        remembered_.erase(by_age_.front());
        by_age_.pop_front();
    }
    by_age_.push_back(id);
    remembered_[id] = {finding, clocks_.steady() + std::chrono::seconds(config_.cache_seconds)};
}

void AuthRequestCheck::forget_old() {
    const Time now = clocks_.steady();
    while (!by_age_.empty()) {
        const auto oldest = remembered_.find(by_age_.front());
        if (oldest->second.until > now)
            return;
        remembered_.erase(oldest);
        by_age_.pop_front();
    }
}

} // namespace sluice
