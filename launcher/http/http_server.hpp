// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's HTTP server: takes requests, has them authorised, hands them to their route. WHEP comes from
// webrtcserversink, on the same SoupServer.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/http/route_table.hpp"
#include "plugins/core/http_listener.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

class HttpServer {
public:
    // Listens in the main context; requests are refused until serve(). Error (unavailable): the port is taken, or may not
    // be used.
    static Result<std::unique_ptr<HttpServer>> listen(const std::string& address, uint16_t port,
                                                      HttpListener::Settings settings = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void serve(Authenticator& auth, RouteTable routes, AuditLog* audit = nullptr);
    void stop(); // closes all connections

    uint16_t port() const { return port_; }
    SoupServer* soup() { return server_.get(); }

private:
    HttpServer(Ref<SoupServer> server, std::unique_ptr<HttpListener> listener)
        : server_(std::move(server)), listener_(std::move(listener)), port_(listener_->port()) {}

    static void on_early(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self);
    static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable* query, gpointer self);
    void handle(ApiCall call, const std::string& path);

    Ref<SoupServer> server_;
    std::unique_ptr<HttpListener> listener_;
    const uint16_t port_;
    Authenticator* auth_ = nullptr;
    AuditLog* audit_ = nullptr;
    RouteTable routes_;
};

} // namespace sluice
