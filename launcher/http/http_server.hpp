// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's HTTP server: pages, API, health. WHEP comes from webrtcserversink, on the same SoupServer.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/config/json_text.hpp"
#include "launcher/http/events.hpp"
#include "plugins/core/http_listener.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

// What the API shows and does; filled in by the one who knows.
struct ApiBackend {
    std::function<Json()> cameras;
    std::function<Json()> viewers;
    std::function<bool(const std::string& id, const std::string& reason)> close_viewer;
};

class HttpServer {
public:
    // Listens in the main context; requests are refused until serve(). Error (unavailable): the port is taken, or may not
    // be used.
    static Result<std::unique_ptr<HttpServer>> listen(const std::string& address, uint16_t port);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void serve(Authenticator& auth, ApiBackend backend);
    void stop(); // closes all connections

    uint16_t port() const { return port_; }
    Events& events() { return *events_; } // after serve()
    SoupServer* soup() { return server_.get(); }

private:
    struct Route;
    struct Waiting;
    HttpServer(Ref<SoupServer> server, std::unique_ptr<HttpListener> listener)
        : server_(std::move(server)), listener_(std::move(listener)), port_(listener_->port()) {}

    static void on_early(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self);
    static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self);
    void handle(SoupServerMessage* message, const std::string& path);
    void handle_private(SoupServerMessage* message, const std::string& path);
    void dispatch(SoupServerMessage* message, const std::string& path);
    void login(SoupServerMessage* message);
    void logout(SoupServerMessage* message);
    void refuse(SoupServerMessage* message, const std::string& path, const AuthAnswer& answer);
    bool serve_asset(SoupServerMessage* message, const std::string& name);

    // Pauses the message until the function that `begin` gets is called, unless that happens at once.
    using Resume = std::function<void(const std::function<void()>& respond)>;
    void wait_for(SoupServerMessage* message, const std::function<void(Resume)>& begin);

    Ref<SoupServer> server_;
    std::unique_ptr<HttpListener> listener_;
    const uint16_t port_;
    Authenticator* auth_ = nullptr;
    ApiBackend backend_;
    std::unique_ptr<Events> events_;
};

} // namespace sluice
