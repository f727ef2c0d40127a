// SPDX-License-Identifier: LGPL-2.1-or-later
// How the server is reached: TLS, reverse proxies, pages of other hosts.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/field_reader.hpp"

#include <string>

namespace sluice {

// Those fields of "server". directory: what relative paths are relative to.
void parse_reach(const Json& server, const std::string& pointer, const std::string& directory, ServerConfig& out,
                 std::vector<ConfigError>& errors);

} // namespace sluice
