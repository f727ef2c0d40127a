// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/http_listener.hpp"

#include "plugins/core/http_message.hpp"
#include "plugins/core/tls_stream.hpp"

#include <gio/gnetworking.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <string_view>

namespace sluice {

namespace {

constexpr int backlog = 1024;           // a whole branch office that reconnects at once
constexpr int accepts_at_once = 64;     // then others of the same main context have their turn
constexpr unsigned retry_ms = 100;      // after accept() failed
constexpr int unread_limit_ms = 30'000; // a client that does not take its answer
// Whoever sends more is cut off. What a handler has refused before libsoup reads on to the end otherwise.
constexpr size_t body_limit = 1024 * 1024;
// On the remote address, which libsoup gives back with each message.
constexpr const char* id_key = "sluice-connection";
constexpr const char* socket_key = "sluice-socket";

ConnectionTable::Time now() { return std::chrono::microseconds(g_get_monotonic_time()); }

void remove(GSource*& source) {
    if (!source)
        return;
    g_source_destroy(source);
    g_source_unref(source);
    source = nullptr;
}

template <typename F> GSource* attach(GSource* source, F* function, gpointer data) {
    g_source_set_callback(source, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(function)), data, nullptr);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}

enum class FirstWords { none, tls, plain, gone };

FirstWords first_words(GSocket* socket) {
    constexpr unsigned char handshake = 22; // RFC 8446 section 5.1
    unsigned char byte = 0;
    const ssize_t got = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return FirstWords::none;
    if (got <= 0)
        return FirstWords::gone;
    if (byte == handshake)
        return FirstWords::tls;
    return g_ascii_isupper(static_cast<char>(byte)) ? FirstWords::plain : FirstWords::gone;
}

// Not a redirect: whatever sent a password in clear text should be noticed, not helped along.
void say_that_tls_is_needed(GSocket* socket) {
    constexpr std::string_view answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Length: 55\r\nConnection: close\r\n\r\n"
                                        "This port speaks TLS: open https:// instead of http://\n";
    static_assert(answer.size() - answer.find("This") == 55);
    const int fd = g_socket_get_fd(socket);
    char request[16384]; // what stays unread would make the answer be lost
    [[maybe_unused]] const ssize_t read = recv(fd, request, sizeof request, MSG_DONTWAIT);
    [[maybe_unused]] const ssize_t sent = send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
}

} // namespace

struct HttpListener::Guard {
    HttpListener* listener; // cleared when it goes
};

// A client that has not yet agreed on keys. Bounded as any that has not sent a whole request.
struct HttpListener::Handshake {
    Ref<GSocketConnection> connection;
    Ref<GSocketAddress> remote;
    std::shared_ptr<TlsSession> session; // none: nothing has come yet
    GSource* ready = nullptr;
    ~Handshake() {
        remove(ready);
        if (connection) // has not become anything
            g_io_stream_close(G_IO_STREAM(connection.get()), nullptr, nullptr);
    }

    GSocket* socket() const { return g_socket_connection_get_socket(connection.get()); }
};

ConnectionTable::Limits HttpListener::default_limits() {
    rlimit files{};
    const size_t all = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY ? files.rlim_cur : 4096;
    return {.connections = std::clamp<size_t>(all / 4, 32, 2048)}; // the more, the slower each turn of the main loop
}

Result<std::unique_ptr<HttpListener>> HttpListener::open(SoupServer* server, const std::string& address, uint16_t port,
                                                         ConnectionTable::Limits limits) {
    return open(server, address, port, Settings{.limits = limits});
}

