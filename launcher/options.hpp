// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line as data.
#pragma once

#include "launcher/account_options.hpp"
#include "launcher/config/config.hpp"
#include "launcher/doctor/doctor_options.hpp"
#include "launcher/import/import_command.hpp"
#include "launcher/probe/probe_options.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

enum class Command { run, check, passwd, token, routes, doctor, probe, import_file, hardware };

struct Options {
    Command command = Command::run;
    std::string target;     // file or address
    Secret camera_password; // out of the address
    std::string camera_user;
    std::optional<std::string> address, state, admin_password_file, password_file;
    std::optional<uint16_t> port;
    bool json = false;
    unsigned trial_seconds = 10; // hardware: for each
    AccountOptions account;      // passwd and token
    DoctorOptions doctor;
    ProbeOptions probe;
    ImportCommand import;
};

// Prints help and ends the process where it is asked for. Initialises GStreamer for `run` (--gst-* options).
Result<Options> parse_options(const std::vector<std::string>& arguments);

std::string usage_text();

} // namespace sluice
