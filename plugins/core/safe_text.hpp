// SPDX-License-Identifier: LGPL-2.1-or-later
// Text of others in messages and logs: no secrets of addresses, no control characters.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Such text would end a header or a line of the log where it should not.
bool holds_control_characters(std::string_view text);

// Replaces what stands between "://" and the last "@" of each word by "***", and the values of passphrase=, password=,
// passwd=, pwd= and pass=.
std::string redact_urls(std::string_view text);

// Replaces the queries of addresses by "?***": they hold passwords as often as not ("?user=admin&pwd=...").
std::string hide_queries(std::string text);

// One value, for messages: quoted, control characters escaped, no credentials (nothing in front of an "@"), no query of an
// address, at most 80 characters.
std::string quote_for_message(std::string_view text);

} // namespace sluice
