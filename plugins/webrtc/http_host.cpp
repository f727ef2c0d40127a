// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/http_host.hpp"

#include <future>
#include <map>
#include <mutex>

namespace sluice {

// libsoup before 3.3 no longer watches a connection after its first answer: one that the client closes stays open on our side for
// ever, and so anybody could use up the file descriptors.
void HttpHost::close_after_answer(SoupServerMessage* message) {
    static const bool needed = !soup_check_version(3, 3, 0);
    if (needed)
        soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection", "close");
}

std::shared_ptr<HttpHost> HttpHost::use(SoupServer* server, GMainContext* context) {
    std::shared_ptr<HttpHost> host(new HttpHost);
    host->server_ = ref(server);
    host->context_ = ref(context ? context : g_main_context_default());
    return host;
}

Result<std::shared_ptr<HttpHost>> HttpHost::open(const std::string& address, unsigned port) {
    static std::mutex mutex;
    static std::map<std::pair<std::string, unsigned>, std::weak_ptr<HttpHost>> hosts;
    std::lock_guard lock(mutex);
    auto& slot = hosts[{address, port}];
    if (port != 0)
        if (auto host = slot.lock())
            return host;

    const auto ip = adopt(g_inet_address_new_from_string(address.c_str()));
    if (!ip)
        return Error{ErrorKind::bad_config,
                     "address '" + address + "' is not an IP address (\"0.0.0.0\", \"::\", \"127.0.0.1\")"};
    std::shared_ptr<HttpHost> host(new HttpHost);
    host->context_ = adopt(g_main_context_new());
    host->loop_ = adopt(g_main_loop_new(host->context_.get(), FALSE));
    std::promise<std::string> started; // error text, empty: listening
    host->thread_ = std::thread([&started, raw = host.get(), &ip, port] {
        g_main_context_push_thread_default(raw->context_.get());
        raw->server_ = adopt(soup_server_new("server-header", "sluice", nullptr));
        g_signal_connect(raw->server_.get(), "request-started",
                         G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer) { close_after_answer(m); }),
                         nullptr);
        const auto where = adopt(g_inet_socket_address_new(ip.get(), static_cast<guint16>(port)));
        GError* error = nullptr;
        soup_server_listen(raw->server_.get(), where.get(), SoupServerListenOptions(0), &error);
        const GErrorPtr owned(error);
        if (!error) {
            GSList* uris = soup_server_get_uris(raw->server_.get());
            if (uris)
                raw->port_ = static_cast<unsigned>(g_uri_get_port(static_cast<GUri*>(uris->data)));
            g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
        }
        started.set_value(error ? error->message : "");
        if (!error)
            g_main_loop_run(raw->loop_.get());
        soup_server_disconnect(raw->server_.get());
        raw->server_ = nullptr;
        while (g_main_context_iteration(raw->context_.get(), FALSE)) {
        }
        g_main_context_pop_thread_default(raw->context_.get());
    });
    if (const std::string error = started.get_future().get(); !error.empty())
        return Error{ErrorKind::busy, "cannot listen on " + address + ":" + std::to_string(port) + ": " + error};
    slot = host;
    return host;
}

HttpHost::~HttpHost() {
    if (!thread_.joinable())
        return;
    invoke([loop = loop_] { g_main_loop_quit(loop.get()); });
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach(); // the last reference fell inside a request: the loop ends by itself
    else
        thread_.join();
}

void HttpHost::invoke(std::function<void()> f) const {
    g_main_context_invoke_full(
        context_.get(), G_PRIORITY_DEFAULT,
        +[](gpointer data) {
            (*static_cast<std::function<void()>*>(data))();
            return G_SOURCE_REMOVE;
        },
        new std::function<void()>(std::move(f)),
        +[](gpointer data) { delete static_cast<std::function<void()>*>(data); });
}

} // namespace sluice