Result<std::unique_ptr<HttpListener>> HttpListener::open(SoupServer* server, const std::string& address, uint16_t port,
                                                         Settings settings) {
    auto proxies = AddressList::parse(settings.trusted_proxies);
    if (!proxies)
        return proxies.error();
    const std::string where =
        (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + std::to_string(port);
    const Ref<GSocketAddress> wanted = adopt(g_inet_socket_address_new_from_string(address.c_str(), port));
    if (!wanted)
        return Error{ErrorKind::bad_config,
                     "address '" + address + "' is not an IP address (\"0.0.0.0\", \"::\", \"127.0.0.1\")"};
    GError* raw = nullptr;
    const Ref<GSocket> socket = adopt(
        g_socket_new(g_socket_address_get_family(wanted.get()), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &raw));
    bool ok = bool(socket);
    if (ok) {
        g_socket_set_listen_backlog(socket.get(), backlog);
        g_socket_set_blocking(socket.get(), FALSE);
        ok = g_socket_bind(socket.get(), wanted.get(), TRUE, &raw) && g_socket_listen(socket.get(), &raw);
    }
    const Ref<GSocketAddress> real = ok ? adopt(g_socket_get_local_address(socket.get(), &raw)) : nullptr;
    if (!real) {
        const GErrorPtr error(raw);
        if (g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
            return Error{ErrorKind::busy, "cannot listen: " + where + " is in use by another program"};
        return Error{ErrorKind::unavailable, "cannot listen on " + where + ": " + error->message};
    }
    const uint16_t real_port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(real.get()));
    return std::unique_ptr<HttpListener>(
        new HttpListener(server, socket, real_port, std::move(settings), std::move(proxies).value()));
}

HttpListener::HttpListener(SoupServer* server, Ref<GSocket> socket, uint16_t port, Settings settings,
                           AddressList proxies)
    : server_(ref(server)), socket_(std::move(socket)), port_(port), settings_(std::move(settings)),
      proxies_(std::move(proxies)), table_(settings_.limits), guard_(std::make_shared<Guard>(Guard{this})) {
    handlers_[0] = g_signal_connect(
        server, "request-started",
        G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer) { // as it does without a listener of its own
            soup_message_headers_replace(soup_server_message_get_response_headers(m), "Connection", "close");
            g_signal_connect_data(
                m, "got-chunk", G_CALLBACK(+[](SoupServerMessage* message, GBytes* chunk, gpointer data) {
                    if (auto* left = static_cast<size_t*>(data); *left >= g_bytes_get_size(chunk))
                        *left -= g_bytes_get_size(chunk);
                    else
                        cut_off(message);
                }),
                new size_t(body_limit), +[](gpointer data, GClosure*) { delete static_cast<size_t*>(data); },
                GConnectFlags(0));
        }),
        nullptr);
    handlers_[1] =
        g_signal_connect(server, "request-read", G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer self) {
                             // Whoever answers sends the whole: libsoup would make 12 MB of one small file for a
                             // header that asks for it often enough, and lets numbers overflow.
                             soup_message_headers_remove(soup_server_message_get_request_headers(m), "Range");
                             static_cast<HttpListener*>(self)->table_.request_read(id_of(m));
                         }),
                         this);
    const auto answered = +[](SoupServer*, SoupServerMessage* m, gpointer data) {
        auto* self = static_cast<HttpListener*>(data);
        self->table_.answered(id_of(m), now());
        self->schedule();
    };
    handlers_[2] = g_signal_connect(server, "request-finished", G_CALLBACK(answered), this);
    handlers_[3] = g_signal_connect(server, "request-aborted", G_CALLBACK(answered), this);
    watch();
}

HttpListener::~HttpListener() {
    guard_->listener = nullptr;
    for (const gulong handler : handlers_)
        g_signal_handler_disconnect(server_.get(), handler);
    remove(ready_);
    remove(retry_);
    remove(deadline_);
    handshakes_.clear();
    g_socket_close(socket_.get(), nullptr);
}

void HttpListener::watch() {
    ready_ = attach(
        g_socket_create_source(socket_.get(), G_IO_IN, nullptr),
        +[](GSocket*, GIOCondition, gpointer self) -> gboolean {
            static_cast<HttpListener*>(self)->accept_some();
            return G_SOURCE_CONTINUE; // unless pause() has destroyed it
        },
        this);
}

