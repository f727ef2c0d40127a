// SPDX-License-Identifier: LGPL-2.1-or-later
// A request's method and path, one line each, against routes like those of the launcher.
#include "launcher/http/route_table.hpp"
#include "tests/fuzz/launcher_input.hpp"

#include <algorithm>

using namespace sluice;

namespace {

RouteTable make_table() {
    RouteTable table;
    const auto add = [&](const char* method, const char* path) {
        ApiRoute route;
        route.method = method;
        route.path = path;
        table.add(route, [](const ApiCall&) {});
    };
    add("GET", "/");
    add("GET", "/healthz");
    add("POST", "/api/v1/login");
    add("GET", "/api/v1/cameras");
    add("GET", "/api/v1/cameras/{camera}");
    add("PUT", "/api/v1/cameras/{camera}");
    add("DELETE", "/api/v1/cameras/{camera}");
    add("GET", "/api/v1/cameras/{camera}/snapshot.jpg");
    add("DELETE", "/api/v1/viewers/{id}");
    add("GET", "/{a}/{b}/end");
    return table;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const RouteTable table = make_table();
    const std::string_view text = test::text_of(data, size);
    const std::string_view method = text.substr(0, text.find('\n'));
    const std::string_view path = text.substr(std::min(method.size() + 1, text.size()));
    const RouteTable::Found found = table.find(method, path);
    FUZZ_CHECK((found.route == nullptr) == (found.handler == nullptr));
    if (!found.route) {
        FUZZ_CHECK(found.path.empty());
        return 0;
    }
    FUZZ_CHECK(!found.allowed.empty() && !found.for_everybody);
    FUZZ_CHECK(found.route->method == method || (found.route->method == "GET" && method == "HEAD"));
    // With the values in their places the route is the path, byte by byte: no other spelling leads to it.
    std::string whole = found.route->path;
    for (const auto& [name, value] : found.path) {
        FUZZ_CHECK(!value.empty() && value.find('/') == std::string::npos);
        const std::string place = "{" + name + "}";
        const size_t at = whole.find(place);
        FUZZ_CHECK(at != std::string::npos);
        whole.replace(at, place.size(), value.find('{') == std::string::npos ? value : std::string(value.size(), 'x'));
    }
    if (path.find('{') == std::string_view::npos)
        FUZZ_CHECK(whole == path);
    FUZZ_CHECK(std::count(whole.begin(), whole.end(), '/') == std::count(path.begin(), path.end(), '/'));
    return 0;
}
