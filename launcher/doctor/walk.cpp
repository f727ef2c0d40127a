// SPDX-License-Identifier: LGPL-2.1-or-later
// Up to the camera's state; walk_media.cpp goes on from there.
#include "launcher/doctor/walk.hpp"

#include "launcher/doctor/connect.hpp"
#include "launcher/doctor/diagnose.hpp"
#include "launcher/doctor/route.hpp"
#include "launcher/doctor/tcp_probe.hpp"

#include <algorithm>

namespace sluice::doctor {

namespace {

constexpr double name_seconds = 5, tcp_seconds = 4, proxy_seconds = 8, tls_seconds = 8, http_seconds = 10,
                 socket_seconds = 6;

std::vector<CameraFacts> cameras_of(const std::string& body) {
    std::vector<ConfigError> errors;
    const Json json = parse_json_text(body, errors);
    std::vector<CameraFacts> out;
    if (!errors.empty() || !json.is_object() || !json.contains("cameras") || !json["cameras"].is_array())
        return out;
    // Another version of Sluice, or a proxy, may answer what it likes.
    const auto text = [](const Json& of, const char* key) {
        return of.contains(key) && of[key].is_string() ? of[key].get<std::string>() : std::string();
    };
    const auto number = [](const Json& of, const char* key) {
        return of.contains(key) && of[key].is_number() ? of[key].get<double>() : 0.0;
    };
    const auto flag = [](const Json& of, const char* key, bool without) {
        return of.contains(key) && of[key].is_boolean() ? of[key].get<bool>() : without;
    };
    for (const Json& item : json["cameras"]) {
        if (!item.is_object() || text(item, "name").empty())
            continue;
        CameraFacts camera;
        camera.name = text(item, "name");
        camera.webrtc = flag(item, "webrtc", true);
        if (item.contains("streams") && item["streams"].is_array())
            for (const Json& s : item["streams"])
                if (s.is_object())
                    camera.streams.push_back({text(s, "name"), text(s, "state"), text(s, "failure"), text(s, "reason"),
                                              text(s, "codec"), flag(s, "on-demand", false), number(s, "fps"),
                                              static_cast<unsigned>(std::clamp(number(s, "width"), 0.0, 65535.0)),
                                              static_cast<unsigned>(std::clamp(number(s, "height"), 0.0, 65535.0))});
        out.push_back(std::move(camera));
    }
    return out;
}

bool plays(const CameraFacts& c) { return c.webrtc && !c.streams.empty() && c.streams.front().state == "streaming"; }

} // namespace

Walk::Walk(const Order& order, Wait& wait, Report& report)
    : order_(order), wait_(wait), report_(report),
      web_(wait, {order.via, order.authorities, order.check_certificate, order.authorization}) {
    tested_.url = order.target.base;
    tested_.host = g_get_host_name();
    tested_.via = order.via ? order.via->shown : "";
    tested_.credentials = order.kind == CredentialFacts::Kind::password ? "password"
                          : order.kind == CredentialFacts::Kind::token  ? "token"
                                                                        : "none";
    tested_.user = order.user;
    tested_.camera = order.camera;
}

void Walk::go() {
    if (!find_edge() || !log_in())
        return;
    // A player may do without WebSockets, and they without a camera: neither keeps the other from being looked at.
    open_sockets();
    if (go_on() && look_at_camera() && go_on() && negotiate() && connect_media() && encrypt() && wait_for_picture())
        watch();
    say_goodbye();
}

bool Walk::step(const char* id, const Finding& finding, double ms, Json facts) {
    // What fails because of Ctrl-C says nothing.
    if (finding.mark == Mark::fail && wait_.interrupted())
        return false;
    return report_.add({id, finding, ms, std::move(facts)}) && go_on();
}

Finding Walk::with_reason(const Finding& finding) {
    // A TLS handshake holds large packets, too.
    const bool silent = finding.cause == Cause::http_no_answer || finding.cause == Cause::tls_failed;
    if (!silent || order_.via || !go_on())
        return finding;
    return diagnose_silence(finding, probe_tcp_sizes(wait_, order_.target, tested_.server_address));
}

HttpFacts Walk::get(const std::string& path, bool with_credentials) {
    return web_.ask({.url = order_.target.url(path), .with_credentials = with_credentials, .seconds = http_seconds});
}

bool Walk::find_edge() {
    const std::string host = order_.via ? order_.via->host : order_.target.host;
    const uint16_t port = order_.via ? order_.via->port : order_.target.port;
    Stopwatch watch;
    const NameFacts name = resolve(wait_, host, name_seconds);
    if (!step("name", diagnose_name(name), watch.ms(), {{"addresses", name.addresses}}))
        return false;

    watch = {};
    Ref<GSocketConnection> connection;
    const std::vector<TcpTry> tries = try_addresses(wait_, name.addresses, port, tcp_seconds, &connection);
    Json facts = Json::array();
    for (const TcpTry& t : tries) {
        facts.push_back(to_json(t));
        if (t.error == TcpError::none && tested_.server_address.empty())
            tested_.server_address = t.address;
    }
    const std::string nearest = !tested_.server_address.empty() ? tested_.server_address
                                : name.addresses.empty()        ? ""
                                                                : name.addresses.front();
    const Route route = route_to(nearest, port);
    tested_.local_address = route.local_address;
    tested_.interface_name = route.interface_name;
    tested_.interface_mtu = route.interface_mtu;
    tested_.tunnel = route.tunnel;
    if (!step("tcp", diagnose_tcp(tries), watch.ms(), {{"port", port}, {"tries", facts}}))
        return false;

    if (order_.via && order_.target.tls) {
        watch = {};
        const ProxyTry proxy = connect_through(wait_, *order_.via, order_.target, proxy_seconds);
        connection = proxy.connection;
        if (!step("proxy", diagnose_proxy(proxy.error, proxy.asks_credentials), watch.ms()))
            return false;
    }
    if (order_.target.tls) {
        watch = {};
        TlsFacts tls =
            shake_hands(wait_, G_IO_STREAM(connection.get()), order_.target, order_.authorities.get(), tls_seconds);
        tls.checked = order_.check_certificate;
        const double ms = watch.ms();
        if (!step("tls", with_reason(diagnose_tls(tls)), ms, to_json(tls)))
            return false;
    }
    connection = nullptr;

    watch = {};
    const HttpFacts health = get("/healthz", false);
    const double ms = watch.ms();
    anonymous_ = health.status ? get("/api/v1/cameras", false) : HttpFacts{};
    const Finding finding = diagnose_http(health, health.status ? anonymous_ : health);
    return step("http", with_reason(finding), ms,
                {{"healthz", health.status}, {"without-credentials", anonymous_.status}});
}

bool Walk::log_in() {
    Stopwatch watch;
    list_ = order_.kind == CredentialFacts::Kind::none ? anonymous_ : get("/api/v1/cameras", true);
    const CredentialFacts facts{order_.kind, order_.user, anonymous_, list_};
    const double login_ms = watch.ms();
    if (!step("credentials", with_reason(diagnose_credentials(facts)), login_ms, {{"status", list_.status}}))
        return false;

    watch = {};
    const std::vector<CameraFacts> cameras = cameras_of(list_.body);
    RightsFacts rights;
    rights.principal = order_.kind == CredentialFacts::Kind::token ? "the token"
                       : order_.user.empty()                       ? "one"
                                                                   : order_.user;
    for (const CameraFacts& c : cameras)
        rights.visible.push_back(c.name);
    rights.camera = order_.camera;
    if (rights.camera.empty() && !cameras.empty()) {
        const auto playing = std::find_if(cameras.begin(), cameras.end(), plays);
        rights.camera = playing == cameras.end() ? cameras.front().name : playing->name;
    }
    for (const CameraFacts& c : cameras)
        if (c.name == rights.camera) {
            rights.listed = true;
            camera_ = c;
        }
    tested_.camera = rights.camera;
    if (!rights.camera.empty()) {
        const GString8 name(g_uri_escape_string(rights.camera.c_str(), nullptr, FALSE));
        if (!rights.listed)
            rights.one = get(std::string("/api/v1/cameras/") + name.get(), true);
        rights.view = get(std::string("/whep/") + name.get(), true);
    }
    const double ms = watch.ms();
    return step("rights", with_reason(diagnose_rights(rights)), ms,
                {{"cameras", rights.visible}, {"view", rights.view.status}});
}

bool Walk::open_sockets() {
    struct Place {
        const char *id, *path, *protocol;
    };
    constexpr Place places[] = {{"websocket-events", "/api/v1/events", "sluice.events.v1"},
                                {"websocket-signalling", "/ws", "sluice.v1"}};
    bool good = true;
    for (const Place& place : places) {
        if (!go_on())
            return false;
        const Stopwatch watch;
        SocketFacts facts;
        facts.path = place.path;
        facts.with_credentials = order_.kind != CredentialFacts::Kind::none;
        const std::string url = order_.target.url(place.path);
        const Web::Socket socket = web_.open_socket(url, place.protocol, "", socket_seconds);
        const double ms = watch.ms();
        facts.connected = socket.connected;
        facts.message = socket.message;
        facts.upgrade = socket.answer;
        if (!socket.connected) {
            facts.plain = get(place.path, true);
        } else if (go_on()) {
            const Web::Socket page = web_.open_socket(url, place.protocol, order_.target.origin(), socket_seconds);
            facts.page_status = page.connected ? 101 : page.answer.status;
        }
        good &= step(place.id, diagnose_socket(facts), ms,
                     {{"upgrade", socket.connected ? 101 : socket.answer.status},
                      {"plain", socket.connected ? Json() : Json(facts.plain.status)},
                      {"from-a-page", facts.page_status ? Json(*facts.page_status) : Json()}});
    }
    return good;
}

bool Walk::look_at_camera() {
    Json streams = Json::array();
    for (const StreamFacts& s : camera_.streams)
        streams.push_back({{"name", s.name}, {"state", s.state}, {"failure", s.failure}, {"codec", s.codec}});
    return step("camera", diagnose_camera(camera_), 0, {{"streams", streams}});
}

} // namespace sluice::doctor
