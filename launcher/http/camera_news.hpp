// SPDX-License-Identifier: LGPL-2.1-or-later
// What has changed between two lists of cameras, as messages for those who know the older one.
#pragma once

#include "plugins/core/json_text.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

class CameraNews {
public:
    // cameras: as the API lists them. Facts (state, reason, resolution...) are always compared; numbers that change all the
    // time (bit rate, frame rate, viewers) only on request, and only if they differ enough to matter to a reader. A wait for
    // the next attempt is told once, when it begins or becomes another one; who was told counts.
    // Returns {"type": "camera", "camera": ...} and {"type": "removed", "name": ...}.
    std::vector<Json> update(const Json& cameras, bool numbers);

private:
    std::map<std::string, Json> told_; // by name, as it was sent last
};

} // namespace sluice
