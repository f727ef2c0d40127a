// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions of viewers that begin and end, and requests that are refused, for the audit.
#pragma once

#include "launcher/auth/audit_log.hpp"
#include "plugins/core/refs.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace sluice {

void audit_denial(AuditLog* audit, const AuthRequest& request, const AuthDecision& answer);

// Main context; listens to webrtcserversink, whose signals come from other threads. The log outlives this.
class ViewerAudit {
public:
    ViewerAudit(GstElement* element, AuditLog& audit);
    ~ViewerAudit();
    ViewerAudit(const ViewerAudit&) = delete;
    ViewerAudit& operator=(const ViewerAudit&) = delete;

private:
    struct Session {
        std::string principal, camera, peer;
        std::chrono::steady_clock::time_point since;
    };
    struct News;
    void take(const News& news);

    AuditLog& audit_;
    std::map<std::string, Session> sessions_; // as many as the element has
    std::shared_ptr<ViewerAudit*> self_;      // for what arrives late; empty inside: gone
};

} // namespace sluice
