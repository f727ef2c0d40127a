// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/message.hpp"

#include "launcher/auth/authenticator.hpp"
#include "plugins/core/refs.hpp"

namespace sluice {

std::string_view request_method(SoupServerMessage* message) { return soup_server_message_get_method(message); }

std::string_view request_body(SoupServerMessage* message) {
    SoupMessageBody* body = soup_server_message_get_request_body(message);
    g_bytes_unref(soup_message_body_flatten(body));
    return {body->data ? body->data : "", static_cast<size_t>(body->length)};
}

bool from_own_page(SoupServerMessage* message) {
    return from_allowed_origin(message) ||
           Authenticator::same_origin(request_header(message, "Origin"), called_host(message),
                                      request_header(message, "Sec-Fetch-Site"));
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

void set_header(SoupServerMessage* message, const char* name, const std::string& value) {
    soup_message_headers_replace(soup_server_message_get_response_headers(message), name, value.c_str());
}

namespace {

void set_content_policy(SoupServerMessage* message, const std::string& frames) {
    set_header(message, "Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
               "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " +
                   frames);
}

} // namespace

void allow_own_frames(SoupServerMessage* message) {
    set_content_policy(message, "'self'");
    set_header(message, "X-Frame-Options", "SAMEORIGIN");
}

void set_security_headers(SoupServerMessage* message) {
    set_content_policy(message, "'none'");
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
