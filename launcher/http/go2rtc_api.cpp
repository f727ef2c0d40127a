// SPDX-License-Identifier: LGPL-2.1-or-later
// The paths that dashboards made for go2rtc ask; docs/compat-go2rtc.md says which and how they differ.
#include "launcher/config/url.hpp"
#include "launcher/http/go2rtc_sockets.hpp"
#include "launcher/http/go2rtc_streams.hpp"
#include "launcher/http/go2rtc_webrtc.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/query.hpp"
#include "launcher/http/snapshot_api.hpp"
#include "plugins/core/sluicechannel.h"

#include <charconv>

namespace sluice {

namespace {

using Access = ApiRoute::Access;

constexpr size_t max_offer = 64 * 1024;

// All values of a parameter, in their order.
std::vector<std::string> values(SoupServerMessage* message, const char* name) {
    std::vector<std::string> out;
    const char* query = g_uri_get_query(soup_server_message_get_uri(message));
    GUriParamsIter iter;
    g_uri_params_iter_init(&iter, query ? query : "", -1, "&", G_URI_PARAMS_WWW_FORM);
    char *key = nullptr, *value = nullptr;
    while (g_uri_params_iter_next(&iter, &key, &value, nullptr)) {
        const GString8 held_key(key), held_value(value);
        if (held_key.get() == std::string_view(name))
            out.emplace_back(value);
    }
    return out;
}

std::string sound_of(const std::string& channel) {
    const Ref<SluiceChannel> held = adopt(sluice_channel_lookup(channel.c_str()));
    Ref<GstCaps> caps;
    if (held)
        g_object_get(held.get(), "audio-caps", caps.out(), nullptr);
    const Codec codec = codec_from_caps(caps.get());
    return codec == Codec::other ? "" : codec_name(codec);
}

// Adds the camera's streams under the names they have in this interface.
void add_streams(Json& all, const ApiCall& call, const HttpServices& s, const Json& camera, const Json& viewers) {
    const std::string name = camera.value("name", "");
    if (!call.who.rights.sees(name))
        return;
    Json description; // where a camera is, is for those who may change it
    if (call.who.rights.allows(Action::operate, name))
        if (const auto known = s.editor->find(name))
            description = Json::parse(known->description);
    for (const Json& stream : camera.value("streams", Json::array())) {
        const Go2rtcSource source{name, stream.value("name", "")};
        all[source.name()] = go2rtc_stream(camera, stream, description, sound_of(stream.value("channel", "")), viewers);
    }
}

void list_streams(const ApiCall& call, const HttpServices& s) {
    const Json viewers = s.viewers();
    Json all = Json::object();
    if (const auto src = call.query.find("src"); src != call.query.end() && !src->second.empty()) {
        const Go2rtcSource source = go2rtc_source(src->second);
        if (const auto camera = s.editor->find(source.camera))
            add_streams(all, call, s, camera->status, viewers);
        if (!all.contains(source.name()))
            return respond_problem(call.message, ErrorKind::not_found, "there is no stream with this name");
        return respond_json(call.message, 200, dump(all[source.name()]));
    }
    for (const Json& camera : s.cameras())
        add_streams(all, call, s, camera, viewers);
    respond_json(call.message, 200, dump(all));
}

void refuse(SoupServerMessage* message, const CameraEditor::Refusal& refusal) {
    std::string text = refusal.error.text;
    for (const ConfigError& error : refusal.details)
        text += "; " + (error.where.empty() ? error.text : error.where + ": " + error.text);
    // These clients know no 422.
    respond_problem(message, refusal.error.kind == ErrorKind::bad_config ? ErrorKind::bad_input : refusal.error.kind,
                    text);
}

void put_stream(const ApiCall& call, const HttpServices& s) {
    SoupServerMessage* message = call.message;
    const auto name = call.query.find("name");
    if (name == call.query.end() || name->second.empty())
        return respond_problem(message, ErrorKind::bad_input,
                               std::string("name: found nothing, allowed: ") + config_name_allowed);
    const auto registration = go2rtc_registration(name->second, values(message, "src"));
    if (!registration)
        return respond_problem(message, registration.error().kind, registration.error().text);
    const auto done = [&] { respond(message, 200, "text/plain; charset=utf-8", ""); };
    const auto before = s.editor->find(name->second);
    Json description = before ? Json::parse(before->description) : Json::object();
    // Dashboards register at each start what may be there already: what the file describes is as they want it, or is changed there.
    if (before && before->from_file && same_addresses(registration.value(), description))
        return done();
    const auto main = describe(registration.value(),
                               [&](const Secret& secret) { return s.editor->keep_secret(name->second, secret); });
    if (!main)
        return respond_problem(message, main.error().kind, main.error().text);
    if (before && description["streams"].value("main", Json()) == main.value())
        return done();
    description["streams"]["main"] = main.value();
    if (const auto refusal = s.editor->put(name->second, dump(description), call.who.principal))
        return refuse(message, *refusal);
    done();
}

void delete_stream(const ApiCall& call, const HttpServices& s) {
    SoupServerMessage* message = call.message;
    const Go2rtcSource source = go2rtc_source(call.query, "src");
    if (!source.stream.empty())
        return respond_problem(message, ErrorKind::bad_input,
                               "src: found a single stream of a camera, allowed: the name of a camera");
    if (!s.editor->find(source.camera))
        return respond_problem(message, ErrorKind::not_found, "there is no stream with this name");
    if (const auto refusal = s.editor->remove(source.camera, call.who.principal))
        return refuse(message, *refusal);
    respond(message, 200, "text/plain; charset=utf-8", "");
}

std::optional<unsigned> number(const ApiCall& call, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const auto it = call.query.find(name); it != call.query.end())
            if (const auto out = query_number(it->second); out && *out > 0)
                return out;
    return std::nullopt;
}

// "5s", "1m"; Go's other units are of no use here.
std::chrono::seconds duration(const std::string& text) {
    unsigned count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    if (error != std::errc() || count > 3600 || (unit != "s" && unit != "m"))
        return std::chrono::seconds(0);
    return std::min(std::chrono::seconds(unit == "m" ? count * 60 : count), std::chrono::seconds(3600));
}

void frame(const ApiCall& call, const HttpServices& s) {
    const Go2rtcSource source = go2rtc_source(call.query, "src");
    Snapshots::Ask ask;
    ask.fit = true;
    ask.width = number(call, {"width", "w"});
    ask.height = number(call, {"height", "h"});
    if (const auto cache = call.query.find("cache"); cache != call.query.end())
        ask.max_age = duration(cache->second);
    answer_snapshot(call, s, source.stream.empty() ? "main" : source.stream, std::move(ask));
}

void offer(const ApiCall& call, const HttpServices& s) {
    const Go2rtcSource source = go2rtc_source(call.query, "src");
    if (source.camera.empty())
        return respond_problem(call.message, ErrorKind::bad_input,
                               "src: found nothing, allowed: the name of a camera (nothing can be published here)");
    answer_go2rtc_offer(call, s, source);
}

} // namespace

