// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/camera_store.hpp"

namespace sluice {

CameraStore::CameraStore(const StateDirectory& directory, const Templates& templates, SecretSource secrets)
    : directory_(directory), context_{templates, std::move(secrets), directory.file("secrets"), true, false} {
    context_.secrets.only_directory = context_.directory;
    context_.secrets.only_prefix = "SLUICE_CAMERA_";
    context_.secrets.credentials.clear(); // the owner's
}

Result<ConfigResult> CameraStore::read() const {
    const Result<std::string> text = read_small_file(path(), max_json_bytes);
    if (!text && text.error().kind == ErrorKind::missing_file)
        return ConfigResult();
    if (!text)
        return Error{text.error().kind, path() + ": cannot be read: " + text.error().text};
    return parse_config(text.value(), context_);
}

Result<bool> CameraStore::write(const std::vector<CameraConfig>& cameras) const {
    Json all = Json::object();
    for (const CameraConfig& camera : cameras)
        all[camera.name] = Json::parse(camera.description);
    const std::string text = Json{{"version", 1}, {"cameras", std::move(all)}}.dump(2) + "\n";
    if (text.size() > max_json_bytes)
        return Error{ErrorKind::too_many, "the cameras made through the API would take more than 4 MiB"};
    if (const Result<bool> written = directory_.write("cameras.json", text); !written)
        return Error{ErrorKind::internal, written.error().text};
    return true;
}

ConfigResult CameraStore::parse(const std::string& name, std::string_view description) const {
    return parse_camera(name, description, context_);
}

} // namespace sluice
