// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/http_listener.hpp"

#include <gio/gnetworking.h>
#include <sys/resource.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr int backlog = 1024;           // a whole branch office that reconnects at once
constexpr int accepts_at_once = 16;     // then others of the same main context have their turn
constexpr unsigned retry_ms = 100;      // after accept() failed
constexpr int unread_limit_ms = 30'000; // a client that does not take its answer
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

} // namespace

struct HttpListener::Guard {
    HttpListener* listener; // cleared when it goes
};

ConnectionTable::Limits HttpListener::default_limits() {
    rlimit files{};
    const size_t all = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY ? files.rlim_cur : 4096;
    return {.connections = std::clamp<size_t>(all / 4, 32, 4096)};
}

Result<std::unique_ptr<HttpListener>> HttpListener::open(SoupServer* server, const std::string& address, uint16_t port,
                                                         ConnectionTable::Limits limits) {
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
    return std::unique_ptr<HttpListener>(new HttpListener(server, socket, real_port, limits));
}

HttpListener::HttpListener(SoupServer* server, Ref<GSocket> socket, uint16_t port, ConnectionTable::Limits limits)
    : server_(ref(server)), socket_(std::move(socket)), port_(port), table_(limits),
      guard_(std::make_shared<Guard>(Guard{this})) {
    handlers_[0] = g_signal_connect(
        server, "request-started",
        G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer) { // as it does without a listener of its own
            soup_message_headers_replace(soup_server_message_get_response_headers(m), "Connection", "close");
        }),
        nullptr);
    handlers_[1] =
        g_signal_connect(server, "request-read", G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer self) {
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
    const Ref<GSocketAddress> remote = adopt(g_socket_get_remote_address(socket.get(), nullptr));
    const Ref<GSocketAddress> local = adopt(g_socket_get_local_address(socket.get(), nullptr));
    if (!remote || !local)
        return true; // has gone already
    const GString8 address(
        g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote.get()))));
    const ConnectionTable::Admission admission = table_.admit(address.get(), now());
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
    soup_server_accept_iostream(server_.get(), G_IO_STREAM(connection.get()), local.get(), remote.get(), nullptr);
    schedule();
    return true;
}

ConnectionTable::Id HttpListener::id_of(SoupServerMessage* message) {
    GSocketAddress* remote = soup_server_message_get_remote_address(message);
    return remote ? GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(remote), id_key)) : 0;
}

// Not closed: libsoup reads from it. It sees the end and drops the connection itself.
void HttpListener::shut(ConnectionTable::Id id) {
    table_.gone(id);
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
    char byte = 0;
    const ssize_t got = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void cut_off(SoupServerMessage* message) {
    if (GSocket* socket = socket_of(message))
        g_socket_shutdown(socket, TRUE, TRUE, nullptr);
}

} // namespace sluice
