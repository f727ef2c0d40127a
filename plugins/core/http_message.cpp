// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/http_message.hpp"

#include "plugins/core/refs.hpp"

#include <string_view>

namespace sluice {

std::string request_header(SoupServerMessage* message, const char* name) {
    const char* value = soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
    return value ? value : "";
}

ClientView client_of(SoupServerMessage* message) {
    ClientView direct;
    direct.host = request_header(message, "Host");
    GSocketAddress* address = soup_server_message_get_remote_address(message);
    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return direct;
    const GString8 text(g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address))));
    const auto data = [&](const char* key) {
        return static_cast<const char*>(g_object_get_data(G_OBJECT(address), key));
    };
    direct.peer = plain_address(text.get());
    direct.secure = data(connection_data::tls) != nullptr;
    const char* proxies = data(connection_data::trusted_proxies);
    const Result<AddressList> trusted = AddressList::parse(proxies ? proxies : "");
    if (!trusted || trusted->empty())
        return direct;
    if (const char* prefix = data(connection_data::path_prefix))
        direct.prefix = prefix;
    return client_view(trusted.value(), direct,
                       {.forwarded = request_header(message, "Forwarded"),
                        .x_for = request_header(message, "X-Forwarded-For"),
                        .x_proto = request_header(message, "X-Forwarded-Proto"),
                        .x_host = request_header(message, "X-Forwarded-Host"),
                        .x_prefix = request_header(message, "X-Forwarded-Prefix")});
}

std::string peer_address(SoupServerMessage* message) { return client_of(message).peer; }

std::string called_host(SoupServerMessage* message) { return client_of(message).host; }

bool from_allowed_origin(SoupServerMessage* message) {
    const std::string origin = request_header(message, "Origin");
    GSocketAddress* address = soup_server_message_get_remote_address(message);
    const auto* allowed =
        address ? static_cast<const char*>(g_object_get_data(G_OBJECT(address), connection_data::allowed_origins))
                : nullptr;
    if (!allowed || origin.empty() || origin.find(',') != std::string::npos)
        return false;
    // Names with commas around them, in a list with commas around it: only a whole name is found.
    const auto fenced = [](std::string_view text) {
        std::string out(1, ',');
        return out.append(text).append(1, ',');
    };
    return fenced(allowed).find(fenced(origin)) != std::string::npos;
}

} // namespace sluice
