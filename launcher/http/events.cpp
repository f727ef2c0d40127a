// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/events.hpp"

#include "launcher/http/api_json.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/socket_reader.hpp"
#include "plugins/core/websocket_bounds.hpp"

#include <algorithm>
#include <ctime>

namespace sluice {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr const char* protocol = "sluice.events.v1";
// 1013 would say it better, but libsoup makes 1002 of every code below 3000 that it does not know.
constexpr const char* does_not_read = "the client does not read";
constexpr const char* login_ended = "the login has ended";
constexpr size_t max_sockets = 64;
constexpr auto least_pause = 250ms; // between two comparisons
constexpr auto numbers_every = 2s;
constexpr size_t max_incoming = 1024;   // nothing is expected from clients
constexpr size_t least_queue = 1 << 20; // bytes since the last pong, and for large fleets...
constexpr size_t lists_in_queue = 32;   // ... so many whole lists

} // namespace

struct Events::Socket {
    Events* owner = nullptr;
    Ref<SoupWebsocketConnection> connection;
    Visitor who;
    SocketReader reader;
    size_t allowed = least_queue;
    Time said;

    bool open() const { return soup_websocket_connection_get_state(connection.get()) == SOUP_WEBSOCKET_STATE_OPEN; }
    void close(unsigned short code, const std::string& reason) {
        if (open())
            soup_websocket_connection_close(connection.get(), code, reason.c_str());
    }
};

struct Events::Pending {
    std::weak_ptr<Events*> owner;
    Visitor who;
    std::string refused; // the right ended before the socket was there
};

Events::Events(std::function<Json()> cameras) : cameras_(std::move(cameras)), self_(std::make_shared<Events*>(this)) {}

Events::~Events() {
    g_clear_handle_id(&soon_, g_source_remove);
    g_clear_handle_id(&regular_, g_source_remove);
    for (const auto& socket : sockets_)
        g_signal_handlers_disconnect_by_data(socket->connection.get(), socket.get());
}

void Events::upgrade(SoupServerMessage* message, const Visitor& who) {
    if (request_method(message) != "GET") {
        set_header(message, "Allow", "GET");
        respond_problem(message, ErrorKind::method_not_allowed, "allowed here: GET");
        return;
    }
    char* protocols[] = {const_cast<char*>(protocol), nullptr};
    GError* raw = nullptr;
    if (!soup_websocket_server_check_handshake(message, nullptr, protocols, nullptr, &raw)) {
        const GErrorPtr error(raw);
        respond_problem(message, ErrorKind::bad_input,
                        std::string("a WebSocket with the protocol ") + protocol +
                            " is served here: " + error->message);
        return;
    }
    std::erase_if(upgrading_, [](const auto& pending) { return pending.expired(); });
    if (sockets_.size() + upgrading_.size() >= max_sockets) {
        set_header(message, "Retry-After", "10");
        respond_problem(message, ErrorKind::too_many,
                        "too many pages are connected; allowed are " + std::to_string(max_sockets));
        return;
    }
    // Would contradict "Connection: Upgrade", see close_after_answer().
    soup_message_headers_remove(soup_server_message_get_response_headers(message), "Connection");
    soup_websocket_server_process_handshake(message, nullptr, protocols, nullptr, nullptr);
    using Holder = std::shared_ptr<Pending>;
    auto* holder = new Holder(std::make_shared<Pending>(Pending{self_, who, {}}));
    upgrading_.push_back(*holder);
    g_signal_connect_data(
        message, "wrote-informational", G_CALLBACK(+[](SoupServerMessage* m, gpointer data) {
            const Holder pending = std::move(*static_cast<Holder*>(data));
            if (const auto owner = pending ? pending->owner.lock() : nullptr)
                (*owner)->adopt_connection(m, *pending);
        }),
        holder, [](gpointer data, GClosure*) { delete static_cast<Holder*>(data); }, GConnectFlags(0));
}

void Events::adopt_connection(SoupServerMessage* message, const Pending& pending) {
    const Ref<SoupServerMessage> held = ref(message); // the server lets go of it
    const Ref<GIOStream> stream = adopt(soup_server_message_steal_connection(message));
    if (!stream)
        return;
    auto made = std::make_unique<Socket>();
    Socket& socket = *made;
    socket.owner = this;
    socket.who = pending.who;
    socket.said = steady_clock::now();
    socket.reader.begin(socket.said);
    socket.connection = adopt(soup_websocket_connection_new(stream.get(), soup_server_message_get_uri(message),
                                                            SOUP_WEBSOCKET_CONNECTION_SERVER, nullptr, protocol,
                                                            websocket_bounds(max_incoming)));
    SoupWebsocketConnection* connection = socket.connection.get();
    soup_websocket_connection_set_max_incoming_payload_size(connection, max_incoming);
    soup_websocket_connection_set_keepalive_interval(connection, SocketReader::ping_seconds);
    g_signal_connect(connection, "closed", G_CALLBACK(+[](SoupWebsocketConnection*, gpointer data) {
                         auto* s = static_cast<Socket*>(data);
                         s->owner->gone(*s);
                     }),
                     &socket);
    g_signal_connect(connection, "pong", G_CALLBACK(+[](SoupWebsocketConnection*, GBytes*, gpointer data) {
                         static_cast<Socket*>(data)->reader.pong(steady_clock::now());
                     }),
                     &socket);
    g_signal_connect(connection, "message", G_CALLBACK(+[](SoupWebsocketConnection*, int, GBytes*, gpointer data) {
                         static_cast<Socket*>(data)->close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION,
                                                           "nothing is expected from clients here");
                     }),
                     &socket);
    // Whoever is connected already must not miss what this comparison finds.
    if (sockets_.empty()) {
        latest_ = cameras_();
        news_ = {};
        news_.update(latest_, true);
        told_at_ = steady_clock::now();
    } else if (steady_clock::now() - told_at_ >= least_pause) {
        tell(true);
    }
    sockets_.push_back(std::move(made));
    if (!pending.refused.empty()) {
        socket.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, pending.refused);
        return;
    }
    send_list(socket);
    if (!regular_)
        regular_ = g_timeout_add(
            static_cast<guint>(std::chrono::milliseconds(numbers_every).count()),
            [](gpointer self) -> gboolean {
                static_cast<Events*>(self)->housekeeping();
                return G_SOURCE_CONTINUE;
            },
            this);
}

