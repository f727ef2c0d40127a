// SPDX-License-Identifier: LGPL-2.1-or-later
// What is served, put together.
#pragma once

#include "launcher/auth/authenticator.hpp"
#include "launcher/auth/signed_urls.hpp"
#include "launcher/http/camera_api.hpp"
#include "launcher/http/events.hpp"
#include "launcher/http/route_table.hpp"
#include "launcher/http/viewers.hpp"
#include "plugins/core/json_text.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class Go2rtcSockets;
class SignalLink;
class Snapshots;

// What the answers come from; all in the main context. Outlives the table.
struct HttpServices {
    Authenticator* auth = nullptr;
    Events* events = nullptr;
    SignedUrls* signed_urls = nullptr;
    CameraEditor* editor = nullptr;
    Snapshots* snapshots = nullptr;
    Go2rtcSockets* go2rtc = nullptr;
    std::function<Json()> cameras;
    std::function<Json()> viewers;
    std::function<std::optional<Json>(const std::string& id)> viewer;
    std::function<std::optional<Viewers::Owner>(const std::string& id)> owner_of_viewer;
    std::function<std::optional<Json>(const std::string& id, const std::string& quality)> set_viewer_quality;
    std::function<bool(const std::string& id, const std::string& reason)> close_viewer;
    // Signalling of viewers (docs/signalling.md) for a client that has been let in; NULL: the server is closing.
    std::function<std::shared_ptr<SignalLink>(const ApiCall& call)> signalling;
    std::function<bool()> ready; // every part works
};

// The services are used by requests only: without any the table still says which routes there are.
RouteTable make_routes(const HttpServices& services);

// Those that webrtcserversink answers on the same port, as it says itself; it asks for the right by its signal `authorize`.
// None: there is no such element.
std::vector<ApiRoute> viewer_routes();

// For people and for programs (`sluice routes`).
std::string routes_text(const std::vector<ApiRoute>& routes);
std::string routes_json(const std::vector<ApiRoute>& routes);
std::string right_of(const ApiRoute& route); // in words

// Each file adds its own.
void add_page_routes(RouteTable& table);
void add_health_routes(RouteTable& table, const HttpServices& services);
void add_session_routes(RouteTable& table, const HttpServices& services);
void add_snapshot_routes(RouteTable& table, const HttpServices& services);
void add_go2rtc_routes(RouteTable& table, const HttpServices& services);
void add_viewer_routes(RouteTable& table, const HttpServices& services);
// After all others: it knows those of them that take signed addresses.
void add_signed_url_routes(RouteTable& table, const HttpServices& services);

} // namespace sluice
