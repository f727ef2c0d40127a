// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/go2rtc_sockets.hpp"

#include "launcher/http/go2rtc_talk.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/socket_reader.hpp"
#include "plugins/core/websocket_bounds.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace sluice {

using std::chrono::steady_clock;

namespace {

constexpr size_t max_unread = 1 << 20; // bytes since the last pong

} // namespace

struct Go2rtcSockets::Socket {
    AuthDecision who;
    std::string peer;
    Ref<SoupWebsocketConnection> connection; // nothing: the answer is on its way
    std::shared_ptr<SignalLink> link;
    std::unique_ptr<Go2rtcTalk> talk;
    SocketReader reader;
    std::string refused; // the right ended before the socket was there

    bool open() const {
        return connection && soup_websocket_connection_get_state(connection.get()) == SOUP_WEBSOCKET_STATE_OPEN;
    }
    void close(unsigned code, const std::string& reason) {
        if (open()) // a close frame has room for so much
            soup_websocket_connection_close(connection.get(), static_cast<gushort>(code),
                                            reason.substr(0, 120).c_str());
    }
    void send(const Json& message) {
        if (!open())
            return;
        const std::string text = dump(message);
        if (!reader.sent(text.size(), max_unread))
            close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "the client does not read");
        else
            soup_websocket_connection_send_text(connection.get(), text.c_str());
    }
};

Go2rtcSockets::~Go2rtcSockets() {
    g_clear_handle_id(&regular_, g_source_remove);
    *self_ = nullptr;
}

void Go2rtcSockets::upgrade(const ApiCall& call) {
    SoupServerMessage* message = call.message;
    const auto busy = [&](size_t limit, const char* whose) {
        set_header(message, "Retry-After", "10");
        respond_problem(message, ErrorKind::too_many,
                        "all " + std::to_string(limit) + " connections of " + whose + " are taken");
    };
    if (request_method(message) != "GET") {
        set_header(message, "Allow", "GET");
        return respond_problem(message, ErrorKind::method_not_allowed, "allowed here: GET");
    }
    GError* raw = nullptr;
    if (!soup_websocket_server_check_handshake(message, nullptr, nullptr, nullptr, &raw)) {
        const GErrorPtr error(raw);
        set_header(message, "Upgrade", "websocket");
        return respond_problem(message, ErrorKind::bad_input,
                               std::string("a WebSocket is served here: ") + error->message);
    }
    const auto socket = std::make_shared<Socket>();
    socket->who = call.who;
    socket->peer = peer_address(message);
    const auto same = static_cast<size_t>(std::count_if(sockets_.begin(), sockets_.end(), [&](const SocketPtr& s) {
        return s->who.principal == call.who.principal && s->peer == socket->peer;
    }));
    if (sockets_.size() >= max_sockets)
        return busy(max_sockets, "players");
    if (same >= max_sockets_per_peer)
        return busy(max_sockets_per_peer, "one address");
    socket->link = open_(call);
    if (!socket->link)
        return respond_problem(message, ErrorKind::unavailable, "the server is closing");
    // A socket is only held by the list: what its callbacks hold must not keep it.
    const std::weak_ptr<Socket> weak = socket;
    socket->talk = std::make_unique<Go2rtcTalk>(go2rtc_source(call.query, "src"),
                                                Go2rtcTalk::Out{.to_player =
                                                                    [weak](const Json& text) {
                                                                        if (const auto s = weak.lock())
                                                                            s->send(text);
                                                                    },
                                                                .to_server =
                                                                    [weak](const Json& text) {
                                                                        if (const auto s = weak.lock())
                                                                            s->link->say(text);
                                                                    },
                                                                .close =
                                                                    [weak](unsigned code, const std::string& reason) {
                                                                        if (const auto s = weak.lock())
                                                                            s->close(code, reason);
                                                                    }});
    socket->link->on_message = [weak](const Json& text) {
        if (const auto s = weak.lock())
            s->talk->from_server(text);
    };
    socket->link->on_close = [weak] {
        if (const auto s = weak.lock())
            s->close(SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "the server is shutting down");
    };
    // Would contradict "Connection: Upgrade", see close_after_answer().
    soup_message_headers_remove(soup_server_message_get_response_headers(message), "Connection");
    soup_websocket_server_process_handshake(message, nullptr, nullptr, nullptr, nullptr);
    sockets_.push_back(socket);
    struct Held { // lets go of a socket that never came to be
        std::weak_ptr<Go2rtcSockets*> owner;
        std::weak_ptr<Socket> socket;
        ~Held() {
            const auto o = owner.lock();
            const auto s = socket.lock();
            if (o && *o && s && !s->connection)
                (*o)->gone(*s);
        }
    };
    g_signal_connect_data(
        message, "wrote-informational", G_CALLBACK(+[](SoupServerMessage* m, gpointer data) {
            const auto* held = static_cast<Held*>(data);
            const auto owner = held->owner.lock();
            const SocketPtr s = held->socket.lock();
            if (owner && *owner && s && !s->connection)
                (*owner)->adopt_connection(m, s);
        }),
        new Held{self_, socket}, [](gpointer data, GClosure*) { delete static_cast<Held*>(data); }, GConnectFlags(0));
}

