// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines on standard error, one event each. User and password in addresses never get this far (redact_urls).
#pragma once

#include "plugins/core/error_kind.hpp"

#include <string>

namespace sluice {

enum class LogLevel { debug, info, warning, error };

// Thread-safe. Control characters are escaped: what a camera sends cannot forge a line.
void log_line(LogLevel level, const std::string& text);
inline void log_info(const std::string& text) { log_line(LogLevel::info, text); }
inline void log_warning(const std::string& text) { log_line(LogLevel::warning, text); }
inline void log_error(const std::string& text) { log_line(LogLevel::error, text); }

// What is written there goes to systemd's journal, which keeps it.
bool goes_to_journal(int fd);

// Why a command of the command line has failed. Returns its exit code.
int fail(const Error& error);

// What GLib, GIO and libsoup have to say goes the same way.
void install_log_writer();

} // namespace sluice
