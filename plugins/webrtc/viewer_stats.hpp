// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/webrtc/viewer.hpp"

namespace sluice {

// One session as the property `stats` has it. What is not known is left out.
GstStructurePtr to_structure(const Viewer::Info& info, const Viewer::Stats& stats);
inline GstStructurePtr to_structure(const Viewer& viewer, ChannelTime now) {
    return to_structure(viewer.info(), viewer.stats(now));
}

} // namespace sluice