void add_go2rtc_routes(RouteTable& table, const HttpServices& s) {
    const auto by_query = [](const char* method, const char* path, Action action, const char* parameter) {
        ApiRoute route{method, path, Access::camera, action};
        route.query_camera = parameter;
        return route;
    };
    table.add({"GET", "/api", Access::logged_in}, [](const ApiCall& call) {
        respond_json(call.message, 200,
                     dump(Json{{"version", go2rtc_version},
                               {"host", request_header(call.message, "Host")},
                               {"server", std::string("sluice/") + SLUICE_VERSION}}));
    });
    table.add({"GET", "/api/schemes", Access::logged_in}, [](const ApiCall& call) {
        respond_json(call.message, 200, dump(Json{"rtsp", "rtsps", "http", "https", "srt", "test"}));
    });
    table.add({"GET", "/api/streams", Access::logged_in}, [&s](const ApiCall& call) { list_streams(call, s); });
    table.add(by_query("PUT", "/api/streams", Action::operate, "name"),
              [&s](const ApiCall& call) { put_stream(call, s); });
    table.add(by_query("DELETE", "/api/streams", Action::operate, "src"),
              [&s](const ApiCall& call) { delete_stream(call, s); });
    table.add(by_query("GET", "/api/frame.jpeg", Action::snapshot, "src"),
              [&s](const ApiCall& call) { frame(call, s); });
    ApiRoute post = by_query("POST", "/api/webrtc", Action::view, "src");
    post.max_body = max_offer;
    table.add(post, [&s](const ApiCall& call) { offer(call, s); });
    ApiRoute socket = by_query("GET", "/api/ws", Action::view, "src");
    socket.websocket = true;
    table.add(socket, [&s](const ApiCall& call) { s.go2rtc->upgrade(call); });
}

} // namespace sluice
