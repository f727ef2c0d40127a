// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/tcp_probe.hpp"

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <memory>

namespace sluice::doctor {

namespace {

constexpr int small_segment = 500;
constexpr size_t padding = 3000; // two packets of Ethernet's size, and below what proxies allow for a header
constexpr double seconds = 5;
constexpr double goodbye_seconds = 1;
constexpr size_t whole_answer = 4000; // bytes: no single packet

// One request on a connection of its own; each step starts the next.
struct Exchange : std::enable_shared_from_this<Exchange> {
    using Held = std::shared_ptr<Exchange>;
    Ref<GCancellable> cancel = adopt(g_cancellable_new());
    Ref<GSocketConnection> connection;
    Ref<GIOStream> stream;
    Target target;
    std::string request;
    std::array<char, 4096> buffer;
    size_t received = 0;
    bool done = false;

    template <typename F> static void keep(gpointer data, F next) {
        const std::unique_ptr<Held> held(static_cast<Held*>(data));
        if (!next(**held))
            (*held)->done = true;
    }

    bool start(const std::string& address, int segment) {
        const Ref<GSocketAddress> where = adopt(g_inet_socket_address_new_from_string(address.c_str(), target.port));
        if (!where)
            return false;
        const Ref<GSocket> socket = adopt(g_socket_new(g_socket_address_get_family(where.get()), G_SOCKET_TYPE_STREAM,
                                                       G_SOCKET_PROTOCOL_TCP, nullptr));
        if (!socket)
            return false;
        // Before it connects, so that the other end is told, too.
        if (segment && !g_socket_set_option(socket.get(), IPPROTO_TCP, TCP_MAXSEG, segment, nullptr))
            return false;
        connection = adopt(g_socket_connection_factory_create_connection(socket.get()));
        g_socket_connection_connect_async(
            connection.get(), where.get(), cancel.get(),
            +[](GObject* source, GAsyncResult* result, gpointer data) {
                keep(data, [&](Exchange& e) {
                    return g_socket_connection_connect_finish(G_SOCKET_CONNECTION(source), result, nullptr) &&
                           e.connected();
                });
            },
            new Held(shared_from_this()));
        return true;
    }
    bool connected() {
        if (!target.tls) {
            stream = ref(G_IO_STREAM(connection.get()));
            write();
            return true;
        }
        const Ref<GSocketConnectable> identity = adopt(g_network_address_new(target.host.c_str(), target.port));
        stream = adopt(g_tls_client_connection_new(G_IO_STREAM(connection.get()), identity.get(), nullptr));
        if (!stream)
            return false;
        // The certificate was looked at before; nothing secret goes through here.
        g_signal_connect(stream.get(), "accept-certificate",
                         G_CALLBACK(+[](GTlsConnection*, GTlsCertificate*, GTlsCertificateFlags, gpointer) -> gboolean {
                             return TRUE;
                         }),
                         nullptr);
        g_tls_connection_handshake_async(
            G_TLS_CONNECTION(stream.get()), G_PRIORITY_DEFAULT, cancel.get(),
            +[](GObject* source, GAsyncResult* result, gpointer data) {
                keep(data, [&](Exchange& e) {
                    if (!g_tls_connection_handshake_finish(G_TLS_CONNECTION(source), result, nullptr))
                        return false;
                    e.write();
                    return true;
                });
            },
            new Held(shared_from_this()));
        return true;
    }
    void write() {
        g_output_stream_write_all_async(
            g_io_stream_get_output_stream(stream.get()), request.data(), request.size(), G_PRIORITY_DEFAULT,
            cancel.get(),
            +[](GObject* source, GAsyncResult* result, gpointer data) {
                keep(data, [&](Exchange& e) {
                    if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, nullptr, nullptr))
                        return false;
                    e.read();
                    return true;
                });
            },
            new Held(shared_from_this()));
    }
    void read() {
        g_input_stream_read_async(
            g_io_stream_get_input_stream(stream.get()), buffer.data(), buffer.size(), G_PRIORITY_DEFAULT, cancel.get(),
            +[](GObject* source, GAsyncResult* result, gpointer data) {
                keep(data, [&](Exchange& e) {
                    const gssize got = g_input_stream_read_finish(G_INPUT_STREAM(source), result, nullptr);
                    if (got <= 0)
                        return false;
                    e.received += static_cast<size_t>(got);
                    if (e.received >= whole_answer)
                        return false; // enough
                    e.read();
                    return true;
                });
            },
            new Held(shared_from_this()));
    }
};

bool answered(Wait& wait, const Target& target, const std::string& address, int segment) {
    const auto exchange = std::make_shared<Exchange>();
    exchange->target = target;
    const size_t host = target.base.find("://") + 3, path = std::min(target.base.find('/', host), target.base.size());
    exchange->request = "GET " + target.base.substr(path) +
                        "/style.css HTTP/1.1\r\nHost: " + target.base.substr(host, path - host) +
                        "\r\nConnection: close\r\nX-Padding: " + std::string(padding, 'x') + "\r\n\r\n";
    if (!exchange->start(address, segment))
        return false;
    if (!wait.until([&] { return exchange->done; }, seconds)) {
        g_cancellable_cancel(exchange->cancel.get());
        wait.until_anyway([&] { return exchange->done; }, goodbye_seconds);
    }
    return exchange->received >= whole_answer;
}

} // namespace

TcpSizeFacts probe_tcp_sizes(Wait& wait, const Target& target, const std::string& address) {
    TcpSizeFacts out;
    out.probed = true;
    out.whole = answered(wait, target, address, 0);
    if (!out.whole)
        out.small = answered(wait, target, address, small_segment);
    return out;
}

} // namespace sluice::doctor
