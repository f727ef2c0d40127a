// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts together who is asked for credentials that are none of ours, as the configuration says.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/auth/signed_urls.hpp"
#include "launcher/config/auth_config.hpp"
#include "plugins/core/result.hpp"

namespace sluice {

// Whether what the configuration names is there and can be used: a file of keys. Asks nobody.
Result<bool> check_identity(const AuthConfig& config);

// signed_urls outlives auth. Error: as check_identity().
Result<bool> add_identity(Authenticator& auth, const AuthConfig& config, const SignedUrls& signed_urls);

} // namespace sluice
