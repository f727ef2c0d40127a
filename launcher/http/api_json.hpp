// SPDX-License-Identifier: LGPL-2.1-or-later
// What the API says about cameras.
#pragma once

#include "launcher/camera/fleet.hpp"
#include "launcher/config/json_text.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

// viewers: how many each camera has, if any.
Json cameras_json(const std::vector<CameraStatus>& cameras, const std::map<std::string, unsigned>& viewers);
Json camera_json(const CameraStatus& camera, unsigned viewers);

} // namespace sluice