void Go2rtcSockets::adopt_connection(SoupServerMessage* message, const SocketPtr& socket) {
    const Ref<SoupServerMessage> held = ref(message); // the server lets go of it
    const Ref<GIOStream> stream = adopt(soup_server_message_steal_connection(message));
    if (!stream)
        return;
    socket->reader.begin(steady_clock::now());
    socket->connection = adopt(soup_websocket_connection_new(stream.get(), soup_server_message_get_uri(message),
                                                             SOUP_WEBSOCKET_CONNECTION_SERVER, nullptr, nullptr,
                                                             websocket_bounds(max_message)));
    SoupWebsocketConnection* connection = socket->connection.get();
    soup_websocket_connection_set_max_incoming_payload_size(connection, max_message);
    soup_websocket_connection_set_keepalive_interval(connection, SocketReader::ping_seconds);
    struct Held {
        std::weak_ptr<Go2rtcSockets*> owner;
        std::weak_ptr<Socket> socket;
    };
    const auto connect = [&](const char* signal, GCallback callback) {
        g_signal_connect_data(
            connection, signal, callback, new Held{self_, socket},
            [](gpointer data, GClosure*) { delete static_cast<Held*>(data); }, GConnectFlags(0));
    };
    connect("message", G_CALLBACK(+[](SoupWebsocketConnection*, int type, GBytes* bytes, gpointer data) {
                const SocketPtr s = static_cast<Held*>(data)->socket.lock();
                if (!s)
                    return;
                if (type != SOUP_WEBSOCKET_DATA_TEXT)
                    return s->close(SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, "text frames only");
                if (s->who.expires != 0 && s->who.expires <= std::time(nullptr))
                    return s->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "the permission has expired");
                gsize size = 0;
                const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
                s->talk->from_player({text ? text : "", size});
            }));
    connect("pong", G_CALLBACK(+[](SoupWebsocketConnection*, GBytes*, gpointer data) {
                if (const SocketPtr s = static_cast<Held*>(data)->socket.lock())
                    s->reader.pong(steady_clock::now());
            }));
    connect("closed", G_CALLBACK(+[](SoupWebsocketConnection* c, gpointer data) {
                const auto* h = static_cast<Held*>(data);
                const SocketPtr s = h->socket.lock();
                const auto owner = h->owner.lock();
                if (!s)
                    return;
                // Players close the socket as soon as they play, and go on playing; only a page that is left says 1001.
                if (soup_websocket_connection_get_close_code(c) == SOUP_WEBSOCKET_CLOSE_GOING_AWAY)
                    s->link->leave();
                if (owner && *owner)
                    (*owner)->gone(*s);
            }));
    if (!socket->refused.empty())
        return socket->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, socket->refused);
    if (!regular_)
        regular_ = g_timeout_add_seconds(
            2,
            [](gpointer self) -> gboolean {
                static_cast<Go2rtcSockets*>(self)->housekeeping();
                return G_SOURCE_CONTINUE;
            },
            this);
}

void Go2rtcSockets::gone(const Socket& socket) {
    sockets_.remove_if([&](const SocketPtr& s) { return s.get() == &socket; });
    if (sockets_.empty())
        g_clear_handle_id(&regular_, g_source_remove);
}

void Go2rtcSockets::housekeeping() {
    const auto now = steady_clock::now();
    const int64_t today = std::time(nullptr);
    const auto all = sockets_; // closing may end one at once
    for (const SocketPtr& s : all) {
        if (!s->open())
            continue;
        if (s->who.expires != 0 && s->who.expires <= today)
            s->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "the permission has expired");
        else if (s->reader.silent(now))
            s->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "the client does not read");
    }
}

void Go2rtcSockets::close_if(const std::function<bool(const AuthDecision&)>& ended, const char* why) {
    const auto all = sockets_;
    for (const SocketPtr& s : all)
        if (ended(s->who)) {
            s->refused = why;
            s->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, why);
        }
}

void Go2rtcSockets::close_login(const std::string& session) {
    close_if([&](const AuthDecision& who) { return who.session == session; }, "the login has ended");
}

void Go2rtcSockets::close_principal(const std::string& principal) {
    close_if([&](const AuthDecision& who) { return who.principal == principal; }, "the credentials have changed");
}

} // namespace sluice
