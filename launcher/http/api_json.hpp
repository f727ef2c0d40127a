// SPDX-License-Identifier: LGPL-2.1-or-later
// What the API says about cameras.
#pragma once

#include "launcher/camera/fleet.hpp"
#include "launcher/config/json_text.hpp"

#include <vector>

namespace sluice {

// viewers: as the API lists them; counted per camera.
Json cameras_json(const std::vector<CameraStatus>& cameras, const Json& viewers);

} // namespace sluice
