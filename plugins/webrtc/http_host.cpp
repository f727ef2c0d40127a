// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/http_host.hpp"

#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <set>

namespace sluice {

namespace {
constexpr auto settle_limit = std::chrono::seconds(2); // a handler of the application's may hang in there

struct Claims {
    std::mutex mutex;
    std::set<std::pair<const void*, std::string>> paths; // server, path
};
Claims& claims() {
    static auto* all = new Claims; // outlives every element
    return *all;
}
} // namespace

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
    struct Started {
        std::string error; // empty: listening
        Ref<SoupServer> server;
        unsigned port = 0;
    };
    std::promise<Started> started;
    // The thread has references of its own: it may outlive the host by a moment.
    host->thread_ = std::thread([&started, context = host->context_, loop = host->loop_, ip, port] {
        g_main_context_push_thread_default(context.get());
        auto server = adopt(soup_server_new("server-header", "sluice", nullptr));
        g_signal_connect(server.get(), "request-started",
                         G_CALLBACK(+[](SoupServer*, SoupServerMessage* m, gpointer) { close_after_answer(m); }),
                         nullptr);
        const auto where = adopt(g_inet_socket_address_new(ip.get(), static_cast<guint16>(port)));
        GError* error = nullptr;
        soup_server_listen(server.get(), where.get(), SoupServerListenOptions(0), &error);
        const GErrorPtr owned(error);
        Started result{error ? error->message : "", error ? Ref<SoupServer>() : server, 0};
        if (!error) {
            GSList* uris = soup_server_get_uris(server.get());
            if (uris)
                result.port = static_cast<unsigned>(g_uri_get_port(static_cast<GUri*>(uris->data)));
            g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
        }
        started.set_value(std::move(result)); // `started` is gone from here on
        if (!error)
            g_main_loop_run(loop.get());
        soup_server_disconnect(server.get());
        server = nullptr;
        while (g_main_context_iteration(context.get(), FALSE)) {
        }
        g_main_context_pop_thread_default(context.get());
    });
    Started result = started.get_future().get();
    if (!result.error.empty())
        return Error{ErrorKind::busy, "cannot listen on " + address + ":" + std::to_string(port) + ": " + result.error};
    host->server_ = std::move(result.server);
    host->port_ = result.port;
    slot = host;
    return host;
}

HttpHost::~HttpHost() {
    if (!thread_.joinable())
        return;
    server_ = nullptr; // the thread has the last reference
    // As a source, not by invoke(): a loop that does not run yet could not be ended.
    GSource* quit = g_idle_source_new();
    g_source_set_callback(
        quit,
        +[](gpointer loop) -> gboolean {
            g_main_loop_quit(static_cast<GMainLoop*>(loop));
            return G_SOURCE_REMOVE;
        },
        g_main_loop_ref(loop_.get()), reinterpret_cast<GDestroyNotify>(g_main_loop_unref));
    g_source_attach(quit, context_.get());
    g_source_unref(quit);
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach(); // the last reference fell inside a request: the loop ends by itself
    else
        thread_.join();
}

bool HttpHost::claim(const std::string& path) const {
    std::lock_guard lock(claims().mutex);
    return claims().paths.emplace(server_.get(), path).second;
}

void HttpHost::release(const std::string& path) const {
    std::lock_guard lock(claims().mutex);
    claims().paths.erase({server_.get(), path});
}

void HttpHost::settle() const {
    if (!thread_.joinable() || thread_.get_id() == std::this_thread::get_id())
        return;
    auto done = std::make_shared<std::promise<void>>();
    auto wait = done->get_future();
    invoke([done] { done->set_value(); });
    wait.wait_for(settle_limit);
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
