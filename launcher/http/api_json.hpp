// SPDX-License-Identifier: LGPL-2.1-or-later
// What the API says about cameras.
#pragma once

#include "launcher/auth/rights.hpp"
#include "launcher/camera/fleet.hpp"
#include "plugins/core/json_text.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

// viewers: how many each camera has, if any.
Json cameras_json(const std::vector<CameraStatus>& cameras, const std::map<std::string, unsigned>& viewers);
// Those that may be seen, of a list of cameras.
Json seen_by(const Rights& rights, const Json& cameras);
Json camera_json(const CameraStatus& camera, unsigned viewers);

} // namespace sluice
