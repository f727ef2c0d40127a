// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/http_message.hpp"

#include "plugins/core/refs.hpp"

#include <string_view>

namespace sluice {

std::string request_header(SoupServerMessage* message, const char* name) {
    const char* value = soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
    return value ? value : "";
}

std::string peer_address(SoupServerMessage* message) {
    GSocketAddress* address = soup_server_message_get_remote_address(message);
    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return {};
    std::string out =
        GString8(g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)))).get();
    // How a socket that listens on "::" says 192.0.2.7.
    if (constexpr std::string_view mapped = "::ffff:"; out.starts_with(mapped) && out.find('.') != std::string::npos)
        out.erase(0, mapped.size());
    return out;
}

} // namespace sluice
