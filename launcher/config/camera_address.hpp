// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera that the command line names by its address alone: `sluice run ADDRESS`, `sluice probe ADDRESS`.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/templates.hpp"
#include "plugins/core/result.hpp"

#include <optional>
#include <string>

namespace sluice {

struct CameraAddress {
    std::string url; // without user and password
    std::string user;
    Secret password;                                                  // out of the address
    std::optional<std::string> password_file, transport, fingerprint; // as options give them
};

// Takes the address apart. Error (usage): what is allowed.
Result<CameraAddress> parse_camera_address(const std::string& text);

// The configuration of one camera named "camera" with one stream "main".
Result<Config> config_of_address(const CameraAddress& address, const Templates& templates);

} // namespace sluice
