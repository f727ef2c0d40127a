// SPDX-License-Identifier: LGPL-2.1-or-later
// The account that is there when nobody has made one.
#pragma once

#include "launcher/auth/accounts.hpp"
#include "launcher/options.hpp"

namespace sluice {

// Its password is given (--admin-password-file, SLUICE_ADMIN_PASSWORD, the credential "admin-password"), or made up and printed
// this once; where a journal would keep what is printed, it goes into STATE/admin-password.
Result<bool> ensure_admin(Accounts& accounts, const StateDirectory& state, const Options& options);

} // namespace sluice
