// SPDX-License-Identifier: LGPL-2.1-or-later
// What is different between the cameras that are served and those that shall be. Pure.
#pragma once

#include "launcher/config/config.hpp"

#include <string>
#include <vector>

namespace sluice {

struct FleetDiff {
    std::vector<std::string> added, changed, removed; // names, in the order of their description
    size_t untouched = 0;

    bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
};

// By what is described, not by how it is written: the order of cameras and fields changes nothing, a new password in the
// same file does.
FleetDiff diff_cameras(const std::vector<CameraConfig>& now, const std::vector<CameraConfig>& next);

// "1 added, 1 changed, 1 removed, 12 untouched"
std::string to_string(const FleetDiff& diff);

// Fields that are different and count from the next start only, as JSON pointers: "/server/port".
std::vector<std::string> fixed_fields_changed(const ServerConfig& now, const ServerConfig& next);

} // namespace sluice