void Events::gone(Socket& socket) {
    g_signal_handlers_disconnect_by_data(socket.connection.get(), &socket);
    sockets_.remove_if([&](const auto& s) { return s.get() == &socket; });
    if (!sockets_.empty())
        return;
    g_clear_handle_id(&soon_, g_source_remove);
    g_clear_handle_id(&regular_, g_source_remove);
}

// A socket may go while something is done with it.
void Events::each(const std::function<void(Socket&)>& act) {
    for (auto it = sockets_.begin(); it != sockets_.end();)
        act(**it++);
}

void Events::send(Socket& socket, const std::string& text) {
    if (!socket.open())
        return;
    socket.said = steady_clock::now();
    if (!socket.reader.sent(text.size(), socket.allowed))
        socket.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, does_not_read);
    else
        soup_websocket_connection_send_text(socket.connection.get(), text.c_str());
}

void Events::send_list(Socket& socket) {
    const std::string list = dump(Json{{"type", "cameras"}, {"cameras", seen_by(socket.who.rights, latest_)}});
    socket.allowed = std::max(least_queue, lists_in_queue * list.size());
    send(socket, list);
}

void Events::tell(bool numbers) {
    g_clear_handle_id(&soon_, g_source_remove);
    told_at_ = steady_clock::now();
    latest_ = cameras_();
    for (const Json& message : news_.update(latest_, numbers)) {
        const std::string text = dump(message);
        const Json& name = message.contains("camera") ? message["camera"]["name"] : message["name"];
        each([&](Socket& socket) {
            if (socket.who.rights.sees(name.get_ref<const std::string&>()))
                send(socket, text);
        });
    }
}

void Events::changed() {
    if (sockets_.empty() || soon_)
        return;
    // Also the first time a moment later: this is called in the middle of what changes.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(told_at_ + least_pause - steady_clock::now());
    soon_ = g_timeout_add(
        static_cast<guint>(std::max<int64_t>(wait.count(), 0)),
        [](gpointer data) -> gboolean {
            auto* self = static_cast<Events*>(data);
            self->soon_ = 0;
            self->tell(false);
            return G_SOURCE_REMOVE;
        },
        this);
}

void Events::housekeeping() {
    tell(true);
    const auto now = steady_clock::now();
    const int64_t today = std::time(nullptr);
    each([&](Socket& socket) {
        if (socket.who.expires != 0 && socket.who.expires <= today)
            socket.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, login_ended);
        else if (socket.reader.silent(now))
            socket.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, does_not_read);
        else if (now - socket.said >= std::chrono::seconds(SocketReader::ping_seconds))
            send(socket, R"({"type":"alive"})"); // pages do not see pings
    });
}

void Events::close_if(const std::function<bool(const Visitor&)>& ended, const char* why) {
    for (const auto& weak : upgrading_)
        if (const auto pending = weak.lock(); pending && ended(pending->who))
            pending->refused = why;
    each([&](Socket& socket) {
        if (ended(socket.who))
            socket.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, why);
    });
}

void Events::close_login(const std::string& session) {
    close_if([&](const Visitor& who) { return who.session == session; }, login_ended);
}

void Events::close_principal(const std::string& principal) {
    close_if([&](const Visitor& who) { return who.principal == principal; }, "the credentials have changed");
}

void Events::widen(const std::string& principal, const Rights& rights) {
    for (const auto& weak : upgrading_)
        if (const auto pending = weak.lock(); pending && pending->who.principal == principal)
            pending->who.rights = rights;
    each([&](Socket& socket) {
        if (socket.who.principal != principal)
            return;
        socket.who.rights = rights;
        send_list(socket);
    });
}

void Events::going_away() {
    if (sockets_.empty())
        return;
    each([&](Socket& socket) { send(socket, R"({"type":"going-away"})"); });
    each([&](Socket& socket) { socket.close(SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "the server is about to end"); });
    bool late = false;
    const guint limit = g_timeout_add(
        300,
        [](gpointer data) -> gboolean {
            *static_cast<bool*>(data) = true;
            return G_SOURCE_CONTINUE;
        },
        &late);
    while (!late && !sockets_.empty())
        g_main_context_iteration(nullptr, TRUE);
    g_source_remove(limit);
}

} // namespace sluice
