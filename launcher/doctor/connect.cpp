// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/connect.hpp"

#include <algorithm>
#include <memory>

namespace sluice::doctor {

namespace {

constexpr size_t max_addresses = 8;
constexpr double goodbye_seconds = 1;
constexpr const char* no_answer = "no answer in time";

// What an asynchronous call leaves behind, whenever it comes back.
struct Outcome {
    Ref<GObject> object;
    std::vector<std::string> words;
    GErrorPtr error;
    bool done = false;
};
using Held = std::shared_ptr<Outcome>;

// Waits for it, and cancels what takes too long.
void settle(Wait& wait, const Held& outcome, GCancellable* cancel, double seconds) {
    if (wait.until([&] { return outcome->done; }, seconds))
        return;
    g_cancellable_cancel(cancel);
    wait.until_anyway([&] { return outcome->done; }, goodbye_seconds);
}

bool was_cancelled(const Outcome& o) {
    return !o.done || (o.error && g_error_matches(o.error.get(), G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

Held connect_to(Wait& wait, GSocketConnectable* where, GProxyResolver* proxy, double seconds) {
    const Ref<GSocketClient> client = adopt(g_socket_client_new());
    g_socket_client_set_enable_proxy(client.get(), proxy != nullptr);
    if (proxy)
        g_socket_client_set_proxy_resolver(client.get(), proxy);
    const Ref<GCancellable> cancel = adopt(g_cancellable_new());
    const Held outcome = std::make_shared<Outcome>();
    g_socket_client_connect_async(
        client.get(), where, cancel.get(),
        +[](GObject* source, GAsyncResult* result, gpointer data) {
            const std::unique_ptr<Held> held(static_cast<Held*>(data));
            GError* error = nullptr;
            (*held)->object = adopt(G_OBJECT(g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error)));
            (*held)->error.reset(error);
            (*held)->done = true;
        },
        new Held(outcome));
    settle(wait, outcome, cancel.get(), seconds);
    return outcome;
}

std::string names_of(GTlsCertificate* certificate) {
    std::string out;
    GPtrArray* names = g_tls_certificate_get_dns_names(certificate);
    for (guint i = 0; names && i < std::min(names->len, 8u); i++) {
        gsize size = 0;
        const auto* text = static_cast<const char*>(g_bytes_get_data(static_cast<GBytes*>(names->pdata[i]), &size));
        out += (out.empty() ? "" : ", ") + std::string(text ? text : "", size);
    }
    if (names)
        g_ptr_array_unref(names);
    GPtrArray* addresses = g_tls_certificate_get_ip_addresses(certificate);
    for (guint i = 0; addresses && i < std::min(addresses->len, 8u); i++) {
        const GString8 text(g_inet_address_to_string(static_cast<GInetAddress*>(addresses->pdata[i])));
        out += (out.empty() ? "" : ", ") + std::string(text.get());
    }
    if (addresses)
        g_ptr_array_unref(addresses);
    return out;
}

int64_t unix_time(GDateTime* when) {
    const int64_t out = when ? g_date_time_to_unix(when) : 0;
    if (when)
        g_date_time_unref(when);
    return out;
}

void describe(GTlsCertificate* certificate, TlsFacts& out) {
    const GString8 subject(g_tls_certificate_get_subject_name(certificate));
    const GString8 issuer(g_tls_certificate_get_issuer_name(certificate));
    out.subject = subject ? subject.get() : "";
    out.issuer = issuer ? issuer.get() : "";
    out.self_signed = out.subject == out.issuer;
    out.names = names_of(certificate);
    out.not_before = unix_time(g_tls_certificate_get_not_valid_before(certificate));
    out.not_after = unix_time(g_tls_certificate_get_not_valid_after(certificate));
}

const char* name_of(GTlsProtocolVersion version) {
    switch (version) {
    case G_TLS_PROTOCOL_VERSION_TLS_1_0: return "TLS 1.0";
    case G_TLS_PROTOCOL_VERSION_TLS_1_1: return "TLS 1.1";
    case G_TLS_PROTOCOL_VERSION_TLS_1_2: return "TLS 1.2";
    case G_TLS_PROTOCOL_VERSION_TLS_1_3: return "TLS 1.3";
    default: return "TLS";
    }
}

} // namespace

TcpError tcp_error_of(const GError* error) {
    if (!error)
        return TcpError::none;
    if (error->domain != G_IO_ERROR)
        return TcpError::other;
    switch (error->code) {
    case G_IO_ERROR_CONNECTION_REFUSED: return TcpError::refused;
    case G_IO_ERROR_TIMED_OUT:
    case G_IO_ERROR_CANCELLED: return TcpError::timed_out;
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE: return TcpError::unreachable;
    default: return TcpError::other;
    }
}

NameFacts resolve(Wait& wait, const std::string& host, double seconds) {
    NameFacts out;
    out.host = host;
    if (g_hostname_is_ip_address(host.c_str())) {
        out.literal = true;
        out.addresses = {host};
        return out;
    }
    const Ref<GResolver> resolver = adopt(g_resolver_get_default());
    const Ref<GCancellable> cancel = adopt(g_cancellable_new());
    const Held outcome = std::make_shared<Outcome>();
    g_resolver_lookup_by_name_async(
        resolver.get(), host.c_str(), cancel.get(),
        +[](GObject* source, GAsyncResult* result, gpointer data) {
            const std::unique_ptr<Held> held(static_cast<Held*>(data));
            GError* error = nullptr;
            GList* found = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &error);
            for (GList* i = found; i && (*held)->words.size() < max_addresses; i = i->next) {
                const GString8 text(g_inet_address_to_string(G_INET_ADDRESS(i->data)));
                (*held)->words.emplace_back(text.get());
            }
            g_resolver_free_addresses(found);
            (*held)->error.reset(error);
            (*held)->done = true;
        },
        new Held(outcome));
    settle(wait, outcome, cancel.get(), seconds);
    out.addresses = outcome->words;
    out.error = was_cancelled(*outcome) ? no_answer : outcome->error ? outcome->error->message : "";
    return out;
}

std::vector<TcpTry> try_addresses(Wait& wait, const std::vector<std::string>& addresses, uint16_t port, double seconds,
                                  Ref<GSocketConnection>* connected) {
    std::vector<TcpTry> out;
    for (const std::string& address : addresses) {
        const Ref<GSocketAddress> where = adopt(g_inet_socket_address_new_from_string(address.c_str(), port));
        const Stopwatch watch;
        const Held outcome = connect_to(wait, G_SOCKET_CONNECTABLE(where.get()), nullptr, seconds);
        TcpTry t;
        t.address = address;
        t.ms = watch.ms();
        if (was_cancelled(*outcome)) {
            t.error = TcpError::timed_out;
            t.text = no_answer;
        } else if (outcome->error) {
            t.error = tcp_error_of(outcome->error.get());
            t.text = outcome->error->message;
        } else if (connected && !*connected) {
            *connected = ref(G_SOCKET_CONNECTION(outcome->object.get()));
        }
        out.push_back(std::move(t));
        if (wait.interrupted() || wait.over())
            break;
    }
    return out;
}

ProxyTry connect_through(Wait& wait, const Via& via, const Target& target, double seconds) {
    const Ref<GProxyResolver> resolver = adopt(g_simple_proxy_resolver_new(via.url.c_str(), nullptr));
    const Ref<GSocketConnectable> where = adopt(g_network_address_new(target.host.c_str(), target.port));
    const Held outcome = connect_to(wait, where.get(), resolver.get(), seconds);
    ProxyTry out;
    if (was_cancelled(*outcome))
        out.error = no_answer;
    else if (outcome->error)
        out.error = outcome->error->message;
    else
        out.connection = ref(G_SOCKET_CONNECTION(outcome->object.get()));
    out.asks_credentials =
        outcome->error && (g_error_matches(outcome->error.get(), G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH) ||
                           g_error_matches(outcome->error.get(), G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED));
    return out;
}

TlsFacts shake_hands(Wait& wait, GIOStream* connection, const Target& target, GTlsDatabase* authorities,
                     double seconds) {
    TlsFacts out;
    out.host = target.host;
    out.now = g_get_real_time() / G_USEC_PER_SEC;
    const Ref<GSocketConnectable> identity = adopt(g_network_address_new(target.host.c_str(), target.port));
    GError* raw = nullptr;
    const Ref<GIOStream> tls = adopt(g_tls_client_connection_new(connection, identity.get(), &raw));
    if (!tls) {
        const GErrorPtr error(raw);
        out.error = std::string(error->message) + " (Debian: glib-networking)";
        return out;
    }
    if (authorities)
        g_tls_connection_set_database(G_TLS_CONNECTION(tls.get()), authorities);
    g_signal_connect(tls.get(), "accept-certificate",
                     G_CALLBACK(+[](GTlsConnection*, GTlsCertificate* certificate, GTlsCertificateFlags flags,
                                    gpointer data) -> gboolean {
                         auto* facts = static_cast<TlsFacts*>(data);
                         describe(certificate, *facts);
                         facts->unknown_authority = flags & G_TLS_CERTIFICATE_UNKNOWN_CA;
                         facts->wrong_name = flags & G_TLS_CERTIFICATE_BAD_IDENTITY;
                         facts->expired = flags & G_TLS_CERTIFICATE_EXPIRED;
                         facts->not_yet = flags & G_TLS_CERTIFICATE_NOT_ACTIVATED;
                         facts->other = flags & (G_TLS_CERTIFICATE_REVOKED | G_TLS_CERTIFICATE_INSECURE |
                                                 G_TLS_CERTIFICATE_GENERIC_ERROR);
                         return TRUE; // it is only looked at: nothing is sent through this connection
                     }),
                     &out);
    const Ref<GCancellable> cancel = adopt(g_cancellable_new());
    const Held outcome = std::make_shared<Outcome>();
    g_tls_connection_handshake_async(
        G_TLS_CONNECTION(tls.get()), G_PRIORITY_DEFAULT, cancel.get(),
        +[](GObject* source, GAsyncResult* result, gpointer data) {
            const std::unique_ptr<Held> held(static_cast<Held*>(data));
            GError* error = nullptr;
            g_tls_connection_handshake_finish(G_TLS_CONNECTION(source), result, &error);
            (*held)->error.reset(error);
            (*held)->done = true;
        },
        new Held(outcome));
    settle(wait, outcome, cancel.get(), seconds);
    g_signal_handlers_disconnect_by_data(tls.get(), &out);
    if (was_cancelled(*outcome) || outcome->error) {
        out.error = was_cancelled(*outcome) ? no_answer : outcome->error->message;
        return out;
    }
    out.shaken = true;
    out.version = name_of(g_tls_connection_get_protocol_version(G_TLS_CONNECTION(tls.get())));
    if (GTlsCertificate* certificate = g_tls_connection_get_peer_certificate(G_TLS_CONNECTION(tls.get())))
        describe(certificate, out);
    g_io_stream_close(tls.get(), nullptr, nullptr);
    return out;
}

} // namespace sluice::doctor
