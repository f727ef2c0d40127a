// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/route_table.hpp"

#include "launcher/http/go2rtc_source.hpp"

#include <utility>

namespace sluice {

namespace {

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> out;
    for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find('/', at), path.size());
        out.emplace_back(path.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

bool is_placeholder(const std::string& segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

} // namespace

void RouteTable::add(ApiRoute route, Handler handler) {
    std::vector<std::string> segments = split(route.path);
    entries_.push_back({std::move(route), std::move(handler), std::move(segments)});
}

RouteTable::Found RouteTable::find(std::string_view method, std::string_view path) const {
    const std::vector<std::string> asked = split(path);
    Found out;
    for (const Entry& entry : entries_) {
        if (entry.segments.size() != asked.size())
            continue;
        std::map<std::string, std::string, std::less<>> values;
        bool same = true;
        for (size_t i = 0; same && i < asked.size(); i++) {
            const std::string& segment = entry.segments[i];
            if (is_placeholder(segment) && !asked[i].empty())
                values[segment.substr(1, segment.size() - 2)] = asked[i];
            else
                same = segment == asked[i];
        }
        if (!same)
            continue;
        const bool read = entry.route.method == "GET";
        out.allowed += (out.allowed.empty() ? "" : ", ") + entry.route.method + (read ? ", HEAD" : "");
        out.for_everybody = out.for_everybody && entry.route.access == ApiRoute::Access::everybody;
        if (entry.route.method == method || (read && method == "HEAD")) {
            out.route = &entry.route;
            out.handler = &entry.handler;
            out.path = std::move(values);
        }
    }
    return out;
}

std::string RouteTable::camera_of(const ApiRoute& route, const Values& path, const Values& query) {
    if (const auto camera = path.find("camera"); camera != path.end())
        return camera->second;
    return route.query_camera.empty() ? std::string() : go2rtc_source(query, route.query_camera).camera;
}

std::vector<ApiRoute> RouteTable::routes() const {
    std::vector<ApiRoute> out;
    for (const Entry& entry : entries_)
        out.push_back(entry.route);
    return out;
}

} // namespace sluice
