// SPDX-License-Identifier: LGPL-2.1-or-later
// What STATE/accounts and STATE/tokens say. Pure.
//   accounts: "NAME:HASH[:RIGHTS]"            HASH as in crypt(5)
//   tokens:   "NAME:HASH[:EXPIRES:RIGHTS]"    HASH: SHA-256 of the token, hexadecimal; EXPIRES: unix time, 0: never
// RIGHTS as parse_rights() reads them; without them watching is allowed, and `admin` everything, whatever the line says.
#pragma once

#include "launcher/auth/rights.hpp"
#include "plugins/core/credentials.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sluice {

constexpr const char* first_account = "admin";
constexpr size_t max_accounts_bytes = 1 << 20;

struct Account {
    std::string hash;
    Rights rights;
    bool operator==(const Account&) const = default;
};
using AccountList = std::map<std::string, Account, std::less<>>;

struct Token {
    std::string hash;
    int64_t expires = 0;
    Rights rights;
    bool expired(int64_t unix_now) const { return expires != 0 && expires <= unix_now; }
    bool operator==(const Token&) const = default;
};
using TokenList = std::map<std::string, Token, std::less<>>; // by name

// Errors (bad_config) name the file and the line and never repeat what may be a secret.
Result<AccountList> parse_accounts(std::string_view text, const std::string& path);
Result<TokenList> parse_tokens(std::string_view text, const std::string& path);
std::string to_text(const AccountList& accounts);
std::string to_text(const TokenList& tokens);

// What the program gives as names of new accounts; a colon is for principals that are none.
bool is_account_name(std::string_view name);
constexpr const char* account_name_allowed =
    "1 to 64 characters, no colon, no control characters, no space or # at the beginning, no space at the end";

} // namespace sluice