void HttpListener::accept_some() {
    for (int i = 0; i < accepts_at_once; ++i) {
        GError* raw = nullptr;
        const Ref<GSocket> socket = adopt(g_socket_accept(socket_.get(), nullptr, &raw));
        const GErrorPtr error(raw);
        if (!socket) {
            if (!g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                pause();
            return;
        }
        if (!admit(socket))
            return;
    }
}

// Out of descriptors, most likely: the socket would stay ready and accept() fail again and again.
void HttpListener::pause() {
    if (const auto oldest = table_.oldest_waiting())
        shut(*oldest);
    remove(ready_);
    retry_ = attach(
        g_timeout_source_new(retry_ms),
        +[](gpointer data) -> gboolean {
            auto* self = static_cast<HttpListener*>(data);
            remove(self->retry_);
            self->watch();
            return G_SOURCE_REMOVE;
        },
        this);
}

bool HttpListener::admit(const Ref<GSocket>& socket) {
    const Ref<GSocketAddress> theirs = adopt(g_socket_get_remote_address(socket.get(), nullptr));
    if (!theirs)
        return true; // has gone already
    auto* inet = G_INET_SOCKET_ADDRESS(theirs.get());
    // One of our own: the socket keeps the one it gave, which must not keep the socket in turn.
    const Ref<GSocketAddress> remote =
        adopt(g_inet_socket_address_new(g_inet_socket_address_get_address(inet), g_inet_socket_address_get_port(inet)));
    const GString8 address(g_inet_address_to_string(g_inet_socket_address_get_address(inet)));
    const bool proxy = proxies_.contains(address.get());
    const ConnectionTable::Admission admission = table_.admit(address.get(), now(), proxy);
    if (admission.evicted)
        shut(*admission.evicted);
    if (!admission.id)
        return true; // dropping the socket closes it
    const ConnectionTable::Id id = *admission.id;

    g_socket_set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1, nullptr);
    g_socket_set_keepalive(socket.get(), TRUE);
#ifdef TCP_USER_TIMEOUT
    g_socket_set_option(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, unread_limit_ms, nullptr);
#endif
    const Ref<GSocketConnection> connection = adopt(g_socket_connection_factory_create_connection(socket.get()));
    struct Gone {
        std::weak_ptr<Guard> guard;
        ConnectionTable::Id id;
    };
    g_object_weak_ref(
        G_OBJECT(connection.get()),
        +[](gpointer data, GObject*) {
            const std::unique_ptr<Gone> gone(static_cast<Gone*>(data));
            const auto guard = gone->guard.lock();
            if (!guard || !guard->listener)
                return;
            guard->listener->open_.erase(gone->id);
            guard->listener->table_.gone(gone->id);
        },
        new Gone{guard_, id});
    open_.emplace(id, connection.get());
    g_object_set_data(G_OBJECT(remote.get()), id_key, GSIZE_TO_POINTER(id));
    g_object_set_data_full(G_OBJECT(remote.get()), socket_key, g_object_ref(socket.get()), g_object_unref);
    const auto say = [&](const char* key, const std::string& text) {
        if (!text.empty())
            g_object_set_data_full(G_OBJECT(remote.get()), key, g_strdup(text.c_str()), g_free);
    };
    if (proxy) {
        say(connection_data::trusted_proxies, settings_.trusted_proxies);
        say(connection_data::path_prefix, settings_.path_prefix);
    }
    say(connection_data::allowed_origins, settings_.allowed_origins);
    if (settings_.tls)
        begin_handshake(id, connection.get(), remote.get());
    else
        hand_over(G_IO_STREAM(connection.get()), connection.get(), remote.get());
    schedule();
    return true;
}

void HttpListener::hand_over(GIOStream* stream, GSocketConnection* connection, GSocketAddress* remote) {
    const Ref<GSocketAddress> local = adopt(g_socket_connection_get_local_address(connection, nullptr));
    if (local)
        soup_server_accept_iostream(server_.get(), stream, local.get(), remote, nullptr);
}

void HttpListener::begin_handshake(ConnectionTable::Id id, GSocketConnection* connection, GSocketAddress* remote) {
    auto made = std::make_unique<Handshake>();
    made->connection = ref(connection);
    made->remote = ref(remote);
    g_object_set_data(G_OBJECT(remote), connection_data::tls, const_cast<char*>("yes"));
    g_socket_set_blocking(made->socket(), FALSE);
    handshakes_.emplace(id, std::move(made));
    go_on(id); // most have sent their first words by now
}

