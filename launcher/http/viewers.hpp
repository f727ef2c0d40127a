// SPDX-License-Identifier: LGPL-2.1-or-later
// The element that serves viewers, in a pipeline of its own behind the launcher's HTTP server.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/config/config.hpp"
#include "launcher/http/signal_link.hpp"
#include "launcher/http/viewer_audit.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class Viewers {
public:
    // Main context. The server and the authenticator outlive this.
    static Result<std::unique_ptr<Viewers>> create(const WebrtcServerConfig& webrtc,
                                                   const std::vector<CameraConfig>& cameras, SoupServer* server,
                                                   Authenticator& auth, AuditLog* audit = nullptr);
    ~Viewers();
    Viewers(const Viewers&) = delete;
    Viewers& operator=(const Viewers&) = delete;

    Json list() const;                                     // [{"id", "principal", "camera", ...}]
    std::optional<Json> find(const std::string& id) const; // one of the list
    struct Owner {
        std::string principal, camera;
    };
    std::optional<Owner> owner_of(const std::string& id) const;
    // "auto", or a stream of its camera. Nothing: done; else why not, as application/problem+json.
    std::optional<Json> set_quality(const std::string& id, const std::string& quality);
    bool close(const std::string& id, const std::string& reason);
    // All of a principal, of a login (AuthDecision::session), of a camera.
    void close_principal(const std::string& principal, const std::string& reason);
    void close_login(const std::string& session, const std::string& reason);
    void close_camera(const std::string& camera, const std::string& reason);
    // Which cameras may be watched from now on, and in which quality by those who do not say.
    void set_cameras(const std::vector<CameraConfig>& cameras);
    std::map<std::string, unsigned> by_camera() const; // those that have viewers
    bool working() const;                              // may be watched through
    // Signalling by another protocol; NULL: we are closing.
    std::shared_ptr<SignalLink> signalling(const SignalLink::Client& client);
    void stop(); // closes all sessions

private:
    Viewers(Ref<GstElement> pipeline, Ref<GstElement> element, Authenticator& auth, AuditLog* audit);
    void close_by(const char* action, const std::string& value, const std::string& reason);

    Ref<GstElement> pipeline_, element_;
    Authenticator& auth_;
    std::unique_ptr<ViewerAudit> audit_;
    std::shared_ptr<Viewers*> self_; // for requests that arrive from other threads; empty inside: gone
};

} // namespace sluice
