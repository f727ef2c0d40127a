// SPDX-License-Identifier: LGPL-2.1-or-later
// STATE/cameras.json: the cameras made through the API, in the format of a configuration file.
#pragma once

#include "launcher/auth/state_directory.hpp"
#include "launcher/config/config_parser.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Who may change cameras need not be who owns the machine: such a description gets at no secrets but the ones put there
// for it, files in STATE/secrets and environment variables that begin with SLUICE_CAMERA_, and at none of the machine's
// files, devices and templates.
class CameraStore {
public:
    CameraStore(const StateDirectory& directory, const Templates& templates, SecretSource secrets);

    std::string path() const { return directory_.file("cameras.json"); }
    // A file that is not there is one without cameras.
    Result<ConfigResult> read() const;
    // On disk when it returns. Errors: too_many (the file would be larger than one that is read), internal (says why).
    Result<bool> write(const std::vector<CameraConfig>& cameras) const;
    // One camera, as it comes through the API.
    ConfigResult parse(const std::string& name, std::string_view description) const;

private:
    const StateDirectory& directory_;
    ConfigContext context_;
};

} // namespace sluice
