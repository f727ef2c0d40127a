// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/http_host.hpp"
#include "plugins/webrtc/served_route.hpp"
#include "plugins/webrtc/session_limits.hpp"
#include "plugins/webrtc/signaller.hpp"

#include <set>

namespace sluice {

struct AuthAnswer;

// Signalling over WebSocket (docs/signalling.md) at {path} and {path}/{camera}. Runs in the host's context; never blocks it.
class WebsocketSignalling : public std::enable_shared_from_this<WebsocketSignalling> {
public:
    static constexpr size_t max_connections = 1000;
    // Of one principal from one address: pages need one each.
    static constexpr unsigned max_connections_per_peer = 100;

    // origins: comma separated origins whose pages may connect, "*": all; empty: pages of this server only.
    static std::shared_ptr<WebsocketSignalling> create(std::shared_ptr<HttpHost> host,
                                                       std::shared_ptr<SessionService> service, std::string path,
                                                       std::string origins);
    // False: somebody else serves this path of this server. From the thread that will call stop().
    bool start();
    void stop(const std::string& reason); // all connections are told and closed
    static std::vector<ServedRoute> routes(const std::string& path);

private:
    struct Connection;
    struct Request;
    WebsocketSignalling() = default;
    void handle(SoupServerMessage* message, const char* path);
    void upgrade(const std::shared_ptr<Request>& r, const AuthAnswer& who);
    void connected(SoupServerMessage* message, const Signaller::Client& client, const std::shared_ptr<void>& place);
    bool origin_allowed(SoupServerMessage* message) const;

    std::shared_ptr<HttpHost> host_;
    std::shared_ptr<SessionService> service_;
    std::string path_, origins_;
    bool started_ = false, closing_ = false;
    size_t upgrading_ = 0;
    const std::shared_ptr<PeerPlaces> places_ = std::make_shared<PeerPlaces>();
    std::set<std::shared_ptr<Connection>> connections_;
};

} // namespace sluice
