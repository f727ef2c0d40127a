// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses that open themselves for a short while: what somebody may fetch, another program can fetch for him, without his
// credentials. Pure: the time is given. The key is random and of this run only.
#pragma once

#include "launcher/auth/credential_check.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

constexpr int64_t max_signed_seconds = 600;

// What exactly is signed: the path as the server reads it, and each parameter of the query but the token.
std::string signed_target(const std::string& path, const std::map<std::string, std::string, std::less<>>& query);

class SignedUrls {
public:
    struct Opened {
        std::string principal;
        int64_t expires = 0;
    };

    SignedUrls();

    // The value of ?token=. principal: who stands for it. expires is cut to ten minutes from now (unix time).
    std::string sign(const std::string& target, const std::string& principal, int64_t now, int64_t expires) const;
    // Nothing: not of us, changed, for another target, over, or of somebody who has been revoked since.
    std::optional<Opened> open(const std::string& target, std::string_view token, int64_t now) const;
    // What was signed for that principal until now opens nothing any more.
    void revoke(const std::string& principal, int64_t now);

private:
    std::string code(const std::string& target, std::string_view principal, int64_t issued, int64_t expires) const;

    std::string key_;
    std::map<std::string, int64_t, std::less<>> revoked_;
};

// Takes requests to routes that are opened by a token in the query (AuthRequest::signed_token).
class SignedUrlCheck final : public CredentialCheck {
public:
    // urls outlives this. now: unix time.
    SignedUrlCheck(const SignedUrls& urls, std::function<int64_t()> now) : urls_(urls), now_(std::move(now)) {}
    bool takes(const AuthRequest& request) const override { return !request.signed_token.empty(); }
    void check(const AuthRequest& request, std::function<void(AuthDecision)> done) override;

private:
    const SignedUrls& urls_;
    const std::function<int64_t()> now_;
};

} // namespace sluice
