// SPDX-License-Identifier: LGPL-2.1-or-later
// A JSON Web Token (RFC 7519, with the advice of RFC 8725): keys, token, time -> claims, or why not. Pure.
#pragma once

#include "launcher/auth/jwk.hpp"
#include "plugins/core/json_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice {

constexpr size_t max_jwt_bytes = 12 * 1024;

struct JwtRules {
    std::string issuer, audience; // both must be named by the token
    int64_t leeway = 30;          // seconds that clocks may differ by
};

struct JwtClaims {
    std::string subject;
    int64_t expires = 0; // unix time; the leeway is not in it
    Json all;
};

struct JwtRefusal {
    bool unknown_key = false; // newer keys may help
    std::string reason;       // repeats nothing of the token
};

// Looks like one: three parts. Other tokens are for others.
bool looks_like_jwt(std::string_view token);

// now: unix time.
std::variant<JwtClaims, JwtRefusal> verify_jwt(std::string_view token, const JwkSet& keys, const JwtRules& rules,
                                               int64_t now);

// A name from outside as part of a principal: what is not a letter, a digit or one of "._@-" is percent-encoded, so that
// two names never become one; long ones end in a hash.
std::string principal_name(std::string_view name);

} // namespace sluice
