// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace sluice {

// The HTTP server that requests come from: the application's own, or one of ours with a thread of its own, shared by all elements
// of the process that name the same address and port.
class HttpHost {
public:
    // The GstContext in which an application hands over its server: structure fields "server" (SoupServer) and "context"
    // (GMainContext that the server runs in).
    static constexpr const char* context_type = "sluice.http-server";

    static std::shared_ptr<HttpHost> use(SoupServer* server, GMainContext* context);
    // port 0: any free one. Fails with `busy` if the address cannot be listened on.
    static Result<std::shared_ptr<HttpHost>> open(const std::string& address, unsigned port);
    ~HttpHost();
    HttpHost(const HttpHost&) = delete;
    HttpHost& operator=(const HttpHost&) = delete;

    // Runs f in the server's context: at once if the caller is that thread (or may become it), else later.
    void invoke(std::function<void()> f) const;
    // A path belongs to one element at a time; false: somebody has it.
    bool claim(const std::string& path) const;
    void release(const std::string& path) const;
    // Waits until the thread of our own server has done what it was given so far; nothing if the server is the application's.
    void settle() const;
    bool own_thread() const { return thread_.joinable(); }
    SoupServer* server() const { return server_.get(); } // only inside invoke()
    unsigned port() const { return port_; }

private:
    HttpHost() = default;

    Ref<GMainContext> context_;
    Ref<SoupServer> server_;
    unsigned port_ = 0;
    Ref<GMainLoop> loop_; // own thread only
    std::thread thread_;
};

} // namespace sluice
