// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/time_text.hpp"

#include <cstdio>
#include <ctime>

namespace sluice {

namespace {

std::string formatted(int64_t unix_seconds, const char* format) {
    const std::time_t seconds = unix_seconds;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[32];
    return std::strftime(text, sizeof text, format, &utc) ? text : "";
}

} // namespace

std::string utc_text(int64_t unix_ms) {
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(unix_ms % 1000));
    return formatted(unix_ms / 1000, "%Y-%m-%dT%H:%M:%S") + fraction;
}

std::string utc_date(int64_t unix_seconds) { return formatted(unix_seconds, "%Y-%m-%d"); }

} // namespace sluice
