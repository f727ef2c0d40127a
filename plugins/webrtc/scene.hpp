// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/result.hpp"
#include "plugins/webrtc/viewer_stream.hpp"

namespace sluice {

// The channels of a camera ("front" has "front/main", "front/sub") that may be served. `not_found`: there is none.
// patterns: comma separated globs of channel names.
Result<ViewerStream::Scene> find_scene(const std::string& camera, const std::string& patterns);
std::string stream_names(const ViewerStream::Scene& scene); // for error texts

} // namespace sluice
