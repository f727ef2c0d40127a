// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/message.hpp"

#include "plugins/core/refs.hpp"

namespace sluice {

std::string request_header(SoupServerMessage* message, const char* name) {
    const char* value = soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
    return value ? value : "";
}

std::string peer_address(SoupServerMessage* message) {
    GSocketAddress* address = soup_server_message_get_remote_address(message);
    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return "unknown";
    GInetAddress* inet = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address));
    std::string out = GString8(g_inet_address_to_string(inet)).get();
    // How a socket that listens on "::" says 192.0.2.7.
    if (constexpr std::string_view mapped = "::ffff:"; out.starts_with(mapped) && out.find('.') != std::string::npos)
        out.erase(0, mapped.size());
    return out;
}

std::string_view request_method(SoupServerMessage* message) { return soup_server_message_get_method(message); }

std::string_view request_body(SoupServerMessage* message) {
    SoupMessageBody* body = soup_server_message_get_request_body(message);
    g_bytes_unref(soup_message_body_flatten(body));
    return {body->data ? body->data : "", static_cast<size_t>(body->length)};
}

void set_header(SoupServerMessage* message, const char* name, const std::string& value) {
    soup_message_headers_replace(soup_server_message_get_response_headers(message), name, value.c_str());
}

void set_security_headers(SoupServerMessage* message) {
    set_header(message, "Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
               "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    set_header(message, "X-Content-Type-Options", "nosniff");
    set_header(message, "X-Frame-Options", "DENY");
    set_header(message, "Referrer-Policy", "no-referrer");
    set_header(message, "Cross-Origin-Opener-Policy", "same-origin");
    set_header(message, "Cross-Origin-Resource-Policy", "same-origin");
    set_header(message, "Cache-Control", "no-store");
}

void respond(SoupServerMessage* message, unsigned status, const char* content_type, std::string_view body) {
    soup_server_message_set_status(message, status, nullptr);
    soup_server_message_set_response(message, content_type, SOUP_MEMORY_COPY, body.data(), body.size());
}

void respond_json(SoupServerMessage* message, unsigned status, const std::string& body) {
    respond(message, status, "application/json", body);
}

void respond_problem(SoupServerMessage* message, ErrorKind kind, const std::string& detail) {
    respond(message, static_cast<unsigned>(error_info(kind).http_status), "application/problem+json",
            problem_json(kind, detail));
}

} // namespace sluice
