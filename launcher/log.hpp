// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines on standard error, one event each. User and password in addresses never get this far (redact_urls).
#pragma once

#include <string>

namespace sluice {

enum class LogLevel { debug, info, warning, error };

// Thread-safe. Control characters are escaped: what a camera sends cannot forge a line.
void log_line(LogLevel level, const std::string& text);
inline void log_info(const std::string& text) { log_line(LogLevel::info, text); }
inline void log_warning(const std::string& text) { log_line(LogLevel::warning, text); }
inline void log_error(const std::string& text) { log_line(LogLevel::error, text); }

// What GLib, GIO and libsoup have to say goes the same way.
void install_log_writer();

} // namespace sluice
