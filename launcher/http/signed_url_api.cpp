// SPDX-License-Identifier: LGPL-2.1-or-later
// POST /api/v1/signed-urls: an address that opens itself for some seconds.
#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/query.hpp"
#include "launcher/http/routes.hpp"

#include <algorithm>
#include <ctime>
#include <memory>

namespace sluice {

namespace {

using Access = ApiRoute::Access;

constexpr const char* own_path = "/api/v1/signed-urls";
constexpr int64_t default_seconds = 60;
constexpr size_t max_address = 2048;

struct Target {
    std::string path; // decoded, as the server reads it
    RouteTable::Values query;
};

// As libsoup reads a request line, so that both mean the same.
std::optional<Target> parse_target(const std::string& address) {
    if (address.empty() || address.front() != '/' || address.size() > max_address ||
        address.find_first_of("#\r\n") != std::string::npos)
        return std::nullopt;
    const size_t question = address.find('?');
    const GString8 path(g_uri_unescape_string(address.substr(0, question).c_str(), nullptr));
    if (!path || std::string_view(path.get()).find("/../") != std::string_view::npos)
        return std::nullopt;
    Target out{path.get(), {}};
    if (question == std::string::npos)
        return out;
    GHashTable* form = soup_form_decode(address.substr(question + 1).c_str());
    out.query = query_values(form);
    g_hash_table_unref(form);
    return out;
}

std::string escaped(const std::string& text, const char* also_allowed) {
    return GString8(g_uri_escape_string(text.c_str(), also_allowed, FALSE)).get();
}

// Relative to this request's own address: a proxy may serve us below a path.
std::string relative(const Target& target, const std::string& token) {
    constexpr std::string_view base = "/api/v1/";
    const bool near = target.path.rfind(base, 0) == 0;
    std::string out = near ? "" : "../../";
    out += escaped(target.path.substr(near ? base.size() : 1), "/:@!$&'()*+,;=");
    out += "?";
    for (const auto& [name, value] : target.query)
        out += escaped(name, nullptr) + "=" + escaped(value, nullptr) + "&";
    return out + "token=" + token;
}

std::string list_of(const RouteTable& signable) {
    std::string out;
    for (const ApiRoute& route : signable.routes())
        out += (out.empty() ? "" : ", ") + route.path;
    return out.empty() ? "none so far" : out;
}

struct Wish {
    std::string path;
    int64_t seconds = default_seconds;
};

std::optional<Wish> read_wish(std::string_view body) {
    std::vector<ConfigError> errors;
    const Json json = parse_json_text(body, errors);
    if (!errors.empty() || !json.is_object() || !json.contains("path") || !json["path"].is_string() ||
        json.size() != 1 + static_cast<size_t>(json.contains("seconds")))
        return std::nullopt;
    Wish out{json["path"].get<std::string>()};
    if (!json.contains("seconds"))
        return out;
    const Json& seconds = json["seconds"];
    if (!seconds.is_number_integer() || seconds < 1 || seconds > max_signed_seconds)
        return std::nullopt;
    out.seconds = seconds.get<int64_t>();
    return out;
}

void sign(const ApiCall& call, const SignedUrls& urls, const RouteTable& signable) {
    SoupServerMessage* message = call.message;
    if (request_header(message, "Content-Type").rfind("application/json", 0) != 0) {
        respond_problem(message, ErrorKind::unsupported_media_type, "send application/json");
        return;
    }
    const auto wish = read_wish(request_body(message));
    if (!wish) {
        respond_problem(message, ErrorKind::bad_input, R"(send {"path": "/api/v1/...", "seconds": 1 to 600})");
        return;
    }
    const auto target = parse_target(wish->path);
    const RouteTable::Found found = target ? signable.find("GET", target->path) : RouteTable::Found();
    const std::string camera =
        found.route ? RouteTable::camera_of(*found.route, found.path, target->query) : std::string();
    if (!is_config_name(camera) || target->query.contains("token")) {
        respond_problem(message, ErrorKind::bad_input,
                        "path: found " + quote_for_message(hide_queries(wish->path)) +
                            ", allowed: an address without token that takes signed ones: " + list_of(signable));
        return;
    }
    if (!call.who.rights.allows(found.route->action, camera)) {
        respond_problem(message, ErrorKind::forbidden, lacks_right(call.who.principal, found.route->action, camera));
        return;
    }
    const int64_t now = std::time(nullptr);
    int64_t expires = now + wish->seconds;
    if (call.who.expires) // no longer than who signs may himself
        expires = std::min(expires, call.who.expires);
    const std::string token = urls.sign(signed_target(target->path, target->query), call.who.principal, now, expires);
    respond_json(message, 200, dump(Json{{"url", relative(*target, token)}, {"expires", expires}}));
}

} // namespace

void add_signed_url_routes(RouteTable& table, const HttpServices& s) {
    const auto signable = std::make_shared<RouteTable>();
    for (const ApiRoute& route : table.routes())
        if (route.opened_by_token())
            signable->add(route, nullptr);
    table.add({"POST", own_path, Access::logged_in},
              [&s, signable](const ApiCall& call) { sign(call, *s.signed_urls, *signable); });
}

} // namespace sluice
