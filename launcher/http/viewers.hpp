// SPDX-License-Identifier: LGPL-2.1-or-later
// The element that serves viewers, in a pipeline of its own behind the launcher's HTTP server.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/config/config.hpp"
#include "launcher/config/json_text.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

class Viewers {
public:
    // Main context. The server and the authenticator outlive this.
    static Result<std::unique_ptr<Viewers>> create(const WebrtcServerConfig& webrtc,
                                                   const std::vector<CameraConfig>& cameras, SoupServer* server,
                                                   Authenticator& auth);
    ~Viewers();
    Viewers(const Viewers&) = delete;
    Viewers& operator=(const Viewers&) = delete;

    Json list() const; // [{"id", "principal", "camera", ...}]
    bool close(const std::string& id, const std::string& reason);
    // All of a principal, of a login (LoginAnswer::session), of a camera.
    void close_principal(const std::string& principal, const std::string& reason);
    void close_login(const std::string& session, const std::string& reason);
    void close_camera(const std::string& camera, const std::string& reason);
    // Which cameras may be watched from now on.
    void set_cameras(const std::vector<CameraConfig>& cameras);
    std::map<std::string, unsigned> by_camera() const; // those that have viewers
    void stop();                                       // closes all sessions

private:
    Viewers(Ref<GstElement> pipeline, Ref<GstElement> element, Authenticator& auth);
    void close_by(const char* action, const std::string& value, const std::string& reason);

    Ref<GstElement> pipeline_, element_;
    Authenticator& auth_;
    std::shared_ptr<Viewers*> self_; // for requests that arrive from other threads; empty inside: gone
};

} // namespace sluice
