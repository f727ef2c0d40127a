// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/camera_api.hpp"

#include "launcher/auth/session_store.hpp"
#include "launcher/http/message.hpp"

namespace sluice::camera_api {

namespace {

std::string tag_of(const CameraEditor::Camera& camera) {
    return "\"" + sha256_hex(camera.description).substr(0, 32) + "\"";
}

void not_found(SoupServerMessage* message) {
    respond_problem(message, ErrorKind::not_found, "there is no camera with this name");
}

void refuse(SoupServerMessage* message, const CameraEditor::Refusal& refusal) {
    Json problem = Json::parse(problem_json(refusal.error.kind, refusal.error.text));
    if (!refusal.details.empty())
        problem["errors"] = Json::array();
    for (const ConfigError& error : refusal.details) {
        // Where the text is no JSON there is no pointer, but a line and a column.
        const bool pointer = error.where.empty() || error.where.front() == '/';
        problem["errors"].push_back(Json{{"pointer", pointer ? error.where : ""},
                                         {"message", pointer ? error.text : error.where + ": " + error.text}});
    }
    respond(message, static_cast<unsigned>(error_info(refusal.error.kind).http_status), "application/problem+json",
            dump(problem));
}

// One of the tags in a list of them.
bool names(const std::string& header, const std::string& tag) {
    return header == "*" || header.find(tag) != std::string::npos;
}

bool as_expected(SoupServerMessage* message, const std::optional<CameraEditor::Camera>& camera) {
    const std::string wanted = request_header(message, "If-Match"), unwanted = request_header(message, "If-None-Match");
    if (!wanted.empty() && !(camera && names(wanted, tag_of(*camera))))
        respond_problem(message, ErrorKind::precondition_failed,
                        camera ? "somebody has changed the camera since" : "the camera is not there any more");
    else if (!unwanted.empty() && camera && names(unwanted, tag_of(*camera)))
        respond_problem(message, ErrorKind::precondition_failed, "there is a camera with this name already");
    else
        return true;
    return false;
}

void describe(SoupServerMessage* message, unsigned status, const CameraEditor::Camera& camera, bool with_description) {
    Json out = camera.status;
    out["origin"] = camera.from_file ? "file" : "api";
    if (with_description) {
        out["description"] = Json::parse(camera.description);
        set_header(message, "ETag", tag_of(camera));
    }
    respond_json(message, status, dump(out));
}

} // namespace

void get(SoupServerMessage* message, const CameraEditor& editor, const std::string& name, bool with_description) {
    if (const auto camera = editor.find(name))
        describe(message, 200, *camera, with_description);
    else
        not_found(message);
}

void put(SoupServerMessage* message, CameraEditor& editor, const std::string& name, const std::string& who) {
    if (request_header(message, "Content-Type").rfind("application/json", 0) != 0) {
        respond_problem(message, ErrorKind::unsupported_media_type, "send application/json");
        return;
    }
    const auto before = editor.find(name);
    if (!as_expected(message, before))
        return;
    if (const auto refusal = editor.put(name, request_body(message), who)) {
        refuse(message, *refusal);
        return;
    }
    describe(message, before ? 200 : 201, *editor.find(name), true);
}

void remove(SoupServerMessage* message, CameraEditor& editor, const std::string& name, const std::string& who) {
    const auto before = editor.find(name);
    if (!before)
        not_found(message);
    else if (!as_expected(message, before))
        return;
    else if (const auto refusal = editor.remove(name, who))
        refuse(message, *refusal);
    else
        soup_server_message_set_status(message, 204, nullptr);
}

} // namespace sluice::camera_api
