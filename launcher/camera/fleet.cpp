// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/fleet.hpp"

namespace sluice {

Fleet::Fleet(const std::vector<CameraConfig>& cameras, SourceTemplate source_template, const LifeLimits& limits)
    : template_(std::move(source_template)) {
    for (const CameraConfig& config : cameras) {
        Camera camera{config.name, config.webrtc.enabled, {}};
        for (const StreamConfig& stream : config.streams) {
            camera.streams.push_back(std::make_unique<CameraStream>(config.name, stream, template_, teardown_, limits));
            camera.streams.back()->on_change([this] {
                if (changed_)
                    changed_();
            });
        }
        cameras_.push_back(std::move(camera));
    }
}

void Fleet::start() {
    for (Camera& camera : cameras_)
        for (auto& stream : camera.streams)
            stream->start();
}

bool Fleet::stop(std::chrono::milliseconds time) {
    for (Camera& camera : cameras_)
        for (auto& stream : camera.streams)
            stream->stop();
    return teardown_.wait_all(time);
}

std::vector<CameraStatus> Fleet::status() const {
    std::vector<CameraStatus> out;
    for (const Camera& camera : cameras_) {
        CameraStatus status{camera.name, camera.webrtc, {}};
        for (const auto& stream : camera.streams)
            status.streams.push_back(stream->status());
        out.push_back(std::move(status));
    }
    return out;
}

} // namespace sluice
