// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/web.hpp"

#include <algorithm>
#include <memory>

namespace sluice::doctor {

namespace {

constexpr size_t max_answer = 4 << 20; // the list of a large fleet
constexpr size_t read_size = 64 * 1024;
constexpr double goodbye_seconds = 1; // until a cancelled call has come back

HttpFacts facts_of(SoupMessage* message) {
    HttpFacts out;
    out.status = soup_message_get_status(message);
    soup_message_headers_foreach(
        soup_message_get_response_headers(message),
        +[](const char* name, const char* value, gpointer user) {
            const GString8 lower(g_ascii_strdown(name, -1));
            (*static_cast<std::map<std::string, std::string>*>(user))[lower.get()] = value;
        },
        &out.headers);
    return out;
}

// A call under way; its callback may come after who asked has given up.
struct Call {
    Ref<GInputStream> stream;
    Ref<SoupWebsocketConnection> socket;
    std::string body, error;
    bool timed_out = false, done = false, closed = false, message = false;
};
using Held = std::shared_ptr<Call>;

void read_more(const Held& call, GCancellable* cancel);

void on_read(GObject* stream, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<Held> held(static_cast<Held*>(data));
    Call& call = **held;
    GError* raw = nullptr;
    const Ref<GBytes> bytes = adopt(g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, &raw));
    const GErrorPtr error(raw);
    if (!bytes) {
        call.error = error->message;
        call.done = true;
        return;
    }
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
    call.body.append(text ? text : "", size);
    if (size == 0 || call.body.size() > max_answer)
        call.done = true;
    else
        read_more(*held, g_task_get_cancellable(G_TASK(result)));
}

void read_more(const Held& call, GCancellable* cancel) {
    g_input_stream_read_bytes_async(call->stream.get(), read_size, G_PRIORITY_DEFAULT, cancel, on_read, new Held(call));
}

void take_error(Call& call, GError* raw) {
    const GErrorPtr error(raw);
    call.error = error ? error->message : "no answer";
    call.timed_out = error && g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
    call.done = true;
}

} // namespace

Web::Web(Wait& wait, WebSettings settings) : wait_(wait), settings_(std::move(settings)) {
    // What the environment says of proxies is not what is tested.
    const Ref<GProxyResolver> resolver =
        adopt(settings_.via ? g_simple_proxy_resolver_new(settings_.via->url.c_str(), nullptr) : nullptr);
    session_ = adopt(static_cast<SoupSession*>(g_object_new(SOUP_TYPE_SESSION, "proxy-resolver", resolver.get(),
                                                            "user-agent", "sluice-doctor/" SLUICE_VERSION, nullptr)));
    if (settings_.authorities)
        soup_session_set_tls_database(session_.get(), settings_.authorities.get());
}

Ref<SoupMessage> Web::message(const std::string& method, const std::string& url, bool with_credentials) const {
    Ref<SoupMessage> out = adopt(soup_message_new(method.c_str(), url.c_str()));
    if (!out)
        return out;
    soup_message_add_flags(out.get(), SoupMessageFlags(SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE | SOUP_MESSAGE_NO_REDIRECT));
    if (with_credentials && !settings_.authorization.empty())
        soup_message_headers_replace(soup_message_get_request_headers(out.get()), "Authorization",
                                     settings_.authorization.reveal().c_str());
    if (!settings_.check_certificate)
        g_signal_connect(out.get(), "accept-certificate",
                         G_CALLBACK(+[](SoupMessage*, GTlsCertificate*, GTlsCertificateFlags, gpointer) -> gboolean {
                             return TRUE;
                         }),
                         nullptr);
    return out;
}

