// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of `sluice passwd` and `sluice token`.
#pragma once

#include "launcher/auth/rights.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class AccountVerb { set_password, add, rights, remove, list, create_token, revoke_token, list_tokens };

struct AccountOptions {
    AccountVerb verb = AccountVerb::list;
    std::string name; // empty: a token that gets one
    std::vector<std::string> cameras, actions;
    std::optional<std::string> expires;
    bool also = false;
};

extern const char* const passwd_help;
extern const char* const token_help;

// A first word that is no verb is a name: `passwd NAME` sets a password, `token NAME` makes a token. Error (usage).
Result<bool> take_account_words(AccountOptions& options, bool token, const std::vector<std::string>& words);

// --camera and --action; nothing: neither was given. What was not given is what watching needs.
Result<std::optional<Rights>> rights_of(const AccountOptions& options);

// "90s", "30m", "8h", "7d" or "never" (0), in seconds. Error (usage).
Result<int64_t> parse_lifetime(std::string_view text);

} // namespace sluice
