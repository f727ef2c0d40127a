// SPDX-License-Identifier: LGPL-2.1-or-later
// What the claims of a token are worth here. Pure.
#pragma once

#include "launcher/auth/rights.hpp"
#include "launcher/config/auth_config.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <vector>

namespace sluice {

// The rights of all rules that fit, together. Error (forbidden): a claim that should hold grants holds something else, or
// nothing gives any right.
Result<Rights> rights_of(const Json& claims, const std::vector<ClaimRule>& rules);

} // namespace sluice
