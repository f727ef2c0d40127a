// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/http_host.hpp"

#include "plugins/core/http_listener.hpp"

#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <optional>
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

    std::shared_ptr<HttpHost> host(new HttpHost);
    host->context_ = adopt(g_main_context_new());
    host->loop_ = adopt(g_main_loop_new(host->context_.get(), FALSE));
    struct Started {
        std::optional<Error> error; // none: listening
        Ref<SoupServer> server;
        unsigned port = 0;
    };
    std::promise<Started> started;
    // The thread has references of its own: it may outlive the host by a moment.
    host->thread_ = std::thread([&started, context = host->context_, loop = host->loop_, address, port] {
        g_main_context_push_thread_default(context.get());
        auto server = adopt(soup_server_new("server-header", "sluice", nullptr));
        auto listener = HttpListener::open(server.get(), address, static_cast<uint16_t>(port));
        const bool listening = bool(listener);
        started.set_value(listening ? Started{{}, server, listener.value()->port()}
                                    : Started{listener.error(), {}, 0}); // `started` is gone from here on
        if (listening) {
            g_main_loop_run(loop.get());
            listener.value().reset();
        }
        soup_server_disconnect(server.get());
        server = nullptr;
        while (g_main_context_iteration(context.get(), FALSE)) {
        }
        g_main_context_pop_thread_default(context.get());
    });
    Started result = started.get_future().get();
    if (result.error)
        return *result.error;
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
