// SPDX-License-Identifier: LGPL-2.1-or-later
// Times as people and programs read them, in UTC (RFC 3339).
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

std::string utc_text(int64_t unix_ms);      // "2026-11-21T16:20:13.025Z"
std::string utc_date(int64_t unix_seconds); // "2026-11-21"

} // namespace sluice
