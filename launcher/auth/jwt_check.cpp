// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/jwt_check.hpp"

#include "launcher/auth/claim_rights.hpp"

namespace sluice {

namespace {

using Verdict = AuthDecision::Verdict;
constexpr unsigned retry_seconds = 5;

} // namespace

JwtCheck::JwtCheck(const JwtConfig& config, std::unique_ptr<KeyKeeper> keys, std::function<int64_t()> now)
    : rules_{config.issuer, config.audience, config.leeway_seconds}, rights_(config.rights), keys_(std::move(keys)),
      now_(std::move(now)) {}

bool JwtCheck::takes(const AuthRequest& request) const {
    return looks_like_jwt(bearer_token(request.authorization).value_or(""));
}

void JwtCheck::check(const AuthRequest& request, Done done) {
    decide(std::string(bearer_token(request.authorization).value_or("")), true, std::move(done));
}

AuthDecision JwtCheck::accept(const JwtClaims& claims) const {
    const Result<Rights> rights = rights_of(claims.all, rights_);
    if (!rights)
        return refused(Verdict::forbidden, rights.error().text);
    AuthDecision out;
    out.verdict = Verdict::accepted;
    out.principal = "jwt:" + principal_name(claims.subject);
    out.rights = rights.value();
    out.expires = claims.expires + rules_.leeway;
    return out;
}

void JwtCheck::decide(const std::string& token, bool may_wait, Done done) {
    const JwkSet* keys = keys_->keys();
    std::variant<JwtClaims, JwtRefusal> found = JwtRefusal{true, {}};
    if (keys)
        found = verify_jwt(token, *keys, rules_, now_());
    if (const auto* claims = std::get_if<JwtClaims>(&found)) {
        done(accept(*claims));
        return;
    }
    const JwtRefusal& why = std::get<JwtRefusal>(found);
    if (why.unknown_key && may_wait) {
        // Shared: look_again() keeps its copy only if it returns true.
        const auto later = std::make_shared<Done>(std::move(done));
        if (keys_->look_again([this, token, later] { decide(token, false, *later); }))
            return;
        done = std::move(*later);
    }
    done(keys ? refused(Verdict::unauthenticated, why.reason)
              : refused(Verdict::unavailable, "the keys of the identity provider are not there", retry_seconds));
}

} // namespace sluice
