// SPDX-License-Identifier: LGPL-2.1-or-later
// Bearer tokens of an identity provider.
#pragma once

#include "launcher/auth/credential_check.hpp"
#include "launcher/auth/jwt.hpp"
#include "launcher/auth/key_keeper.hpp"
#include "launcher/config/auth_config.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

class JwtCheck final : public CredentialCheck {
public:
    // now: unix time.
    JwtCheck(const JwtConfig& config, std::unique_ptr<KeyKeeper> keys, std::function<int64_t()> now);

    bool takes(const AuthRequest& request) const override;
    void check(const AuthRequest& request, std::function<void(AuthDecision)> done) override;

private:
    using Done = std::function<void(AuthDecision)>;
    void decide(const std::string& token, bool may_wait, Done done);
    AuthDecision accept(const JwtClaims& claims) const;

    const JwtRules rules_;
    const std::vector<ClaimRule> rights_;
    const std::unique_ptr<KeyKeeper> keys_;
    const std::function<int64_t()> now_;
};

} // namespace sluice
