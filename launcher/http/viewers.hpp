// SPDX-License-Identifier: LGPL-2.1-or-later
// The element that serves viewers, in a pipeline of its own behind the launcher's HTTP server.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/config/config.hpp"
#include "launcher/config/json_text.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <memory>

namespace sluice {

class Viewers {
public:
    // Main context. The server and the authenticator outlive this.
    static Result<std::unique_ptr<Viewers>> create(const Config& config, SoupServer* server, Authenticator& auth);
    ~Viewers();
    Viewers(const Viewers&) = delete;
    Viewers& operator=(const Viewers&) = delete;

    Json list() const; // [{"id", "principal", "camera", ...}]
    bool close(const std::string& id, const std::string& reason);
    void close_all(const std::string& reason);
    void stop(); // closes all sessions

private:
    Viewers(Ref<GstElement> pipeline, Ref<GstElement> element, Authenticator& auth);

    Ref<GstElement> pipeline_, element_;
    Authenticator& auth_;
    std::shared_ptr<Viewers*> self_; // for requests that arrive from other threads; empty inside: gone
};

// A GstStructure's fields as a JSON object; values of other types are left out.
Json structure_to_json(const GstStructure* structure);

} // namespace sluice
