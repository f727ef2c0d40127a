// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/api_json.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

double tenths(double value) { return std::round(value * 10) / 10; }

Json stream_json(const StreamStatus& s) {
    Json out = Json::object();
    out["name"] = s.name;
    out["channel"] = s.channel;
    out["state"] = to_string(s.state);
    out["failure"] = s.failure == FailureClass::none ? Json() : Json(to_string(s.failure));
    out["reason"] = or_null(s.reason);
    out["state-seconds"] = tenths(s.state_seconds);
    out["next-attempt-seconds"] = s.next_attempt ? Json(tenths(std::max(*s.next_attempt, 0.0))) : Json();
    out["attempts"] = s.attempts;
    out["losses"] = s.losses;
    out["source"] = s.source;
    out["sources"] = s.sources;
    out["on-demand"] = s.on_demand;
    out["derived-from"] = or_null(s.derived_from);
    out["zombies"] = s.zombies;
    out["codec"] = or_null(s.codec);
    out["width"] = s.width;
    out["height"] = s.height;
    out["fps"] = tenths(s.fps);
    out["bitrate"] = s.bitrate;
    out["target-bitrate"] = s.target_bitrate ? Json(*s.target_bitrate) : Json();
    return out;
}

} // namespace

Json camera_json(const CameraStatus& camera, unsigned viewers) {
    Json item = Json::object();
    item["name"] = camera.name;
    item["state"] = camera.streams.empty() ? "idle" : to_string(camera.streams.front().state);
    item["reason"] = camera.streams.empty() ? Json() : or_null(camera.streams.front().reason);
    item["webrtc"] = camera.webrtc;
    item["quality"] = camera.quality;
    item["viewers"] = viewers;
    item["streams"] = Json::array();
    for (const StreamStatus& stream : camera.streams)
        item["streams"].push_back(stream_json(stream));
    return item;
}

Json seen_by(const Rights& rights, const Json& cameras) {
    Json out = Json::array();
    for (const Json& camera : cameras)
        if (rights.sees(camera["name"].get_ref<const std::string&>()))
            out.push_back(camera);
    return out;
}

Json cameras_json(const std::vector<CameraStatus>& cameras, const std::map<std::string, unsigned>& viewers) {
    Json out = Json::array();
    for (const CameraStatus& camera : cameras) {
        const auto count = viewers.find(camera.name);
        out.push_back(camera_json(camera, count == viewers.end() ? 0 : count->second));
    }
    return out;
}

} // namespace sluice
