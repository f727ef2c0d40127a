// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/authorizer.hpp"
#include "plugins/webrtc/http_host.hpp"
#include "plugins/webrtc/served_route.hpp"
#include "plugins/webrtc/server.hpp"

#include <string_view>

namespace sluice {

// WHEP (draft-ietf-wish-whep) over HTTP, the viewer offers:
//   POST {path}/{camera}[?quality=Q]  offer -> 201, answer, Location, ETag. Q: auto or a stream; ?stream= is the same
//   PATCH {Location}                  application/trickle-ice-sdpfrag: candidates; application/json {"quality": Q}
//   GET {Location}                    statistics of the session
//   DELETE {Location}                 end
// Errors are application/problem+json (RFC 9457). Runs in the host's context; never blocks it.
class Whep : public std::enable_shared_from_this<Whep> {
public:
    static std::shared_ptr<Whep> create(std::shared_ptr<HttpHost> host, std::shared_ptr<Server> server,
                                        std::shared_ptr<Authorizer> authorizer, std::string path);
    // False: somebody else serves this path of this server. From the thread that will call stop().
    bool start();
    void stop(); // no request is taken after this returns or, from another thread, soon after
    static std::vector<ServedRoute> routes(const std::string& path);

private:
    struct Request;
    struct Method;
    static const Method methods[];
    Whep() = default;

    void early(SoupServerMessage* message, const char* path);
    void handle(SoupServerMessage* message, const char* path, GHashTable* query);
    void post(const std::shared_ptr<Request>& r, const AuthAnswer& who);
    void patch(const std::shared_ptr<Request>& r, const AuthAnswer& who);
    void get(const std::shared_ptr<Request>& r, const AuthAnswer& who);
    void remove(const std::shared_ptr<Request>& r, const AuthAnswer& who);
    void authorized(const std::shared_ptr<Request>& r, const AuthAnswer& who);

    std::shared_ptr<HttpHost> host_;
    std::shared_ptr<Server> server_;
    std::shared_ptr<Authorizer> authorizer_;
    std::string path_;
    bool started_ = false;
};

// {path}/{camera}[/{session}], as the part behind {path}: nothing if it is neither.
struct WhepTarget {
    std::string camera, session;
};
std::optional<WhepTarget> parse_whep_target(std::string_view rest);

} // namespace sluice
