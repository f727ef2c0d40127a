// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/signal_link.hpp"

#include "launcher/http/message.hpp"
#include "launcher/http/route_table.hpp"

namespace sluice {

std::shared_ptr<SignalLink> SignalLink::open(GstElement* element, const Client& client) {
    GstStructure* fields = gst_structure_new_empty("headers");
    const GstStructurePtr headers(fields);
    for (const auto& [name, value] : client.headers)
        gst_structure_set(fields, name.c_str(), G_TYPE_STRING, value.c_str(), nullptr);
    GObject* made = nullptr;
    g_signal_emit_by_name(element, "create-signaller", client.principal.c_str(), client.peer.c_str(), fields, &made);
    if (!made)
        return nullptr;
    std::shared_ptr<SignalLink> link(new SignalLink(adopt(made)));
    using Held = std::weak_ptr<SignalLink>;
    const auto connect = [&](const char* signal, GCallback callback) {
        g_signal_connect_data(
            made, signal, callback, new Held(link), [](gpointer data, GClosure*) { delete static_cast<Held*>(data); },
            GConnectFlags(0));
    };
    connect("send", G_CALLBACK(+[](GObject*, const char* text, gpointer data) {
                const auto self = static_cast<Held*>(data)->lock();
                const Json message = Json::parse(text, nullptr, false);
                if (const auto told = self ? self->on_message : nullptr; told && message.is_object())
                    told(message);
            }));
    connect("close", G_CALLBACK(+[](GObject*, guint, const char*, gpointer data) {
                const auto self = static_cast<Held*>(data)->lock();
                if (const auto told = self ? self->on_close : nullptr)
                    told();
            }));
    g_signal_emit_by_name(made, "open");
    return link;
}

// Handlers hold nothing of ours but a weak reference.
SignalLink::~SignalLink() = default;

void SignalLink::say(const Json& message) { g_signal_emit_by_name(signaller_.get(), "receive", dump(message).c_str()); }

void SignalLink::leave() { g_signal_emit_by_name(signaller_.get(), "closed", TRUE); }

SignalLink::Client link_client(const ApiCall& call) {
    SignalLink::Client out{call.who.principal, peer_address(call.message), {}};
    for (const char* name : {"authorization", "cookie", "origin", "host", "sec-fetch-site"})
        if (const std::string value = request_header(call.message, name); !value.empty())
            out.headers[name] = value;
    return out;
}

} // namespace sluice
