// SPDX-License-Identifier: LGPL-2.1-or-later
// A blocking WebSocket client for tests.
#pragma once

#include "plugins/core/refs.hpp"
#include "tests/support/http_client.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>

namespace sluice::test {

class WsClient {
public:
    using Json = nlohmann::json;

    explicit WsClient(const std::string& url, const HttpHeaders& headers = {}, const char* protocol = "sluice.v1") {
        const Scope scope(*this);
        session_ =
            adopt(static_cast<SoupSession*>(g_object_new(SOUP_TYPE_SESSION, "proxy-resolver", nullptr, nullptr)));
        message_ = adopt(soup_message_new("GET", url.c_str()));
        soup_message_add_flags(message_.get(), SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
        for (const auto& [name, value] : headers)
            soup_message_headers_replace(soup_message_get_request_headers(message_.get()), name.c_str(), value.c_str());
        const char* protocols[] = {protocol, nullptr};
        bool done = false;
        struct Call {
            WsClient* self;
            bool* done;
        } call{this, &done};
        soup_session_websocket_connect_async(
            session_.get(), message_.get(), nullptr, protocol ? const_cast<char**>(protocols) : nullptr,
            G_PRIORITY_DEFAULT, nullptr,
            +[](GObject* session, GAsyncResult* result, gpointer data) {
                auto* c = static_cast<Call*>(data);
                GError* error = nullptr;
                c->self->socket_ = adopt(soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error));
                if (c->self->socket_)
                    c->self->listen();
                g_clear_error(&error);
                *c->done = true;
            },
            &call);
        run_until([&] { return done; });
    }
    ~WsClient() {
        const Scope scope(*this);
        if (socket_)
            g_signal_handlers_disconnect_by_data(socket_.get(), this);
        socket_ = nullptr;
        message_ = nullptr;
        session_ = nullptr;
        while (g_main_context_iteration(context_.get(), FALSE)) {
        }
    }
    WsClient(const WsClient&) = delete;
    WsClient& operator=(const WsClient&) = delete;

    bool connected() const { return bool(socket_); }
    unsigned status() const { return soup_message_get_status(message_.get()); }
    void say(const Json& json) { say_text(json.dump()); }
    void say_text(const std::string& text) {
        const Scope scope(*this); // libsoup writes in the context that is the thread's default by then
        soup_websocket_connection_send_text(socket_.get(), text.c_str());
    }
    void say_binary() {
        const Scope scope(*this);
        soup_websocket_connection_send_binary(socket_.get(), "x", 1);
    }
    // One frame as it is (RFC 6455 section 5.2): the first byte, and zeros.
    void say_frame(uint8_t header, uint16_t size) {
        std::string frame{static_cast<char>(header), static_cast<char>(0xfe), static_cast<char>(size >> 8),
                          static_cast<char>(size & 0xff)};
        frame.resize(frame.size() + 4 + size); // the mask, too
        GOutputStream* out = g_io_stream_get_output_stream(soup_websocket_connection_get_io_stream(socket_.get()));
        g_output_stream_write_all(out, frame.data(), frame.size(), nullptr, nullptr, nullptr);
    }
    // The next message; an empty object if none comes in time or the socket was closed.
    Json next(std::chrono::milliseconds limit = std::chrono::seconds(30)) {
        const Scope scope(*this);
        run_until([this] { return !texts_.empty() || closed_; }, limit);
        if (texts_.empty())
            return Json::object();
        Json first = Json::parse(texts_.front(), nullptr, false);
        texts_.pop_front();
        return first;
    }
    Json next_of(const std::string& type) {
        for (;;) {
            Json m = next();
            if (m.empty() || m.value("type", "") == type)
                return m;
        }
    }
    void close(unsigned short code) {
        const Scope scope(*this);
        soup_websocket_connection_close(socket_.get(), code, nullptr);
        wait_closed();
    }
    // Without a goodbye.
    void cut() {
        GIOStream* stream = soup_websocket_connection_get_io_stream(socket_.get());
        g_io_stream_close(stream, nullptr, nullptr);
    }
    // The server's code; nothing if it did not close.
    std::optional<unsigned> wait_closed() {
        const Scope scope(*this);
        run_until([this] { return closed_; });
        return closed_ ? std::optional<unsigned>(soup_websocket_connection_get_close_code(socket_.get()))
                       : std::nullopt;
    }

private:
    struct Scope {
        explicit Scope(WsClient& c) : context(c.context_.get()) { g_main_context_push_thread_default(context); }
        ~Scope() { g_main_context_pop_thread_default(context); }
        GMainContext* context;
    };
    void listen() {
        g_signal_connect(socket_.get(), "message",
                         G_CALLBACK(+[](SoupWebsocketConnection*, int, GBytes* bytes, gpointer self) {
                             gsize size = 0;
                             const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
                             static_cast<WsClient*>(self)->texts_.emplace_back(text ? text : "", size);
                         }),
                         this);
        g_signal_connect(socket_.get(), "closed", G_CALLBACK(+[](SoupWebsocketConnection*, gpointer self) {
                             static_cast<WsClient*>(self)->closed_ = true;
                         }),
                         this);
    }
    template <typename F> void run_until(F condition, std::chrono::milliseconds limit = std::chrono::seconds(30)) {
        bool late = false;
        const Ref<GMainContext> context = context_;
        GSource* timer = g_timeout_source_new(static_cast<guint>(limit.count()));
        g_source_set_callback(
            timer,
            +[](gpointer data) -> gboolean {
                *static_cast<bool*>(data) = true;
                return G_SOURCE_REMOVE;
            },
            &late, nullptr);
        g_source_attach(timer, context.get());
        while (!condition() && !late)
            g_main_context_iteration(context.get(), TRUE);
        g_source_destroy(timer);
        g_source_unref(timer);
    }

    Ref<GMainContext> context_ = adopt(g_main_context_new());
    Ref<SoupSession> session_;
    Ref<SoupMessage> message_;
    Ref<SoupWebsocketConnection> socket_;
    std::deque<std::string> texts_;
    bool closed_ = false;
};

} // namespace sluice::test
