// SPDX-License-Identifier: LGPL-2.1-or-later
// Who else says who somebody is, beside the accounts and tokens of the state directory. Plain data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

// "front-*", {"view", "snapshot"}: the words of launcher/auth/rights.hpp, which a test compares with these.
inline const std::vector<std::string>& action_words() {
    static const std::vector<std::string> words = {"view", "snapshot", "playback", "publish", "operate", "admin"};
    return words;
}

// What a claim of a token is worth.
struct ClaimRule {
    std::string claim;   // its name, or a JSON pointer ("/realm_access/roles")
    bool grants = false; // the claim itself says what may be done
    std::string value;   // a pattern; the claim is that text, or a list in which it stands
    std::string cameras; // a pattern
    std::vector<std::string> actions;
    bool operator==(const ClaimRule&) const = default;
};

struct JwtConfig {
    std::string keys_file, keys_url; // one of them
    std::string issuer, audience;
    unsigned leeway_seconds = 30;
    std::vector<ClaimRule> rights;
    bool operator==(const JwtConfig&) const = default;
};

// Another server that is asked, request by request.
struct AuthRequestConfig {
    std::string url;
    unsigned timeout_ms = 2000, cache_seconds = 5, viewer_seconds = 3600;
    bool without_credentials = false;                                    // also asked for requests that bring none
    std::vector<std::string> actions = {"view", "snapshot", "playback"}; // what it may allow
    bool operator==(const AuthRequestConfig&) const = default;
};

struct AuthConfig {
    std::optional<JwtConfig> jwt;
    std::optional<AuthRequestConfig> auth_request;
    bool operator==(const AuthConfig&) const = default;
};

constexpr size_t max_claim_rules = 64, max_pattern = 128;

} // namespace sluice
