// SPDX-License-Identifier: LGPL-2.1-or-later
// All addresses the launcher answers, and the right each asks for. There is no way to add one without saying that.
#pragma once

#include "launcher/auth/access.hpp"

#include <libsoup/soup.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A segment of the path in braces stands for any one segment that is not empty. GET means HEAD as well.
struct ApiRoute {
    enum class Access {
        everybody,
        logged_in, // what the answer holds is for the handler to limit (Rights::sees)
        camera,    // the action, on the camera that stands for {camera}
        server     // the action, on all cameras
    };
    std::string method, path;
    Access access = Access::server;
    Action action = Action::admin; // camera and server only
    bool websocket = false;        // only pages of this server may ask, although it is a GET
    std::string query_camera =
        {}; // the parameter of the query that names the camera, where no {camera} does: a go2rtc_source()
    // GET and `camera` only: ?token= of a signed address opens it as well (launcher/auth/signed_urls.hpp).
    bool signed_url = false;

    bool opened_by_token() const { return signed_url && method == "GET" && access == Access::camera; }
    size_t max_body = 16 * 1024; // bytes
};

// One request to a route.
struct ApiCall {
    SoupServerMessage* message;
    std::map<std::string, std::string, std::less<>> path;  // what stands for {camera}, {id}
    std::map<std::string, std::string, std::less<>> query; // decoded; of two with the same name the last
    AuthDecision who;                                      // not accepted: everybody may, nobody was asked
    std::string camera;
};

class RouteTable {
public:
    using Values = std::map<std::string, std::string, std::less<>>;
    using Handler = std::function<void(const ApiCall&)>;

    struct Found {
        const ApiRoute* route = nullptr; // nothing: another method
        const Handler* handler = nullptr;
        std::map<std::string, std::string, std::less<>> path;
        std::string allowed; // methods of the path; empty: there is no such path
        bool for_everybody = true;
    };

    void add(ApiRoute route, Handler handler);
    Found find(std::string_view method, std::string_view path) const;
    std::vector<ApiRoute> routes() const;
    // The camera that a request to that route is about; empty: none.
    static std::string camera_of(const ApiRoute& route, const Values& path, const Values& query);

private:
    struct Entry {
        ApiRoute route;
        Handler handler;
        std::vector<std::string> segments;
    };
    std::vector<Entry> entries_;
};

} // namespace sluice
