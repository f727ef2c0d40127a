// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/websocket.hpp"

#include "plugins/core/http_listener.hpp"
#include "plugins/core/websocket_bounds.hpp"
#include "plugins/webrtc/http_request.hpp"

namespace sluice {

namespace {

constexpr const char* protocol = "sluice.v1";
constexpr unsigned ping_seconds = 20;
// A viewer that does not read. What was sent before its last pong has arrived.
constexpr size_t max_unread_bytes = 1024 * 1024;
constexpr unsigned close_try_again = 1013; // IANA registry of WebSocket close codes

int64_t unix_now() { return g_get_real_time() / G_USEC_PER_SEC; }

// The part of an origin that says which server it is, "null": none; default ports are left out by browsers in both.
std::string_view authority(std::string_view origin) {
    const size_t scheme = origin.find("://");
    return scheme == std::string_view::npos ? "null" : origin.substr(scheme + 3);
}

} // namespace

struct WebsocketSignalling::Connection : std::enable_shared_from_this<WebsocketSignalling::Connection> {
    Ref<SoupWebsocketConnection> socket;
    std::shared_ptr<Signaller> signaller;
    std::weak_ptr<WebsocketSignalling> owner;
    std::shared_ptr<void> place;
    size_t unread = 0;
    int64_t read_at = 0; // when that was known last, monotonic microseconds

