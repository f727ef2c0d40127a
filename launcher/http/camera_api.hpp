// SPDX-License-Identifier: LGPL-2.1-or-later
// /api/v1/cameras/{id}: one camera is looked at, made, changed, removed.
#pragma once

#include "launcher/config/config_parser.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Who knows the cameras' descriptions; all in the main context.
class CameraEditor {
public:
    struct Camera {
        std::string description; // JSON; secrets as references only
        bool from_file = false;  // described by the configuration file: not changed through the API
        Json status;             // as in the list of cameras
    };
    struct Refusal {
        Error error;
        std::vector<ConfigError> details; // pointers into the description that was sent
    };
    virtual ~CameraEditor() = default;
    virtual std::optional<Camera> find(const std::string& name) const = 0;
    // who: the principal, for the log. Both are on disk and in effect when they return nothing.
    virtual std::optional<Refusal> put(const std::string& name, std::string_view description,
                                       const std::string& who) = 0;
    virtual std::optional<Refusal> remove(const std::string& name, const std::string& who) = 0;
    // For a description that is about to be put: the name that {"file": ...} gives the secret. What no description names goes
    // with the next change.
    virtual Result<std::string> keep_secret(const std::string& camera, const Secret& secret) = 0;
};

// The requests. ETag is that of the description; If-Match and If-None-Match are understood.
namespace camera_api {
void get(SoupServerMessage* message, const CameraEditor& editor, const std::string& name, bool with_description);
void put(SoupServerMessage* message, CameraEditor& editor, const std::string& name, const std::string& who);
void remove(SoupServerMessage* message, CameraEditor& editor, const std::string& name, const std::string& who);
} // namespace camera_api

} // namespace sluice