HttpFacts Web::ask(const WebRequest& request) {
    const Ref<SoupMessage> m = message(request.method, request.url, request.with_credentials);
    if (!m)
        return {.error = "no address that can be asked"};
    if (!request.type.empty()) {
        const Ref<GBytes> bytes = adopt(g_bytes_new(request.body.data(), request.body.size()));
        soup_message_set_request_body_from_bytes(m.get(), request.type.c_str(), bytes.get());
    }
    const Ref<GCancellable> cancel = adopt(g_cancellable_new());
    const Held call = std::make_shared<Call>();
    soup_session_send_async(
        session_.get(), m.get(), G_PRIORITY_DEFAULT, cancel.get(),
        +[](GObject* session, GAsyncResult* result, gpointer data) {
            const std::unique_ptr<Held> held(static_cast<Held*>(data));
            GError* error = nullptr;
            (*held)->stream = adopt(soup_session_send_finish(SOUP_SESSION(session), result, &error));
            if ((*held)->stream)
                read_more(*held, g_task_get_cancellable(G_TASK(result)));
            else
                take_error(**held, error);
        },
        new Held(call));
    const bool in_time = request.method == "DELETE" ? wait_.until_anyway([&] { return call->done; }, request.seconds)
                                                    : wait_.until([&] { return call->done; }, request.seconds);
    if (!in_time) {
        g_cancellable_cancel(cancel.get());
        wait_.until_anyway([&] { return call->done; }, goodbye_seconds);
        return {.error = wait_.interrupted() ? "interrupted" : "no answer in time", .timed_out = !wait_.interrupted()};
    }
    if (!call->error.empty())
        return {.error = call->error, .timed_out = call->timed_out};
    HttpFacts out = facts_of(m.get());
    out.body = std::move(call->body);
    return out;
}

Web::Socket Web::open_socket(const std::string& url, const char* protocol, const std::string& origin, double seconds) {
    const Ref<SoupMessage> m = message("GET", url, true);
    if (!m)
        return {.answer = {.error = "no address that can be asked"}};
    const Ref<GCancellable> cancel = adopt(g_cancellable_new());
    const Held call = std::make_shared<Call>();
    const char* protocols[] = {protocol, nullptr};
    soup_session_websocket_connect_async(
        session_.get(), m.get(), origin.empty() ? nullptr : origin.c_str(), const_cast<char**>(protocols),
        G_PRIORITY_DEFAULT, cancel.get(),
        +[](GObject* session, GAsyncResult* result, gpointer data) {
            const std::unique_ptr<Held> held(static_cast<Held*>(data));
            Call& c = **held;
            GError* error = nullptr;
            c.socket = adopt(soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error));
            if (!c.socket)
                return take_error(c, error);
            c.done = true;
            soup_websocket_connection_set_max_incoming_payload_size(c.socket.get(), max_answer);
            g_signal_connect(c.socket.get(), "message",
                             G_CALLBACK(+[](SoupWebsocketConnection*, int, GBytes*, gpointer user) {
                                 static_cast<Call*>(user)->message = true;
                             }),
                             &c);
            g_signal_connect(c.socket.get(), "closed", G_CALLBACK(+[](SoupWebsocketConnection*, gpointer user) {
                                 static_cast<Call*>(user)->closed = true;
                             }),
                             &c);
        },
        new Held(call));
    const Stopwatch watch;
    if (!wait_.until([&] { return call->done; }, seconds)) {
        g_cancellable_cancel(cancel.get());
        wait_.until_anyway([&] { return call->done; }, goodbye_seconds);
    }
    Socket out;
    out.connected = bool(call->socket);
    if (out.connected) {
        const double rest = std::max(0.5, seconds - watch.ms() / 1000);
        out.message = wait_.until([&] { return call->message || call->closed; }, rest) && call->message;
        if (!call->closed) {
            soup_websocket_connection_close(call->socket.get(), SOUP_WEBSOCKET_CLOSE_NORMAL, nullptr);
            wait_.until_anyway([&] { return call->closed; }, goodbye_seconds);
        }
        g_signal_handlers_disconnect_by_data(call->socket.get(), call.get());
        return out;
    }
    out.answer = facts_of(m.get());
    if (!out.answer.status) {
        out.answer.error = call->error.empty() ? "no answer in time" : call->error;
        out.answer.timed_out = call->error.empty() || call->timed_out;
    }
    return out;
}

} // namespace sluice::doctor
