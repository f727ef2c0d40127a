// SPDX-License-Identifier: LGPL-2.1-or-later
// Somebody else who knows credentials: an identity provider's keys, another server that is asked.
#pragma once

#include "launcher/auth/access.hpp"

#include <functional>

namespace sluice {

// Asked in the main context, for requests whose credentials are none of ours: a Bearer that is no token of STATE/tokens, Basic with
// an account that is not in STATE/accounts, another scheme, a cookie that is no session of ours, or nothing at all. Our own
// credentials, right or wrong, never get here; neither does a request of another site's page that only a browser's cookie
// stands behind.
class CredentialCheck {
public:
    virtual ~CredentialCheck() = default;

    // Whether it is for this one to decide; the first that says so does, for good. Quick, changes nothing.
    virtual bool takes(const AuthRequest& request) const = 0;

    // Calls done once, at once or later in the main context. `accepted` says who it is (principal, with a prefix of its own:
    // "jwt:..."), what they may (rights; what was asked for is compared with them afterwards) and until when (expires:
    // live viewers and sockets end then). A reason is for the client to read and holds no secret.
    virtual void check(const AuthRequest& request, std::function<void(AuthDecision)> done) = 0;
};

} // namespace sluice
