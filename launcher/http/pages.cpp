// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of the page, which are part of the program.
#include "launcher/auth/session_store.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/routes.hpp"
#include "plugins/core/refs.hpp"

#include <gio/gio.h>

namespace sluice {

namespace {

using Access = ApiRoute::Access;

const char* content_type(const std::string& name) {
    const std::string ending = name.substr(std::min(name.rfind('.'), name.size()));
    if (ending == ".html")
        return "text/html; charset=utf-8";
    if (ending == ".js")
        return "text/javascript; charset=utf-8";
    if (ending == ".css")
        return "text/css; charset=utf-8";
    if (ending == ".json")
        return "application/json";
    if (ending == ".svg")
        return "image/svg+xml";
    return "application/octet-stream";
}

void serve(SoupServerMessage* message, const std::string& name) {
    const Ref<GBytes> bytes =
        adopt(g_resources_lookup_data(("/sluice/web/" + name).c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr));
    if (!bytes) {
        respond_problem(message, ErrorKind::not_found, "there is nothing at this address");
        return;
    }
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
    const std::string tag = "\"" + sha256_hex({data, size}).substr(0, 32) + "\"";
    set_header(message, "Cache-Control", "no-cache"); // may be kept, but is asked for each time
    set_header(message, "ETag", tag);
    if (request_header(message, "If-None-Match") == tag)
        soup_server_message_set_status(message, 304, nullptr);
    else
        respond(message, 200, content_type(name), {data, size});
}

} // namespace

void add_page_routes(RouteTable& table) {
    const auto add = [&](const char* path, Access access, const std::string& name) {
        table.add({"GET", path, access}, [name](const ApiCall& call) { serve(call.message, name); });
    };
    // One player, which dashboards put into a frame: pages of this server may.
    table.add({"GET", "/stream.html", Access::logged_in}, [](const ApiCall& call) {
        allow_own_frames(call.message);
        serve(call.message, "stream.html");
    });
    add("/", Access::logged_in, "index.html");
    add("/api/v1/openapi.json", Access::logged_in, "openapi.json");
    // What a browser needs before anybody has logged in.
    add("/login", Access::everybody, "login.html");
    for (const char* name : {"login.js", "style.css", "icon.svg"})
        add(("/" + std::string(name)).c_str(), Access::everybody, name);
    for (const char* name : {"app.js", "details.js", "feed.js", "keys.js", "player.js", "signalling.js", "status.js",
                             "stream.js", "tile.js"})
        add(("/" + std::string(name)).c_str(), Access::logged_in, name);
}

} // namespace sluice
