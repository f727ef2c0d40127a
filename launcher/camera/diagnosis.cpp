// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/diagnosis.hpp"

namespace sluice {

namespace {

constexpr guint connect_seconds = 3;

struct Question {
    std::string host;
    uint16_t port;
    std::function<void(const Failure&)> done;
};

Failure failure_of(const GError& error, const Question& q) {
    const std::string where = q.host + " port " + std::to_string(q.port);
    if (error.domain == G_RESOLVER_ERROR)
        return {FailureClass::unreachable, "the name " + q.host + " cannot be resolved"};
    if (g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
        return {FailureClass::refused, "connection refused by " + where};
    if (g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        return {FailureClass::timed_out, "no answer from " + where};
    if (g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE) ||
        g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE))
        return {FailureClass::unreachable, "no route to " + where};
    return {FailureClass::unreachable, "cannot connect to " + where + ": " + error.message};
}

void connected(GObject* client, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<Question> q(static_cast<Question*>(data));
    GError* raw = nullptr;
    GSocketConnection* connection = g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(client), result, &raw);
    const GErrorPtr error(raw);
    if (connection)
        g_object_unref(connection);
    if (error && g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    q->done(error ? failure_of(*error, *q) : Failure{});
}

} // namespace

Diagnosis::Diagnosis(const std::string& host, uint16_t port, std::function<void(const Failure&)> done)
    : cancellable_(adopt(g_cancellable_new())) {
    const Ref<GSocketClient> client = adopt(g_socket_client_new());
    g_socket_client_set_timeout(client.get(), connect_seconds);
    g_socket_client_set_enable_proxy(client.get(), FALSE);
    g_socket_client_connect_to_host_async(client.get(), host.c_str(), port, cancellable_.get(), connected,
                                          new Question{host, port, std::move(done)});
}

Diagnosis::~Diagnosis() { g_cancellable_cancel(cancellable_.get()); }

} // namespace sluice
