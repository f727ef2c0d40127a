// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/routes.hpp"
#include "plugins/core/structure_json.hpp"

#include <algorithm>

namespace sluice {

std::vector<ApiRoute> viewer_routes() {
    const Ref<GstElement> element = sink(gst_element_factory_make("webrtcserversink", nullptr));
    if (!element)
        return {};
    GstStructure* raw = nullptr;
    g_object_get(element.get(), "routes", &raw, nullptr);
    const GstStructurePtr held(raw);
    const auto all = structure_to_json<Json>(held.get());
    std::vector<ApiRoute> out;
    for (const Json& route : all.at("routes")) {
        const std::string action = route["action"];
        ApiRoute one{route["method"], route["path"]};
        one.websocket = route["websocket"];
        // "connect": a WebSocket. One that has not said yet which cameras it wants to see needs any right, and is asked again.
        const bool connect = action == "connect", names_camera = one.path.find("{camera}") != std::string::npos;
        one.access = action.empty()             ? ApiRoute::Access::everybody
                     : connect && !names_camera ? ApiRoute::Access::logged_in
                                                : ApiRoute::Access::camera;
        if (one.access == ApiRoute::Access::camera)
            one.action = connect ? Action::view : parse_action(action).value_or(Action::admin);
        out.push_back(std::move(one));
    }
    return out;
}

std::string routes_text(const std::vector<ApiRoute>& routes) {
    size_t methods = 0, paths = 0;
    for (const ApiRoute& route : routes) {
        methods = std::max(methods, route.method.size());
        paths = std::max(paths, route.path.size());
    }
    std::string out;
    for (const ApiRoute& route : routes)
        out += route.method + std::string(methods + 2 - route.method.size(), ' ') + route.path +
               std::string(paths + 2 - route.path.size(), ' ') + right_of(route) +
               (route.websocket ? " (WebSocket)" : "") + "\n";
    return out;
}

std::string right_of(const ApiRoute& route) {
    switch (route.access) {
    case ApiRoute::Access::everybody: return "everybody";
    case ApiRoute::Access::logged_in: return "any right";
    case ApiRoute::Access::camera: return std::string(to_string(route.action)) + " on the camera";
    case ApiRoute::Access::server: return std::string(to_string(route.action)) + " on all cameras";
    }
    return {};
}

std::string routes_json(const std::vector<ApiRoute>& routes) {
    Json list = Json::array();
    for (const ApiRoute& route : routes) {
        constexpr const char* access[] = {"everybody", "any-right", "camera", "server"};
        Json one{{"method", route.method},
                 {"path", route.path},
                 {"access", access[static_cast<size_t>(route.access)]},
                 {"websocket", route.websocket}};
        if (route.access == ApiRoute::Access::camera || route.access == ApiRoute::Access::server)
            one["action"] = std::string(to_string(route.action));
        if (!route.query_camera.empty())
            one["query-camera"] = route.query_camera;
        list.push_back(std::move(one));
    }
    return Json{{"routes", list}}.dump(2) + "\n";
}

} // namespace sluice
