// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/api_json.hpp"

#include <cmath>
#include <map>

namespace sluice {

namespace {

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json stream_json(const StreamStatus& s) {
    Json out = Json::object();
    out["name"] = s.name;
    out["channel"] = s.channel;
    out["state"] = to_string(s.state);
    out["reason"] = or_null(s.reason);
    out["state-seconds"] = std::round(s.state_seconds * 10) / 10;
    out["attempts"] = s.attempts;
    out["losses"] = s.losses;
    out["codec"] = or_null(s.codec);
    out["width"] = s.width;
    out["height"] = s.height;
    out["fps"] = std::round(s.fps * 10) / 10;
    out["bitrate"] = s.bitrate;
    return out;
}

} // namespace

Json cameras_json(const std::vector<CameraStatus>& cameras, const Json& viewers) {
    std::map<std::string, unsigned> counts;
    for (const Json& viewer : viewers)
        if (const auto camera = viewer.find("camera"); camera != viewer.end() && camera->is_string())
            counts[camera->get<std::string>()]++;
    Json out = Json::array();
    for (const CameraStatus& camera : cameras) {
        Json item = Json::object();
        item["name"] = camera.name;
        item["state"] = camera.streams.empty() ? "idle" : to_string(camera.streams.front().state);
        item["reason"] = camera.streams.empty() ? Json() : or_null(camera.streams.front().reason);
        item["webrtc"] = camera.webrtc;
        item["viewers"] = counts[camera.name];
        item["streams"] = Json::array();
        for (const StreamStatus& stream : camera.streams)
            item["streams"].push_back(stream_json(stream));
        out.push_back(std::move(item));
    }
    return out;
}

} // namespace sluice
