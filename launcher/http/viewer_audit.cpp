// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/viewer_audit.hpp"

namespace sluice {

namespace {

std::string text(const GstStructure* info, const char* field) {
    const char* value = gst_structure_get_string(info, field);
    return value ? value : "";
}

} // namespace

void audit_denial(AuditLog* audit, const AuthRequest& q, const AuthDecision& answer) {
    if (!audit)
        return;
    AuditEvent event = audit_event(q, answer);
    event.event = "denied";
    event.outcome = "refused";
    audit->write_limited(event);
}

// On its way to the main context.
struct ViewerAudit::News {
    std::weak_ptr<ViewerAudit*> owner;
    std::string id, principal, camera, peer, reason;
    bool begun = false;

    void post() const {
        g_main_context_invoke_full(
            nullptr, G_PRIORITY_DEFAULT,
            [](gpointer held) -> gboolean {
                const auto* news = static_cast<News*>(held);
                if (const auto audit = news->owner.lock())
                    (*audit)->take(*news);
                return G_SOURCE_REMOVE;
            },
            new News(*this), [](gpointer held) { delete static_cast<News*>(held); });
    }
};

ViewerAudit::ViewerAudit(GstElement* element, AuditLog& audit)
    : audit_(audit), self_(std::make_shared<ViewerAudit*>(this)) {
    using Owner = std::weak_ptr<ViewerAudit*>;
    const auto release = +[](gpointer held, GClosure*) { delete static_cast<Owner*>(held); };
    const auto added = +[](GstElement* sender, const char* id, gpointer owner) {
        GstStructure* raw = nullptr;
        g_signal_emit_by_name(sender, "session-info", id, &raw);
        if (const GstStructurePtr info(raw); info)
            News{.owner = *static_cast<Owner*>(owner),
                 .id = id,
                 .principal = text(info.get(), "principal"),
                 .camera = text(info.get(), "camera"),
                 .peer = text(info.get(), "peer"),
                 .begun = true}
                .post();
    };
    const auto removed = +[](GstElement*, const char* id, const char* reason, gpointer owner) {
        News{.owner = *static_cast<Owner*>(owner), .id = id, .reason = reason ? reason : ""}.post();
    };
    g_signal_connect_data(element, "session-added", G_CALLBACK(added), new Owner(self_), release, GConnectFlags(0));
    g_signal_connect_data(element, "session-removed", G_CALLBACK(removed), new Owner(self_), release, GConnectFlags(0));
}

ViewerAudit::~ViewerAudit() {
    // What has not ended by now ends with the server.
    for (const auto& entry : std::map(sessions_))
        take({.id = entry.first, .reason = "the server is about to end"});
}

void ViewerAudit::take(const News& news) {
    AuditEvent event{.event = news.begun ? "viewer-begun" : "viewer-ended", .outcome = "accepted", .action = "view"};
    event.more["viewer"] = news.id;
    if (news.begun) {
        sessions_[news.id] = {news.principal, news.camera, news.peer, std::chrono::steady_clock::now()};
    } else {
        event.reason = news.reason;
    }
    const auto it = sessions_.find(news.id);
    if (it == sessions_.end())
        return; // closed before it was announced
    event.principal = it->second.principal;
    event.camera = it->second.camera;
    event.peer = it->second.peer;
    if (!news.begun) {
        const auto lasted = std::chrono::steady_clock::now() - it->second.since;
        event.more["seconds"] = std::chrono::duration_cast<std::chrono::seconds>(lasted).count();
        sessions_.erase(it);
    }
    audit_.write(event);
}

} // namespace sluice
