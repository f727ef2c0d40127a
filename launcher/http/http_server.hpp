// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's HTTP server: pages, API, health. WHEP comes from webrtcserversink, on the same SoupServer.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/config/json_text.hpp"
#include "launcher/http/camera_api.hpp"
#include "launcher/http/events.hpp"
#include "plugins/core/http_listener.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <libsoup/soup.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// What the API shows and does; filled in by the one who knows.
struct ApiBackend {
    std::function<Json()> cameras;
    std::function<Json()> viewers;
    std::function<bool(const std::string& id, const std::string& reason)> close_viewer;
    CameraEditor* editor = nullptr;
};

// "{id}" at the end of a path stands for one segment. GET means HEAD as well.
struct ApiRoute {
    enum class Access { everybody, logged_in, may_change };
    std::string_view method, path;
    Access access = Access::logged_in;
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

    // All of the API; launcher/web/openapi.json describes the same.
    static std::vector<ApiRoute> routes();

    uint16_t port() const { return port_; }
    Events& events() { return *events_; } // after serve()
    SoupServer* soup() { return server_.get(); }

private:
    struct Call { // of a route
        SoupServerMessage* message;
        std::string id; // what stands for {id}
        const LoginAnswer* who;
    };
    struct Route;
    struct Found;
    struct Waiting;
    HttpServer(Ref<SoupServer> server, std::unique_ptr<HttpListener> listener)
        : server_(std::move(server)), listener_(std::move(listener)), port_(listener_->port()) {}

    static void on_early(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self);
    static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self);
    void handle(SoupServerMessage* message, const std::string& path);
    void handle_private(SoupServerMessage* message, const std::string& path);
    void dispatch(SoupServerMessage* message, const std::string& path, const LoginAnswer& who);
    void run(const Found& found, SoupServerMessage* message, const LoginAnswer* who);
    static const std::vector<Route>& table();
    static Found find(const std::string& path, std::string_view method);

    void health(const Call& call);
    void login(const Call& call);
    void logout(const Call& call);
    void list_cameras(const Call& call);
    void events_socket(const Call& call);
    void list_viewers(const Call& call);
    void close_viewer(const Call& call);
    void openapi(const Call& call);
    void get_camera(const Call& call);
    void put_camera(const Call& call);
    void delete_camera(const Call& call);
    void refuse(SoupServerMessage* message, const std::string& path, const LoginAnswer& answer);
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
