// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/request_audit.hpp"

#include "launcher/http/message.hpp"

namespace sluice {

namespace {

struct Held {
    AuditLog* audit;
    AuditEvent event;
    bool accepted, changes;
};

void finished(SoupServerMessage* message, gpointer data) {
    auto& held = *static_cast<Held*>(data);
    const unsigned status = soup_server_message_get_status(message);
    held.event.more["status"] = status;
    // A browser that opens the page is sent to the login (303): that is no refusal.
    if (status == 401 || status == 403 || status == 429 || (status == 503 && !held.accepted)) {
        held.event.event = "denied";
        held.event.outcome = "refused";
        held.audit->write_limited(held.event);
    } else if (held.changes) {
        held.event.event = "change";
        held.event.outcome = status >= 200 && status < 300 ? "accepted" : "refused";
        held.audit->write(held.event);
    }
}

} // namespace

void audit_request(AuditLog* audit, const ApiCall& call, const ApiRoute* route, const AuthRequest& q) {
    if (!audit)
        return;
    auto* held = new Held{audit, audit_event(q, call.who), call.who.accepted(),
                          route && call.who.accepted() && q.changes_state && route->path != "/api/v1/logout"};
    held->event.camera = call.camera; // also where only the handler asks for a right on it
    // The route, not the address: that may hold anything.
    held->event.more["method"] = std::string(request_method(call.message));
    if (route)
        held->event.more["route"] = route->path;
    for (const auto& [name, value] : call.path)
        if (route && name != "camera")
            held->event.more[name] = value;
    g_signal_connect_data(
        call.message, "finished", G_CALLBACK(finished), held,
        [](gpointer data, GClosure*) { delete static_cast<Held*>(data); }, GConnectFlags(0));
}

} // namespace sluice