void HttpListener::go_on(ConnectionTable::Id id) {
    const auto it = handshakes_.find(id);
    if (it == handshakes_.end())
        return;
    Handshake& h = *it->second;
    remove(h.ready);
    TlsSession::Moved step{TlsSession::State::read, 0, {}};
    if (!h.session) {
        switch (first_words(h.socket())) {
        case FirstWords::none: break;
        case FirstWords::tls: h.session = settings_.tls->accept(g_socket_get_fd(h.socket())); break;
        case FirstWords::plain: say_that_tls_is_needed(h.socket()); [[fallthrough]];
        case FirstWords::gone: handshakes_.erase(it); return;
        }
    }
    if (h.session)
        step = h.session->handshake();
    if (step.state == TlsSession::State::failed) {
        handshakes_.erase(it);
        return;
    }
    if (step.state == TlsSession::State::done) {
        const std::unique_ptr<Handshake> done = std::move(it->second);
        handshakes_.erase(it);
        const Ref<GSocketConnection> connection = std::move(done->connection);
        const Ref<GIOStream> stream = make_tls_stream(connection.get(), std::move(done->session));
        hand_over(stream.get(), connection.get(), done->remote.get());
        return;
    }
    struct Whose {
        HttpListener* listener;
        ConnectionTable::Id id;
    };
    h.ready = g_socket_create_source(h.socket(), step.state == TlsSession::State::read ? G_IO_IN : G_IO_OUT, nullptr);
    const auto ready = +[](GSocket*, GIOCondition, gpointer data) -> gboolean {
        const Whose whose = *static_cast<Whose*>(data);
        whose.listener->go_on(whose.id); // which has another source, or none
        return G_SOURCE_REMOVE;
    };
    g_source_set_callback(
        h.ready, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(ready)), new Whose{this, id},
        +[](gpointer data) { delete static_cast<Whose*>(data); });
    g_source_attach(h.ready, g_main_context_get_thread_default());
}

ConnectionTable::Id HttpListener::id_of(SoupServerMessage* message) {
    GSocketAddress* remote = soup_server_message_get_remote_address(message);
    return remote ? GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(remote), id_key)) : 0;
}

// Not closed: libsoup reads from it. It sees the end and drops the connection itself.
void HttpListener::shut(ConnectionTable::Id id) {
    table_.gone(id);
    handshakes_.erase(id);
    const auto it = open_.find(id);
    if (it == open_.end())
        return;
    const Ref<GSocket> socket = ref(g_socket_connection_get_socket(it->second));
    open_.erase(it);
    g_socket_shutdown(socket.get(), TRUE, TRUE, nullptr);
}

void HttpListener::close_overdue() {
    for (const ConnectionTable::Id id : table_.overdue(now()))
        shut(id);
    schedule();
}

void HttpListener::schedule() {
    const auto next = table_.next_deadline();
    if (!next) {
        remove(deadline_);
        return;
    }
    if (!deadline_) {
        static GSourceFuncs at_ready_time = {
            .dispatch = +[](GSource*, GSourceFunc function, gpointer self) { return function(self); }};
        deadline_ = attach(
            g_source_new(&at_ready_time, sizeof(GSource)),
            +[](gpointer self) -> gboolean {
                static_cast<HttpListener*>(self)->close_overdue();
                return G_SOURCE_CONTINUE;
            },
            this);
    }
    g_source_set_ready_time(deadline_, std::chrono::ceil<std::chrono::microseconds>(*next).count());
}

void close_after_answer(SoupServerMessage* message) {
    static const bool needed = !soup_check_version(3, 3, 0);
    if (needed)
        soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection", "close");
}

namespace {

GSocket* socket_of(SoupServerMessage* message) {
    GSocket* socket = soup_server_message_get_socket(message); // none of a connection that we accepted
    GSocketAddress* remote = soup_server_message_get_remote_address(message);
    if (!socket && remote)
        socket = static_cast<GSocket*>(g_object_get_data(G_OBJECT(remote), socket_key));
    return socket;
}

} // namespace

bool has_hung_up(SoupServerMessage* message) {
    GSocket* socket = socket_of(message);
    if (!socket)
        return false;
    pollfd what{g_socket_get_fd(socket), POLLRDHUP, 0}; // also behind the goodbye of TLS, which is still to be read
    return poll(&what, 1, 0) > 0 && (what.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void cut_off(SoupServerMessage* message) {
    if (GSocket* socket = socket_of(message))
        g_socket_shutdown(socket, TRUE, TRUE, nullptr);
}

} // namespace sluice
