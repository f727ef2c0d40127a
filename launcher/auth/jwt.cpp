// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/jwt.hpp"

#include "launcher/auth/base64url.hpp"
#include "launcher/auth/session_store.hpp"

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice {

namespace {

constexpr size_t max_header_bytes = 2048, max_audiences = 64, max_name = 96;
constexpr double last_year = 253402300799.0; // 9999-12-31: no sum of times overflows

JwtRefusal refusal(std::string reason) { return {false, std::move(reason)}; }

// Nothing: no base64url, no JSON, a member twice, no object.
std::optional<Json> object_of(std::string_view part) {
    const auto text = decode_base64url(part);
    if (!text)
        return std::nullopt;
    std::vector<ConfigError> errors;
    Json out = parse_json_text(*text, errors);
    if (!errors.empty() || !out.is_object())
        return std::nullopt;
    return out;
}

const std::string* text_of(const Json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get_ptr<const std::string*>() : nullptr;
}

// Tokens for other purposes (logout, DPoP, events) say so in their type, and are no proof of who somebody is.
bool is_access_type(std::string type) {
    std::transform(type.begin(), type.end(), type.begin(), g_ascii_tolower);
    if (type.rfind("application/", 0) == 0)
        type.erase(0, 12);
    return type == "jwt" || type == "at+jwt";
}

struct Header {
    JwtAlgorithm algorithm;
    std::optional<std::string> kid;
};

std::variant<Header, JwtRefusal> read_header(std::string_view part) {
    if (part.size() > max_header_bytes)
        return refusal("the token's header is too large");
    const auto header = object_of(part);
    if (!header)
        return refusal("the token's header is no JSON object");
    const std::string* word = text_of(*header, "alg");
    const auto algorithm = word ? parse_jwt_algorithm(*word) : std::nullopt;
    if (!algorithm)
        return refusal("the token's algorithm is none of RS256, ES256, EdDSA");
    // What must be understood and is not: extensions, and a payload that is not encoded.
    if (header->contains("crit") || header->contains("b64"))
        return refusal("the token needs an extension that is not known");
    if (header->contains("typ") && !(text_of(*header, "typ") && is_access_type(*text_of(*header, "typ"))))
        return refusal("the token's type is neither JWT nor at+jwt");
    Header out{*algorithm, std::nullopt};
    if (header->contains("kid")) {
        const std::string* kid = text_of(*header, "kid");
        if (!kid || kid->empty())
            return refusal("the token's kid is no text");
        out.kid = *kid;
    }
    return out;
}

// A NumericDate; a fraction is cut off. Nothing: not there. wrong: not a time.
std::optional<int64_t> time_of(const Json& claims, const char* name, bool& wrong) {
    const auto it = claims.find(name);
    if (it == claims.end())
        return std::nullopt;
    const double value = it->is_number() ? it->get<double>() : -1;
    if (!std::isfinite(value) || value < 0 || value > last_year) {
        wrong = true;
        return std::nullopt;
    }
    return static_cast<int64_t>(value);
}

bool is_for(const Json& claims, const std::string& audience) {
    const auto it = claims.find("aud");
    if (it == claims.end())
        return false;
    if (it->is_string())
        return *it == audience;
    if (!it->is_array() || it->size() > max_audiences)
        return false;
    return std::all_of(it->begin(), it->end(), [](const Json& one) { return one.is_string(); }) &&
           std::any_of(it->begin(), it->end(), [&](const Json& one) { return one == audience; });
}

std::variant<JwtClaims, JwtRefusal> read_claims(Json claims, const JwtRules& rules, int64_t now) {
    const std::string* issuer = text_of(claims, "iss");
    if (!issuer || *issuer != rules.issuer)
        return refusal("the token comes from another issuer (iss)");
    if (!is_for(claims, rules.audience))
        return refusal("the token is for another audience (aud)");
    bool wrong = false;
    const auto expires = time_of(claims, "exp", wrong), from = time_of(claims, "nbf", wrong),
               issued = time_of(claims, "iat", wrong);
    if (wrong)
        return refusal("the token's exp, nbf or iat is no time");
    if (!expires)
        return refusal("the token never expires (exp); that is not allowed");
    if (*expires + rules.leeway <= now)
        return refusal("the token has expired");
    if (from && *from - rules.leeway > now)
        return refusal("the token is not valid yet (nbf)");
    if (issued && *issued - rules.leeway > now)
        return refusal("the token was issued in the future (iat)");
    if (issued && *issued > *expires)
        return refusal("the token expired before it was issued");
    const std::string* subject = text_of(claims, "sub");
    if (!subject || subject->empty())
        return refusal("the token names nobody (sub)");
    JwtClaims out{*subject, *expires, {}};
    out.all = std::move(claims);
    return out;
}

} // namespace

bool looks_like_jwt(std::string_view token) { return std::count(token.begin(), token.end(), '.') == 2; }

std::variant<JwtClaims, JwtRefusal> verify_jwt(std::string_view token, const JwkSet& keys, const JwtRules& rules,
                                               int64_t now) {
    if (token.size() > max_jwt_bytes)
        return refusal("the token is larger than 12 KiB");
    if (!looks_like_jwt(token))
        return refusal("the token has not three parts");
    const size_t first = token.find('.'), second = token.rfind('.');
    const auto header = read_header(token.substr(0, first));
    if (const auto* why = std::get_if<JwtRefusal>(&header))
        return *why;
    const Header& said = std::get<Header>(header);
    const std::vector<const Jwk*> candidates = keys.find(said.algorithm, said.kid);
    if (candidates.empty())
        return JwtRefusal{true, said.kid
                                    ? "the token's key (kid, alg) is not known"
                                    : "the token names no key (kid), and there is not exactly one for its algorithm"};
    const auto signature = decode_base64url(token.substr(second + 1));
    if (!signature || std::none_of(candidates.begin(), candidates.end(), [&](const Jwk* key) {
            return key->key.verify(token.substr(0, second), *signature);
        }))
        return refusal("the token's signature is wrong");
    // Only now: nobody but the issuer decides what is parsed here.
    auto claims = object_of(token.substr(first + 1, second - first - 1));
    if (!claims)
        return refusal("the token's claims are no JSON object");
    return read_claims(std::move(*claims), rules, now);
}

std::string principal_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (g_ascii_isalnum(c) || c == '.' || c == '_' || c == '@' || c == '-') {
            out += c;
        } else {
            char escape[4];
            std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(c));
            out += escape;
        }
    }
    if (out.size() > max_name)
        out = out.substr(0, max_name - 33) + "~" + sha256_hex(name).substr(0, 32);
    return out;
}

} // namespace sluice
