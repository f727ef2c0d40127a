// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/result.hpp"
#include "plugins/webrtc/sdp_offer.hpp"
#include "plugins/webrtc/viewer_stream.hpp"

namespace sluice {

// The channels of a camera ("front" has "front/main", "front/sub") that may be served. `not_found`: there is none.
// patterns: comma separated globs of channel names.
Result<ViewerStream::Scene> find_scene(const std::string& camera, const std::string& patterns);
// What a viewer gets that asks for none: main, if there is one.
std::string first_stream(const ViewerStream::Scene& scene);
// Nothing that browsers play over WebRTC; its end of a sentence about the stream.
bool sends_b_frames(const Channel& channel);
constexpr const char* b_frames_text =
    "sends B-frames, which browsers cannot play over WebRTC; switch them off in the camera "
    "(profile Baseline, or B-frames 0)";
struct GivenStream {
    std::string stream;
    std::string instead; // why it is not the one that was wanted, in words; empty: it is
};
// What a viewer with this offer gets of a scene in which the video of `wanted` is known: that, or another one that the camera sends
// (unless it was pinned), or what is made for such viewers. The scene is left with what the session may have. `not_acceptable`:
// nothing fits.
Result<GivenStream> give_stream(ViewerStream::Scene& scene, const std::string& wanted, const SdpOffer& offer,
                                bool pinned);
std::string stream_names(const ViewerStream::Scene& scene); // for error texts

} // namespace sluice