    void send(const std::string& text) {
        if (soup_websocket_connection_get_state(socket.get()) != SOUP_WEBSOCKET_STATE_OPEN)
            return;
        unread += text.size();
        if (unread > max_unread_bytes)
            return close(close_try_again, "the viewer does not read");
        soup_websocket_connection_send_text(socket.get(), text.c_str());
    }
    // Once for each ping of ours: pongs that nobody has asked for say nothing.
    void pong(int64_t now) {
        if (now - read_at < ping_seconds * G_USEC_PER_SEC / 2)
            return;
        read_at = now;
        unread = 0;
    }
    void close(unsigned code, const std::string& reason) {
        if (soup_websocket_connection_get_state(socket.get()) == SOUP_WEBSOCKET_STATE_OPEN)
            soup_websocket_connection_close(socket.get(), static_cast<gushort>(code), reason.c_str());
    }
    void closed() {
        const auto code = soup_websocket_connection_get_close_code(socket.get());
        signaller->carrier_closed(code == SOUP_WEBSOCKET_CLOSE_NORMAL || code == SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
        if (const auto o = owner.lock())
            o->connections_.erase(shared_from_this());
    }
};

struct WebsocketSignalling::Request : LateAnswer {
    Request(SoupServerMessage* m, std::shared_ptr<WebsocketSignalling> o) : LateAnswer(m), owner(std::move(o)) {
        ++owner->upgrading_;
    }
    ~Request() { --owner->upgrading_; }
    const std::shared_ptr<WebsocketSignalling> owner;
    Signaller::Client client;
    std::shared_ptr<void> place;
};

std::vector<ServedRoute> WebsocketSignalling::routes(const std::string& path) {
    if (path.empty())
        return {};
    std::string base = path;
    while (base.ends_with('/'))
        base.pop_back();
    base.insert(0, base.starts_with('/') ? "" : "/");
    const std::string first = base == "/" ? "" : base; // as handle() takes them
    return {{"GET", base, "connect", true}, {"GET", first + "/{camera}", "connect", true}};
}

std::shared_ptr<WebsocketSignalling> WebsocketSignalling::create(std::shared_ptr<HttpHost> host,
                                                                 std::shared_ptr<SessionService> service,
                                                                 std::string path, std::string origins) {
    std::shared_ptr<WebsocketSignalling> w(new WebsocketSignalling);
    w->host_ = std::move(host);
    w->service_ = std::move(service);
    while (path.ends_with('/'))
        path.pop_back();
    w->path_ = (path.starts_with('/') ? "" : "/") + path;
    w->origins_ = std::move(origins);
    return w;
}

bool WebsocketSignalling::start() {
    if (!host_->claim(path_))
        return false;
    host_->invoke([self = shared_from_this()] {
        using Self = std::shared_ptr<WebsocketSignalling>;
        soup_server_add_handler(
            self->host_->server(), self->path_.c_str(),
            +[](SoupServer*, SoupServerMessage* m, const char* path, GHashTable*, gpointer user) {
                (*static_cast<Self*>(user))->handle(m, path);
            },
            new Self(self), +[](gpointer user) { delete static_cast<Self*>(user); });
    });
    host_->settle();
    started_ = true;
    return true;
}

void WebsocketSignalling::stop(const std::string& reason) {
    if (!std::exchange(started_, false))
        return;
    host_->invoke([self = shared_from_this(), reason] {
        self->closing_ = true;
        soup_server_remove_handler(self->host_->server(), self->path_.c_str());
        const auto all = self->connections_; // closing may end one at once
        for (const auto& c : all)
            c->signaller->shut_down(reason);
    });
    host_->release(path_);
    if (!host_->own_thread())
        return;      // the application's loop sees to the rest
    host_->settle(); // what was said is written
    host_->settle();
    host_->invoke([self = shared_from_this()] {
        const auto all = std::move(self->connections_);
        self->connections_.clear();
        for (const auto& c : all)
            g_io_stream_close(soup_websocket_connection_get_io_stream(c->socket.get()), nullptr, nullptr);
    });
    host_->settle();
}

// A browser sends along what it knows of the user to whoever a page connects to: the page must be one of ours.
bool WebsocketSignalling::origin_allowed(SoupServerMessage* m) const {
    const std::string origin = request_header(m, "Origin");
    if (origin.empty() || origins_ == "*" || request_header(m, "Sec-Fetch-Site") == "same-origin")
        return true;
    if (authority(origin) == called_host(m) || from_allowed_origin(m))
        return true;
    gchar** allowed = g_strsplit(origins_.c_str(), ",", -1);
    bool found = false;
    for (gchar** a = allowed; *a && !found; ++a)
        found = *g_strstrip(*a) && origin == *a;
    g_strfreev(allowed);
    return found;
}

void WebsocketSignalling::handle(SoupServerMessage* m, const char* path) {
    if (soup_server_message_get_status(m) != 0)
        return;
    SoupMessageHeaders* headers = soup_server_message_get_response_headers(m);
    if (std::string_view(soup_server_message_get_method(m)) != "GET") {
        soup_message_headers_replace(headers, "Allow", "GET");
        return reply(m, {ErrorKind::method_not_allowed, "a WebSocket is opened with GET"});
    }
    std::string_view rest = std::string_view(path).substr(std::min(path_.size(), std::string_view(path).size()));
    const bool ours = rest.empty() || rest.starts_with('/'); // libsoup matches prefixes: /wsx comes here too
    if (rest.starts_with('/'))
        rest.remove_prefix(1);
    if (!ours || rest.find('/') != std::string_view::npos || rest.size() > 64)
        return reply(
            m, {ErrorKind::not_found, "nothing is here; signalling is at " + path_ + " or " + path_ + "/{camera}"});
    std::string asked = request_header(m, "Sec-WebSocket-Protocol");
    const char* protocols[] = {protocol, nullptr};
    GError* raw = nullptr;
    if (!soup_websocket_server_check_handshake(m, nullptr, asked.empty() ? nullptr : const_cast<char**>(protocols),
                                               nullptr, &raw)) {
        const GErrorPtr error(raw);
        soup_message_headers_replace(headers, "Upgrade", "websocket");
        return reply(m, {ErrorKind::bad_input, std::string("this is no opening of a WebSocket (protocol ") + protocol +
                                                   "): " + error->message});
    }
    if (!origin_allowed(m))
        return reply(m, {ErrorKind::forbidden, "the page comes from another origin"});
    if (closing_ || connections_.size() + upgrading_ >= max_connections)
        return reply(m, {closing_ ? ErrorKind::unavailable : ErrorKind::too_many,
                         closing_ ? "the server is shutting down"
                                  : "all " + std::to_string(max_connections) + " connections are taken"});
    const auto r = std::make_shared<Request>(m, shared_from_this());
    r->client.camera = rest;
    r->client.question = auth_question(m, "connect", r->client.camera, "");
    service_->authorize(r->client.question, [self = shared_from_this(), r](const AuthAnswer& who) {
        self->host_->invoke([self, r, who] { self->upgrade(r, who); });
    });
    r->wait();
}

void WebsocketSignalling::upgrade(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    SoupServerMessage* m = r->message();
    if (r->client_gone())
        return;
    if (!who.accepted) {
        reply(m, who.denial(), who.retry_seconds);
        return r->answered();
    }
    if (closing_) {
        reply(m, {ErrorKind::unavailable, "the server is shutting down"});
        return r->answered();
    }
    r->place =
        PeerPlaces::take(places_, who.principal + '\n' + r->client.question.peer_address, max_connections_per_peer);
    if (!r->place) {
        reply(m, {ErrorKind::too_many, "all " + std::to_string(max_connections_per_peer) +
                                           " connections of one viewer's address are taken"});
        return r->answered();
    }
    r->client.principal = who.principal;
    r->client.expires = who.expires;
    soup_message_headers_remove(soup_server_message_get_response_headers(m), "Connection");
    const char* protocols[] = {protocol, nullptr};
    const bool named = !request_header(m, "Sec-WebSocket-Protocol").empty();
    if (soup_websocket_server_process_handshake(m, nullptr, named ? const_cast<char**>(protocols) : nullptr, nullptr,
                                                nullptr)) {
        struct Held { // not the request: that holds the message
            std::shared_ptr<WebsocketSignalling> owner;
            Signaller::Client client;
            std::shared_ptr<void> place;
        };
        g_signal_connect_data(
            m, "wrote-informational", G_CALLBACK(+[](SoupServerMessage* message, gpointer data) {
                const Held held = *static_cast<Held*>(data);
                held.owner->connected(message, held.client, held.place);
            }),
            new Held{shared_from_this(), std::move(r->client), std::move(r->place)},
            +[](gpointer held, GClosure*) { delete static_cast<Held*>(held); }, GConnectFlags(0));
    }
    r->answered();
}

// The answer 101 is written: the connection is ours now.
void WebsocketSignalling::connected(SoupServerMessage* m, const Signaller::Client& client,
                                    const std::shared_ptr<void>& place) {
    const Ref<SoupServerMessage> held = ref(m);
    const Ref<GIOStream> stream = adopt(soup_server_message_steal_connection(m));
    const auto c = std::make_shared<Connection>();
    c->owner = weak_from_this();
    c->place = place;
    c->socket = adopt(soup_websocket_connection_new(
        stream.get(), soup_server_message_get_uri(m), SOUP_WEBSOCKET_CONNECTION_SERVER,
        soup_message_headers_get_one(soup_server_message_get_request_headers(m), "Origin"),
        soup_message_headers_get_one(soup_server_message_get_response_headers(m), "Sec-WebSocket-Protocol"),
        websocket_bounds(max_signal_bytes)));
    SoupWebsocketConnection* socket = c->socket.get();
    soup_websocket_connection_set_max_incoming_payload_size(socket, max_signal_bytes);
    soup_websocket_connection_set_keepalive_interval(socket, ping_seconds);

    const std::weak_ptr<Connection> weak = c;
    c->signaller = Signaller::create(service_,
                                     {.send =
                                          [weak](const std::string& text) {
                                              if (const auto connection = weak.lock())
                                                  connection->send(text);
                                          },
                                      .close =
                                          [weak](unsigned code, const std::string& reason) {
                                              if (const auto connection = weak.lock())
                                                  connection->close(code, reason);
                                          },
                                      .post =
                                          [host = std::weak_ptr(host_)](std::function<void()> f) {
                                              if (const auto h = host.lock())
                                                  h->invoke(std::move(f));
                                          }},
                                     client);

    using Held = std::weak_ptr<Connection>;
    const auto connect = [&](const char* signal, GCallback callback) {
        g_signal_connect_data(
            socket, signal, callback, new Held(c), +[](gpointer data, GClosure*) { delete static_cast<Held*>(data); },
            GConnectFlags(0));
    };
    connect("message", G_CALLBACK(+[](SoupWebsocketConnection*, int type, GBytes* bytes, gpointer data) {
                const auto connection = static_cast<Held*>(data)->lock();
                if (!connection)
                    return;
                if (type != SOUP_WEBSOCKET_DATA_TEXT)
                    return connection->close(SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, "text frames only");
                gsize size = 0;
                const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
                connection->signaller->receive({text ? text : "", size}, unix_now());
            }));
    connect("pong", G_CALLBACK(+[](SoupWebsocketConnection*, GBytes*, gpointer data) {
                if (const auto connection = static_cast<Held*>(data)->lock())
                    connection->pong(g_get_monotonic_time());
            }));
    connect("closed", G_CALLBACK(+[](SoupWebsocketConnection*, gpointer data) {
                if (const auto connection = static_cast<Held*>(data)->lock())
                    connection->closed();
            }));
    connections_.insert(c);
    if (closing_)
        return c->signaller->shut_down("the server is shutting down");
    c->signaller->start();
}

} // namespace sluice
