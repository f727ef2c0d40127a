// SPDX-License-Identifier: LGPL-2.1-or-later
// Who watches: seen and closed by those who operate the camera; a session's own viewer sees it, too, and chooses its quality.
#include "launcher/http/message.hpp"
#include "launcher/http/routes.hpp"

namespace sluice {

namespace {

using Access = ApiRoute::Access;

void list(const ApiCall& call, const HttpServices& s) {
    Json out = Json::array();
    for (const Json& viewer : s.viewers())
        if (call.who.rights.allows(Action::operate, viewer["camera"].get_ref<const std::string&>()))
            out.push_back(viewer);
    respond_json(call.message, 200, dump(Json{{"viewers", out}}));
}

void not_found(const ApiCall& call) {
    respond_problem(call.message, ErrorKind::not_found, "there is no viewer with this id");
}

// Who does not operate its camera does not learn whether there is such a viewer.
bool operates(const ApiCall& call, const std::optional<Viewers::Owner>& viewer) {
    return viewer ? call.who.rights.allows(Action::operate, viewer->camera)
                  : call.who.rights.allows_everywhere(Action::operate);
}

bool owns(const ApiCall& call, const std::optional<Viewers::Owner>& viewer) {
    return viewer && viewer->principal == call.who.principal;
}

void close(const ApiCall& call, const HttpServices& s) {
    const std::string& id = call.path.at("id");
    const auto viewer = s.owner_of_viewer(id);
    if (!operates(call, viewer))
        respond_problem(call.message, ErrorKind::forbidden, "you do not operate the camera of this viewer");
    else if (viewer && s.close_viewer(id, "closed by an administrator"))
        soup_server_message_set_status(call.message, 204, nullptr);
    else
        not_found(call);
}

// Its own viewer, and who operates its camera; false: is answered already.
bool may_look(const ApiCall& call, const HttpServices& s, const std::string& id) {
    const auto owner = s.owner_of_viewer(id);
    if (owns(call, owner) || operates(call, owner))
        return true;
    respond_problem(call.message, ErrorKind::forbidden, "this session is not yours, and you do not operate its camera");
    return false;
}

void get(const ApiCall& call, const HttpServices& s) {
    const std::string& id = call.path.at("id");
    if (!may_look(call, s, id))
        return;
    if (const auto viewer = s.viewer(id))
        respond_json(call.message, 200, dump(*viewer));
    else
        not_found(call);
}

void set_quality(const ApiCall& call, const HttpServices& s) {
    const std::string& id = call.path.at("id");
    if (!may_look(call, s, id))
        return;
    if (request_header(call.message, "Content-Type").rfind("application/json", 0) != 0)
        return respond_problem(call.message, ErrorKind::unsupported_media_type, "send application/json");
    std::vector<ConfigError> errors;
    const Json body = parse_json_text(request_body(call.message), errors);
    if (!errors.empty() || !body.is_object() || body.size() != 1 || text_of(body, "quality").empty())
        return respond_problem(call.message, ErrorKind::bad_input,
                               R"(send {"quality": "auto"} or, with the name of a stream, {"quality": "sub"})");
    if (const auto problem = s.set_viewer_quality(id, text_of(body, "quality").substr(0, 64)))
        respond(call.message, problem->value("status", 503u), "application/problem+json", dump(*problem));
    else
        soup_server_message_set_status(call.message, 204, nullptr);
}

} // namespace

void add_viewer_routes(RouteTable& table, const HttpServices& s) {
    table.add({"GET", "/api/v1/viewers", Access::logged_in}, [&s](const ApiCall& call) { list(call, s); });
    table.add({"GET", "/api/v1/viewers/{id}", Access::logged_in}, [&s](const ApiCall& call) { get(call, s); });
    table.add({"PATCH", "/api/v1/viewers/{id}", Access::logged_in},
              [&s](const ApiCall& call) { set_quality(call, s); });
    table.add({"DELETE", "/api/v1/viewers/{id}", Access::logged_in}, [&s](const ApiCall& call) { close(call, s); });
}

} // namespace sluice
