// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/routes.hpp"

#include "launcher/http/api_json.hpp"
#include "launcher/http/message.hpp"

namespace sluice {

namespace {

using Access = ApiRoute::Access;

void add_camera_routes(RouteTable& table, const HttpServices& s) {
    table.add({"GET", "/api/v1/cameras", Access::logged_in}, [&s](const ApiCall& call) {
        respond_json(call.message, 200, dump(Json{{"cameras", seen_by(call.who.rights, s.cameras())}}));
    });
    table.add({"GET", "/api/v1/cameras/{camera}", Access::logged_in}, [&s](const ApiCall& call) {
        // Whether it is there is told only to who may see it.
        if (!call.who.rights.sees(call.camera))
            respond_problem(call.message, ErrorKind::forbidden, "you have no right on this camera");
        else
            camera_api::get(call.message, *s.editor, call.camera, call.who.rights.allows(Action::operate, call.camera));
    });
    table.add({"PUT", "/api/v1/cameras/{camera}", Access::camera, Action::operate},
              [&s](const ApiCall& call) { camera_api::put(call.message, *s.editor, call.camera, call.who.principal); });
    table.add({"DELETE", "/api/v1/cameras/{camera}", Access::camera, Action::operate}, [&s](const ApiCall& call) {
        camera_api::remove(call.message, *s.editor, call.camera, call.who.principal);
    });
    ApiRoute events{"GET", Events::path, Access::logged_in};
    events.websocket = true;
    table.add(events, [&s](const ApiCall& call) {
        s.events->upgrade(call.message, {call.who.principal, call.who.session, call.who.expires, call.who.rights});
    });
}

} // namespace

RouteTable make_routes(const HttpServices& services) {
    RouteTable table;
    add_health_routes(table, services);
    add_page_routes(table);
    add_session_routes(table, services);
    add_camera_routes(table, services);
    add_viewer_routes(table, services);
    add_snapshot_routes(table, services);
    add_go2rtc_routes(table, services);
    add_signed_url_routes(table, services);
    return table;
}

} // namespace sluice
