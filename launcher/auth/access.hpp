// SPDX-License-Identifier: LGPL-2.1-or-later
// One question for every protocol, "may this client do that with this camera?", and its answer.
#pragma once

#include "launcher/auth/rights.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

enum class AuthTransport { http, websocket, whep };

struct AuthRequest {
    std::optional<Action> action;      // nothing: it is enough to be somebody
    std::optional<std::string> camera; // nothing: the server, or all cameras
    AuthTransport transport = AuthTransport::http;
    std::string method = "GET", path = {}; // of the HTTP request, without its query
    // What the client brings along. Texts are whole header values; empty: not sent.
    std::string authorization, cookie, origin, host, fetch_site;
    std::string peer; // IP address
    // A route that takes signed addresses was asked with ?token=: the token, and what it has to be for (signed_target()).
    std::string signed_token = {}, signed_target = {};
    bool changes_state = false; // not GET or HEAD: a cookie alone must not be enough for another site's page
};

struct AuthDecision {
    enum class Verdict {
        accepted,
        unauthenticated,
        forbidden,
        too_many,
        unavailable
    }; // unavailable: nobody could tell
    Verdict verdict = Verdict::unauthenticated;
    std::string principal; // "admin", "token:monitoring"
    Rights rights;
    int64_t expires = 0;        // unix time, 0: never
    std::string reason;         // for the client, if not accepted
    unsigned retry_seconds = 0; // too_many, unavailable: when to try again
    std::string session;        // of a login by page: a label, opens nothing
    std::string account; // refused: the account that was claimed, if there is one by that name. For the audit only

    bool accepted() const { return verdict == Verdict::accepted; }
};

AuthDecision refused(AuthDecision::Verdict verdict, std::string reason, unsigned retry_seconds = 0);

// Why it is forbidden; no camera: with all of them.
std::string lacks_right(const std::string& principal, Action action, const std::optional<std::string>& camera);

// The token of "Bearer TOKEN" (RFC 6750, section 2.1); nothing: the header says something else.
std::optional<std::string_view> bearer_token(std::string_view authorization);

} // namespace sluice
