// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/fleet.hpp"

#include "launcher/worker/transcoding.hpp"
#include "plugins/core/call_later.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluice {

namespace {

// Those that are described, and one for viewers who can play none of them.
std::vector<StreamConfig> streams_of(const CameraConfig& camera) {
    std::vector<StreamConfig> out = camera.streams;
    if (!camera.webrtc.enabled || !camera.webrtc.transcode)
        return out;
    SourceConfig source;
    source.source_template = usual_derived_template;
    source.derived = DerivedConfig{};
    out.push_back({.name = web_stream, .sources = {source}, .on_demand = true, .last_resort = true});
    return out;
}

} // namespace

Fleet::Fleet(const std::vector<CameraConfig>& cameras, const Templates& templates, StreamMemory& memory,
             Transcoding& transcoding, const LifeLimits& limits)
    : templates_(templates), memory_(memory), transcoding_(transcoding), limits_(limits),
      trial_timer_(timers_, [this] { transcoding_.try_again(); }), gate_(call_later) {
    transcoding_.on_next_trial = [this](auto at) { trial_timer_.set(at); };
    trial_timer_.set(transcoding_.next_trial());
    apply(cameras);
}

Fleet::~Fleet() { transcoding_.on_next_trial = nullptr; }

void Fleet::start() {
    started_ = true;
    for (Camera& camera : cameras_)
        for (auto& stream : camera.streams)
            stream->start();
}

void Fleet::apply(const std::vector<CameraConfig>& cameras) {
    std::map<std::string, Camera> before;
    for (Camera& camera : cameras_)
        before.emplace(camera.name, std::move(camera));
    cameras_.clear();
    // First what goes: a camera under a new name may not take two connections.
    std::set<std::string> names;
    for (const CameraConfig& config : cameras)
        names.insert(config.name);
    for (auto& [name, camera] : before)
        if (!names.count(name))
            for (auto& stream : camera.streams)
                stream->stop("the camera has been removed");
    for (const CameraConfig& config : cameras) {
        const auto it = before.find(config.name);
        cameras_.push_back(make(config, it == before.end() ? std::vector<std::unique_ptr<CameraStream>>()
                                                           : std::move(it->second.streams)));
    }
    std::set<std::string> channels;
    for (const Camera& camera : cameras_)
        for (const auto& stream : camera.streams)
            channels.insert(camera.name + "/" + stream->config().name);
    memory_.keep([&](const std::string& channel) { return channels.count(channel) > 0; });
    report();
}

void Fleet::report() {
    if (changed_)
        changed_();
}

Fleet::Camera Fleet::make(const CameraConfig& config, std::vector<std::unique_ptr<CameraStream>> before) {
    Camera camera{config.name, config.webrtc, {}};
    for (const StreamConfig& stream : streams_of(config)) {
        const auto old = std::find_if(before.begin(), before.end(),
                                      [&](const auto& s) { return s && s->config().name == stream.name; });
        if (old != before.end() && (*old)->config() == stream) {
            camera.streams.push_back(std::move(*old));
            continue;
        }
        // Made before the old one is gone: somebody holds the channel all the time.
        auto made = std::make_unique<CameraStream>(
            config.name, stream, StreamTools{templates_, transcoding_, teardown_, gate_, timers_, memory_, limits_});
        made->on_change([this] { report(); });
        if (old != before.end())
            old->reset();
        if (started_)
            made->start();
        camera.streams.push_back(std::move(made));
    }
    for (const auto& gone : before)
        if (gone)
            gone->stop("the camera no longer has this stream");
    return camera;
}

bool Fleet::stop(std::chrono::milliseconds time) {
    for (Camera& camera : cameras_)
        for (auto& stream : camera.streams)
            stream->stop();
    return teardown_.wait_all(time);
}

CameraStatus Fleet::status_of(const Camera& camera) {
    CameraStatus out{camera.name, camera.webrtc.enabled, {}, camera.webrtc.quality};
    for (const auto& stream : camera.streams) {
        StreamStatus status = stream->status();
        // Nobody has described it, and nobody needs it.
        if (stream->config().last_resort && status.attempts == 0)
            continue;
        out.streams.push_back(std::move(status));
    }
    return out;
}

std::vector<CameraStatus> Fleet::status() const {
    std::vector<CameraStatus> out;
    for (const Camera& camera : cameras_)
        out.push_back(status_of(camera));
    return out;
}

std::optional<CameraStatus> Fleet::status(const std::string& name) const {
    for (const Camera& camera : cameras_)
        if (camera.name == name)
            return status_of(camera);
    return std::nullopt;
}

} // namespace sluice
