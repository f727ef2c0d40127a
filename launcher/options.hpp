// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line as data.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

enum class Command { run, check, passwd, token };

struct Options {
    Command command = Command::run;
    std::string target;     // file or address; user of passwd; name of token
    Secret camera_password; // out of the address
    std::string camera_user;
    std::optional<std::string> address, state, admin_password_file, password_file;
    std::optional<uint16_t> port;
};

// Prints help and ends the process where it is asked for. Initialises GStreamer for `run` (--gst-* options).
Result<Options> parse_options(const std::vector<std::string>& arguments);

std::string usage_text();

} // namespace sluice
