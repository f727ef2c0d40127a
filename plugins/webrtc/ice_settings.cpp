// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/ice_settings.hpp"

#include "plugins/core/refs.hpp"

#include <gio/gio.h>

#include <initializer_list>

namespace sluice {

namespace {

struct UriFree {
    void operator()(GUri* u) const { g_uri_unref(u); }
};

bool is_uri(const std::string& text, std::initializer_list<const char*> schemes, bool with_user) {
    const auto flags = GUriFlags(G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED);
    const std::unique_ptr<GUri, UriFree> uri(g_uri_parse(text.c_str(), flags, nullptr));
    if (!uri || !g_uri_get_host(uri.get()) || !*g_uri_get_host(uri.get()))
        return false;
    if (with_user && (!g_uri_get_user(uri.get()) || !g_uri_get_password(uri.get())))
        return false;
    for (const char* scheme : schemes)
        if (!g_strcmp0(g_uri_get_scheme(uri.get()), scheme))
            return true;
    return false;
}

} // namespace

std::optional<std::string> complaint_about(const IceSettings& s) {
    if (!s.stun_server.empty() && !is_uri(s.stun_server, {"stun"}, false))
        return "stun-server '" + s.stun_server + "' is not of the form stun://host:port";
    for (size_t i = 0; i < s.turn_servers.size(); ++i)
        if (!is_uri(s.turn_servers[i], {"turn", "turns"}, true))
            return "entry " + std::to_string(i + 1) +
                   " of turn-servers is not of the form turn://user:password@host:port (or turns://)";
    for (const std::string& a : s.addresses)
        if (!g_hostname_is_ip_address(a.c_str()))
            return "ice-addresses: '" + a + "' is not an IP address";
    if (s.min_rtp_port && s.max_rtp_port && s.min_rtp_port > s.max_rtp_port)
        return "min-rtp-port " + std::to_string(s.min_rtp_port) + " is above max-rtp-port " +
               std::to_string(s.max_rtp_port);
    return std::nullopt;
}

} // namespace sluice
