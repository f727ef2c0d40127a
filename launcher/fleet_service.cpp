// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/fleet_service.hpp"

#include "launcher/http/api_json.hpp"
#include "launcher/log.hpp"

#include <algorithm>

namespace sluice {

namespace {

using Cameras = std::vector<CameraConfig>;

template <typename List> auto find_in(List& cameras, const std::string& name) {
    return std::find_if(cameras.begin(), cameras.end(), [&](const CameraConfig& c) { return c.name == name; });
}

// The file's win: who owns the machine has the last word.
Cameras merge(const Cameras& described, const Cameras& made, const std::string& store) {
    Cameras out = described;
    for (const CameraConfig& camera : made) {
        if (find_in(described, camera.name) == described.end())
            out.push_back(camera);
        else
            log_warning("camera " + camera.name + ": described by the configuration file and by " + store +
                        "; the configuration file counts");
    }
    return out;
}

std::vector<std::string> lines(const std::string& file, const Result<ConfigResult>& result) {
    if (!result)
        return {result.error().text};
    std::vector<std::string> out;
    for (const ConfigError& error : result.value().errors)
        out.push_back(to_string(file, error));
    return out;
}

bool lost_a_stream(const CameraConfig& before, const CameraConfig& after) {
    if (before.webrtc.transcode && !after.webrtc.transcode)
        return true;
    return std::any_of(before.streams.begin(), before.streams.end(), [&](const StreamConfig& stream) {
        return std::none_of(after.streams.begin(), after.streams.end(),
                            [&](const StreamConfig& s) { return s.name == stream.name; });
    });
}

} // namespace

FleetService::FleetService(std::string file, Config config, const Templates& templates, const StateDirectory& state)
    : file_(std::move(file)), templates_(templates), started_with_(config.server),
      store_(state, templates, SecretSource::real()), secrets_(state), described_(std::move(config.cameras)) {}

std::vector<std::string> FleetService::load() {
    Result<ConfigResult> made = store_.read();
    std::vector<std::string> wrong = lines(store_.path(), made);
    if (!wrong.empty())
        return wrong;
    made_ = std::move(made.value().config.cameras);
    served_ = merge(described_, made_, store_.path());
    return {};
}

void FleetService::attach(Fleet& fleet, Viewers& viewers) {
    fleet_ = &fleet;
    viewers_ = &viewers;
}

void FleetService::detach() {
    fleet_ = nullptr;
    viewers_ = nullptr;
}

void FleetService::reload() {
    if (!fleet_)
        return;
    Result<ConfigResult> described = file_.empty() ? Result<ConfigResult>(ConfigResult{{started_with_, described_}, {}})
                                                   : load_config(file_, templates_, SecretSource::real());
    Result<ConfigResult> made = store_.read();
    std::vector<std::string> wrong = lines(file_, described);
    for (std::string& line : lines(store_.path(), made))
        wrong.push_back(std::move(line));
    if (!wrong.empty()) {
        for (const std::string& line : wrong)
            log_error(line);
        log_error("not reloaded: everything stays as it was");
        return;
    }
    for (const std::string& pointer : fixed_fields_changed(started_with_, described.value().config.server))
        log_warning(to_string(file_, {pointer, "a change counts from the next start only"}));
    described_ = std::move(described.value().config.cameras);
    made_ = std::move(made.value().config.cameras);
    log_info("reloaded: " + to_string(apply()));
}

FleetDiff FleetService::apply() {
    Cameras next = merge(described_, made_, store_.path());
    const FleetDiff diff = diff_cameras(served_, next);
    // Nobody new comes in to what goes; then who is in is told why.
    viewers_->set_cameras(next);
    for (const std::string& name : diff.removed) {
        log_info("camera " + name + ": removed");
        viewers_->close_camera(name, "the camera has been removed");
    }
    for (const std::string& name : diff.changed) {
        log_info("camera " + name + ": changed");
        const CameraConfig &before = *find_in(served_, name), &after = *find_in(next, name);
        if (before.webrtc.enabled && !after.webrtc.enabled)
            viewers_->close_camera(name, "the camera is no longer served over WebRTC");
        else if (lost_a_stream(before, after))
            viewers_->close_camera(name, "the camera has other streams now");
    }
    for (const std::string& name : diff.added)
        log_info("camera " + name + ": added");
    fleet_->apply(next);
    served_ = std::move(next);
    return diff;
}

std::optional<CameraEditor::Camera> FleetService::find(const std::string& name) const {
    const auto camera = find_in(served_, name);
    if (camera == served_.end() || !fleet_)
        return std::nullopt;
    Camera out{camera->description, find_in(described_, name) != described_.end(), {}};
    const auto status = fleet_->status(name);
    const auto viewers = viewers_->by_camera();
    const auto count = viewers.find(name);
    if (status)
        out.status = camera_json(*status, count == viewers.end() ? 0 : count->second);
    return out;
}

std::optional<CameraEditor::Refusal> FleetService::belongs_to_file(const std::string& name) const {
    if (find_in(described_, name) == described_.end())
        return std::nullopt;
    return Refusal{{ErrorKind::conflict, "the camera " + name + " is described " +
                                             (file_.empty() ? std::string("by the command line; start without it")
                                                            : "by the configuration file; change it there and reload")},
                   {}};
}

std::optional<CameraEditor::Refusal> FleetService::write(Cameras made) {
    if (const Result<bool> written = store_.write(made); !written) {
        log_error(written.error().text);
        return Refusal{written.error(), {}};
    }
    made_ = std::move(made);
    apply();
    secrets_.drop_unused([this](const std::string& name) {
        const auto named = [&](const CameraConfig& c) { return c.description.find(name) != std::string::npos; };
        return std::any_of(made_.begin(), made_.end(), named) ||
               std::any_of(described_.begin(), described_.end(), named);
    });
    return std::nullopt;
}

Result<std::string> FleetService::keep_secret(const std::string& camera, const Secret& secret) {
    if (auto refusal = belongs_to_file(camera))
        return refusal->error;
    return secrets_.keep(camera, secret);
}

std::optional<CameraEditor::Refusal> FleetService::put(const std::string& name, std::string_view description,
                                                       const std::string& who) {
    if (!fleet_)
        return Refusal{{ErrorKind::unavailable, "the server is closing"}, {}};
    if (auto refusal = belongs_to_file(name))
        return refusal;
    ConfigResult parsed = store_.parse(name, description);
    if (!parsed.errors.empty())
        return Refusal{{ErrorKind::bad_config, "the description of the camera is not valid"}, std::move(parsed.errors)};
    Cameras made = made_;
    if (const auto old = find_in(made, name); old != made.end())
        *old = std::move(parsed.config.cameras.front());
    else if (served_.size() >= max_cameras)
        return Refusal{
            {ErrorKind::too_many, "there are " + std::to_string(max_cameras) + " cameras, the most there may be"}, {}};
    else
        made.push_back(std::move(parsed.config.cameras.front()));
    log_info("camera " + name + ": described by " + who + " through the API");
    return write(std::move(made));
}

std::optional<CameraEditor::Refusal> FleetService::remove(const std::string& name, const std::string& who) {
    if (!fleet_)
        return Refusal{{ErrorKind::unavailable, "the server is closing"}, {}};
    if (auto refusal = belongs_to_file(name))
        return refusal;
    Cameras made = made_;
    made.erase(std::remove_if(made.begin(), made.end(), [&](const CameraConfig& c) { return c.name == name; }),
               made.end());
    log_info("camera " + name + ": removed by " + who + " through the API");
    return write(std::move(made));
}

} // namespace sluice
