// SPDX-License-Identifier: LGPL-2.1-or-later
// Which cameras are served: those of the configuration file and those made through the API, and what happens when either
// changes while viewers watch. Lives in the main context.
#pragma once

#include "launcher/camera/camera_store.hpp"
#include "launcher/camera/fleet.hpp"
#include "launcher/camera/secret_files.hpp"
#include "launcher/config/fleet_diff.hpp"
#include "launcher/http/camera_api.hpp"
#include "launcher/http/viewers.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice {

class FleetService final : public CameraEditor {
public:
    // file: empty if there is none and `config` was made from an address. templates outlives this.
    FleetService(std::string file, Config config, const Templates& templates, const StateDirectory& state);

    // Reads STATE/cameras.json, before the fleet is made. Returns a line for each thing that is wrong.
    std::vector<std::string> load();
    // All cameras, those of the file first.
    const std::vector<CameraConfig>& cameras() const { return served_; }
    // From here on changes take effect. Both outlive this, or detach() is called first.
    void attach(Fleet& fleet, Viewers& viewers);
    void detach();

    // Reads both files again. With a mistake in one of them everything stays as it is, and the log says why.
    void reload();

    std::optional<Camera> find(const std::string& name) const override;
    std::optional<Refusal> put(const std::string& name, std::string_view description, const std::string& who) override;
    std::optional<Refusal> remove(const std::string& name, const std::string& who) override;
    Result<std::string> keep_secret(const std::string& camera, const Secret& secret) override;

private:
    FleetDiff apply();
    std::optional<Refusal> write(std::vector<CameraConfig> made);
    std::optional<Refusal> belongs_to_file(const std::string& name) const;

    const std::string file_;
    const Templates& templates_;
    const ServerConfig started_with_;
    CameraStore store_;
    SecretFiles secrets_;
    std::vector<CameraConfig> described_; // by the file
    std::vector<CameraConfig> made_;      // through the API
    std::vector<CameraConfig> served_;
    Fleet* fleet_ = nullptr;
    Viewers* viewers_ = nullptr;
};

} // namespace sluice
