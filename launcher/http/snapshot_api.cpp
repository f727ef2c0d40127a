// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/snapshot_api.hpp"

#include "launcher/config/time_text.hpp"
#include "launcher/config/url.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/pending.hpp"
#include "launcher/http/query.hpp"

#include <ctime>

namespace sluice {

namespace {

using Access = ApiRoute::Access;

constexpr unsigned longest_age = 3600;

const std::string* parameter(const ApiCall& call, const char* name) {
    const auto it = call.query.find(name);
    return it == call.query.end() ? nullptr : &it->second;
}

// RFC 9110 section 5.6.7
std::string http_date(int64_t unix_us) {
    const time_t seconds = unix_us / G_USEC_PER_SEC;
    tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    return std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) ? text : "";
}

void answer(SoupServerMessage* message, const Result<Snapshots::Picture>& result) {
    if (!result) {
        const ErrorKind kind = result.error().kind;
        if (kind == ErrorKind::unavailable || kind == ErrorKind::too_many)
            set_header(message, "Retry-After", kind == ErrorKind::too_many ? "1" : "5");
        return respond_problem(message, kind, result.error().text);
    }
    const Snapshots::Picture& picture = result.value();
    const int64_t age = std::max<int64_t>(g_get_real_time() - picture.of->taken_us, 0) / G_USEC_PER_SEC;
    set_header(message, "Cache-Control", "private, no-cache"); // may be kept, but is asked for each time
    set_header(message, "ETag", picture.tag);
    set_header(message, "Last-Modified", http_date(picture.of->taken_us));
    set_header(message, "Age", std::to_string(age));
    if (picture.of->camera_us)
        set_header(message, "Sluice-Capture-Time", utc_text(*picture.of->camera_us / 1000));
    if (!picture.jpeg) {
        soup_server_message_set_status(message, 304, nullptr);
        return;
    }
    soup_server_message_set_status(message, 200, nullptr);
    soup_message_headers_set_content_type(soup_server_message_get_response_headers(message), "image/jpeg", nullptr);
    SoupMessageBody* body = soup_server_message_get_response_body(message);
    soup_message_body_append_bytes(body, picture.jpeg.get());
}

void get(const ApiCall& call, const HttpServices& services) {
    Snapshots::Ask ask;
    const auto wrong = [&](const char* name, const std::string& found, const std::string& allowed) {
        respond_problem(call.message, ErrorKind::bad_input,
                        std::string(name) + ": found " + quote_for_message(found) + ", allowed: " + allowed);
    };
    if (const std::string* width = parameter(call, "width")) {
        ask.width = query_number(*width);
        if (!ask.width)
            return wrong("width", *width,
                         "an even number from " + std::to_string(Snapshots::least_width) + " to the camera's own");
    }
    if (const std::string* age = parameter(call, "max-age")) {
        const auto seconds = query_number(*age);
        if (!seconds || *seconds > longest_age)
            return wrong("max-age", *age, "seconds, 0 to " + std::to_string(longest_age));
        ask.max_age = std::chrono::seconds(*seconds);
    }
    const std::string* stream = parameter(call, "stream");
    answer_snapshot(call, services, stream ? *stream : "main", std::move(ask));
}

} // namespace

void answer_snapshot(const ApiCall& call, const HttpServices& services, const std::string& stream, Snapshots::Ask ask) {
    SoupServerMessage* message = call.message;
    const auto camera = services.editor->find(call.camera);
    if (!camera)
        return respond_problem(message, ErrorKind::not_found, "there is no camera with this name");
    std::string names;
    for (const Json& s : camera->status.value("streams", Json::array())) {
        const std::string name = s.value("name", "");
        names += (names.empty() ? "" : ", ") + name;
        if (name != stream)
            continue;
        ask.channel = s.value("channel", "");
        ask.on_demand = s.value("on-demand", false);
    }
    if (ask.channel.empty())
        return respond_problem(message, ErrorKind::not_found,
                               "the camera has no stream " + quote_for_message(stream) + ", it has: " + names);
    ask.description = camera->description;
    ask.known_tag = request_header(message, "If-None-Match");
    answer_later(message, [&](const Resume& resume) {
        services.snapshots->take(ask, [resume, message](const Result<Snapshots::Picture>& result) {
            resume([&] { answer(message, result); });
        });
    });
}

void add_snapshot_routes(RouteTable& table, const HttpServices& s) {
    ApiRoute snapshot{"GET", "/api/v1/cameras/{camera}/snapshot.jpg", Access::camera, Action::snapshot};
    snapshot.signed_url = true;
    table.add(std::move(snapshot), [&s](const ApiCall& call) { get(call, s); });
}

} // namespace sluice
