// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/http_request.hpp"

#include "plugins/core/http_listener.hpp"
#include "plugins/webrtc/quality.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

namespace {

// Cookies are never sent along to another origin (SameSite), so any page may ask: it needs credentials of its own.
void allow_other_origins(SoupServerMessage* m) {
    SoupMessageHeaders* h = soup_server_message_get_response_headers(m);
    soup_message_headers_replace(h, "Access-Control-Allow-Origin", "*");
    soup_message_headers_replace(h, "Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS");
    soup_message_headers_replace(h, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
    soup_message_headers_replace(h, "Access-Control-Expose-Headers", "Location, ETag, Retry-After, Accept-Patch");
}

} // namespace

LateAnswer::LateAnswer(SoupServerMessage* message) : message_(ref(message)) {
    const auto gone = +[](gpointer, gpointer self) { static_cast<LateAnswer*>(self)->gone_ = true; };
    handlers_[0] = g_signal_connect(message, "finished", G_CALLBACK(gone), this);
    handlers_[1] = g_signal_connect(message, "disconnected", G_CALLBACK(gone), this);
}

void LateAnswer::forget() {
    for (gulong& id : handlers_)
        if (id)
            g_signal_handler_disconnect(message_.get(), std::exchange(id, 0));
}

// Only what is still open: libsoup loses sight of a connection whose message is resumed inside its own handler.
void LateAnswer::wait() {
    if (answered_)
        return;
    paused_ = true;
    soup_server_message_pause(message_.get());
}

void LateAnswer::answered() {
    answered_ = true;
    forget();
    if (std::exchange(paused_, false) && !gone_)
        soup_server_message_unpause(message_.get());
}

AuthQuestion auth_question(SoupServerMessage* m, const std::string& action, const std::string& camera,
                           const std::string& quality) {
    AuthQuestion question{
        .action = action,
        .camera = camera,
        .channel = camera.empty() ? "" : camera + "/" + (quality.empty() || quality == quality_auto ? "main" : quality),
        .peer_address = peer_address(m)};
    std::vector<const char*> names{"authorization", "cookie", "x-requested-with"};
    if (!from_allowed_origin(m)) // that one is as good as ours
        names.insert(names.end(), {"origin", "sec-fetch-site"});
    for (const char* name : names)
        if (auto v = request_header(m, name); !v.empty())
            question.headers[name] = v;
    if (auto host = called_host(m); !host.empty())
        question.headers["host"] = host;
    question.headers["method"] = soup_server_message_get_method(m);
    return question;
}

void reply(SoupServerMessage* m, unsigned status, const char* type, const std::string& body) {
    allow_other_origins(m);
    close_after_answer(m);
    soup_message_headers_replace(soup_server_message_get_response_headers(m), "Cache-Control", "no-store");
    soup_message_headers_replace(soup_server_message_get_response_headers(m), "X-Content-Type-Options", "nosniff");
    soup_server_message_set_status(m, status, nullptr);
    if (type)
        soup_server_message_set_response(m, type, SOUP_MEMORY_COPY, body.data(), body.size());
}

void reply(SoupServerMessage* m, const Error& e, unsigned retry_seconds) {
    SoupMessageHeaders* h = soup_server_message_get_response_headers(m);
    // A page that marks its requests shows its own login instead of the browser's.
    if (e.kind == ErrorKind::unauthenticated && request_header(m, "X-Requested-With").empty())
        soup_message_headers_replace(h, "WWW-Authenticate", "Basic realm=\"sluice\", charset=\"UTF-8\"");
    if (e.kind == ErrorKind::unavailable || e.kind == ErrorKind::too_many)
        soup_message_headers_replace(h, "Retry-After", std::to_string(std::max(retry_seconds, 1u)).c_str());
    reply(m, static_cast<unsigned>(error_info(e.kind).http_status), "application/problem+json",
          problem_json(e.kind, e.text));
}

} // namespace sluice
