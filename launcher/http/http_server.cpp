// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/http_server.hpp"

#include "launcher/http/message.hpp"

#include <algorithm>
#include <map>

namespace sluice {

namespace {

constexpr size_t max_body = 16 * 1024;
constexpr const char* too_large = "the body is larger than 16 KiB, which is the limit here";

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

bool starts_with(const std::string& text, std::string_view prefix) {
    return text.compare(0, prefix.size(), prefix) == 0;
}

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

void method_not_allowed(SoupServerMessage* message, const char* allowed) {
    set_header(message, "Allow", allowed);
    respond_problem(message, ErrorKind::method_not_allowed, std::string("allowed here: ") + allowed);
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

constexpr const char* other_site = "the request comes from a page of another site";

bool from_own_page(SoupServerMessage* message) {
    return Authenticator::same_origin(request_header(message, "Origin"), request_header(message, "Host"),
                                      request_header(message, "Sec-Fetch-Site"));
}

// Assets a browser needs before anybody has logged in.
bool is_public_asset(const std::string& path) {
    static const std::map<std::string, int> names = {{"/login.js", 0}, {"/style.css", 0}, {"/icon.svg", 0}};
    return names.count(path) != 0;
}

} // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& address, uint16_t port) {
    const Ref<SoupServer> server =
        adopt(SOUP_SERVER(g_object_new(SOUP_TYPE_SERVER, "server-header", "sluice", nullptr)));
    auto listener = HttpListener::open(server.get(), address, port);
    if (!listener) {
        Error error = listener.error();
        if (error.kind == ErrorKind::busy)
            error = {ErrorKind::unavailable,
                     error.text + "; choose another port with --port or in the configuration at /server/port"};
        return error;
    }
    return std::unique_ptr<HttpServer>(new HttpServer(server, std::move(listener).value()));
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::stop() {
    if (auth_)
        soup_server_remove_handler(server_.get(), "/");
    auth_ = nullptr;
    events_.reset();
    listener_.reset();
    soup_server_disconnect(server_.get());
}

void HttpServer::serve(Authenticator& auth, ApiBackend backend) {
    auth_ = &auth;
    backend_ = std::move(backend);
    events_ = std::make_unique<Events>(backend_.cameras);
    soup_server_add_early_handler(server_.get(), "/", on_early, this, nullptr);
    soup_server_add_handler(server_.get(), "/", on_request, this, nullptr);
}

// Before the body is read: what is too large is not even stored.
void HttpServer::on_early(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
    const auto refuse_body = [](SoupServerMessage* m) {
        soup_message_body_set_accumulate(soup_server_message_get_request_body(m), FALSE);
        set_security_headers(m);
        set_header(m, "Connection", "close"); // the rest of the body is not worth reading
        respond_problem(m, ErrorKind::too_large, too_large);
    };
    SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
    if (soup_message_headers_get_content_length(headers) > static_cast<goffset>(max_body)) {
        refuse_body(message);
        return;
    }
    g_signal_connect(message, "got-chunk", G_CALLBACK(+[](SoupServerMessage* m, GBytes*, gpointer function) {
                         if (soup_server_message_get_status(m) == 0 &&
                             soup_server_message_get_request_body(m)->length > static_cast<goffset>(max_body))
                             reinterpret_cast<void (*)(SoupServerMessage*)>(function)(m);
                     }),
                     reinterpret_cast<gpointer>(+refuse_body));
}

void HttpServer::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self) {
    set_security_headers(message);
    static_cast<HttpServer*>(self)->handle(message, path ? path : "/");
}

struct HttpServer::Route : ApiRoute {
    void (HttpServer::*handler)(const Call&);
};

struct HttpServer::Found {
    const Route* route = nullptr;
    std::string id, allowed; // allowed: methods of the path; empty: there is no such path
    bool for_everybody = true;
};

const std::vector<HttpServer::Route>& HttpServer::table() {
    using A = ApiRoute::Access;
    static const std::vector<Route> routes = {
        {{"GET", "/healthz", A::everybody}, &HttpServer::health},
        {{"POST", "/api/v1/login", A::everybody}, &HttpServer::login},
        {{"POST", "/api/v1/logout", A::logged_in}, &HttpServer::logout},
        {{"GET", "/api/v1/openapi.json", A::logged_in}, &HttpServer::openapi},
        {{"GET", "/api/v1/cameras", A::logged_in}, &HttpServer::list_cameras},
        {{"GET", "/api/v1/cameras/{id}", A::logged_in}, &HttpServer::get_camera},
        {{"PUT", "/api/v1/cameras/{id}", A::may_change}, &HttpServer::put_camera},
        {{"DELETE", "/api/v1/cameras/{id}", A::may_change}, &HttpServer::delete_camera},
        {{"GET", Events::path, A::logged_in}, &HttpServer::events_socket},
        {{"GET", "/api/v1/viewers", A::logged_in}, &HttpServer::list_viewers},
        {{"DELETE", "/api/v1/viewers/{id}", A::may_change}, &HttpServer::close_viewer},
    };
    return routes;
}

std::vector<ApiRoute> HttpServer::routes() { return {table().begin(), table().end()}; }

HttpServer::Found HttpServer::find(const std::string& path, std::string_view method) {
    constexpr std::string_view placeholder = "{id}";
    Found out;
    for (const Route& route : table()) {
        std::string_view fixed = route.path;
        const bool has_id =
            fixed.size() > placeholder.size() && fixed.substr(fixed.size() - placeholder.size()) == placeholder;
        if (has_id)
            fixed.remove_suffix(placeholder.size());
        const bool same = has_id ? path.size() > fixed.size() && starts_with(path, fixed) &&
                                       path.find('/', fixed.size()) == std::string::npos
                                 : path == fixed;
        if (!same)
            continue;
        out.id = path.substr(fixed.size());
        out.allowed += (out.allowed.empty() ? "" : ", ") + std::string(route.method);
        out.allowed += route.method == "GET" ? ", HEAD" : "";
        out.for_everybody = out.for_everybody && route.access == ApiRoute::Access::everybody;
        if (route.method == method || (route.method == "GET" && method == "HEAD"))
            out.route = &route;
    }
    return out;
}

void HttpServer::run(const Found& found, SoupServerMessage* message, const LoginAnswer* who) {
    if (!found.route)
        method_not_allowed(message, found.allowed.c_str());
    else if (found.route->access == ApiRoute::Access::may_change && !(who && who->may_change()))
        respond_problem(message, ErrorKind::forbidden,
                        std::string("only the account ") + first_account + " may change what is served");
    else
        (this->*found.route->handler)({message, found.id, who});
}

void HttpServer::handle(SoupServerMessage* message, const std::string& path) {
    const std::string_view method = request_method(message);
    const Found found = find(path, method);
    if (!found.allowed.empty() && found.for_everybody)
        run(found, message, nullptr);
    else if (path != "/login" && !is_public_asset(path))
        handle_private(message, path);
    else if (!is_read(method))
        method_not_allowed(message, "GET, HEAD");
    else
        serve_asset(message, path == "/login" ? "/login.html" : path);
}

struct HttpServer::Waiting {
    Ref<SoupServerMessage> message;
    bool paused = false, answered = false, gone = false;
};

void HttpServer::wait_for(SoupServerMessage* message, const std::function<void(Resume)>& begin) {
    using Holder = std::shared_ptr<Waiting>;
    const auto waiting = std::make_shared<Waiting>();
    waiting->message = ref(message);
    begin([waiting](const std::function<void()>& answer) {
        waiting->answered = true;
        if (waiting->gone)
            return;
        answer();
        if (waiting->paused)
            soup_server_message_unpause(waiting->message.get());
    });
    if (waiting->answered)
        return;
    waiting->paused = true;
    // A client that has gone away must not be answered: its connection is freed.
    g_signal_connect_data(
        message, "finished",
        G_CALLBACK(+[](SoupServerMessage*, gpointer data) { (*static_cast<Holder*>(data))->gone = true; }),
        new Holder(waiting), [](gpointer data, GClosure*) { delete static_cast<Holder*>(data); }, GConnectFlags(0));
    soup_server_message_pause(message);
}

void HttpServer::handle_private(SoupServerMessage* message, const std::string& path) {
    // A WebSocket is a GET, but a page of another site may open one and read it, and the browser adds what it knows.
    if (path == Events::path && !from_own_page(message)) {
        respond_problem(message, ErrorKind::forbidden, other_site);
        return;
    }
    LoginQuestion q;
    q.authorization = request_header(message, "Authorization");
    q.cookie = request_header(message, "Cookie");
    q.origin = request_header(message, "Origin");
    q.host = request_header(message, "Host");
    q.fetch_site = request_header(message, "Sec-Fetch-Site");
    q.peer = peer_address(message);
    q.changes_state = !is_read(request_method(message));
    wait_for(message, [&](const Resume& resume) {
        auth_->authenticate(q, [this, message, path, resume](const LoginAnswer& answer) {
            resume([&] {
                if (answer.verdict == LoginAnswer::Verdict::accepted)
                    dispatch(message, path, answer);
                else
                    refuse(message, path, answer);
            });
        });
    });
}

void HttpServer::refuse(SoupServerMessage* message, const std::string& path, const LoginAnswer& answer) {
    if (answer.verdict == LoginAnswer::Verdict::too_many)
        set_header(message, "Retry-After", std::to_string(std::max(1u, answer.retry_seconds)));
    if (answer.verdict == LoginAnswer::Verdict::forbidden) {
        respond_problem(message, ErrorKind::forbidden, answer.reason);
    } else if (answer.verdict == LoginAnswer::Verdict::too_many) {
        respond_problem(message, ErrorKind::too_many, answer.reason);
    } else if (path == "/" && is_read(request_method(message)) && request_header(message, "Authorization").empty()) {
        set_header(message, "Location", "login"); // relative: a proxy may serve us below a path
        respond(message, 303, "text/plain; charset=utf-8", "log in first\n");
    } else {
        // A browser would put its own dialogue over the page that asked; the page shows the login itself.
        if (request_header(message, "X-Requested-With").empty())
            set_header(message, "WWW-Authenticate", "Basic realm=\"Sluice\", charset=\"UTF-8\"");
        respond_problem(message, ErrorKind::unauthenticated, answer.reason);
    }
}

void HttpServer::dispatch(SoupServerMessage* message, const std::string& path, const LoginAnswer& who) {
    const std::string_view method = request_method(message);
    if (const Found found = find(path, method); !found.allowed.empty())
        run(found, message, &who);
    else if (!is_read(method))
        respond_problem(message, ErrorKind::not_found, "there is nothing at this address that could be changed");
    else if (!serve_asset(message, path == "/" ? "/index.html" : path))
        respond_problem(message, ErrorKind::not_found, "there is nothing at this address");
}

void HttpServer::health(const Call& call) { // says no more than that somebody answers
    respond(call.message, 200, "text/plain; charset=utf-8", "ok\n");
}

void HttpServer::openapi(const Call& call) { serve_asset(call.message, "/openapi.json"); }

void HttpServer::list_cameras(const Call& call) {
    respond_json(call.message, 200, dump(Json{{"cameras", backend_.cameras()}}));
}

void HttpServer::events_socket(const Call& call) {
    events_->upgrade(call.message, {call.who->principal, call.who->session, call.who->expires});
}

void HttpServer::list_viewers(const Call& call) {
    respond_json(call.message, 200, dump(Json{{"viewers", backend_.viewers()}}));
}

void HttpServer::close_viewer(const Call& call) {
    if (backend_.close_viewer(call.id, "closed by an administrator"))
        soup_server_message_set_status(call.message, 204, nullptr);
    else
        respond_problem(call.message, ErrorKind::not_found, "there is no viewer with this id");
}

void HttpServer::get_camera(const Call& call) {
    camera_api::get(call.message, *backend_.editor, call.id, call.who->may_change());
}

void HttpServer::put_camera(const Call& call) {
    camera_api::put(call.message, *backend_.editor, call.id, call.who->principal);
}

void HttpServer::delete_camera(const Call& call) {
    camera_api::remove(call.message, *backend_.editor, call.id, call.who->principal);
}

bool HttpServer::serve_asset(SoupServerMessage* message, const std::string& name) {
    if (name.find("..") != std::string::npos)
        return false;
    GBytes* bytes = g_resources_lookup_data(("/sluice/web" + name).c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
    const Ref<GBytes> held = adopt(bytes);
    if (!held)
        return false;
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(held.get(), &size));
    const std::string tag = "\"" + sha256_hex({data, size}).substr(0, 32) + "\"";
    set_header(message, "Cache-Control", "no-cache"); // may be kept, but is asked for each time
    set_header(message, "ETag", tag);
    if (request_header(message, "If-None-Match") == tag)
        soup_server_message_set_status(message, 304, nullptr);
    else
        respond(message, 200, content_type(name), {data, size});
    return true;
}

void HttpServer::login(const Call& call) {
    SoupServerMessage* message = call.message;
    if (!from_own_page(message)) {
        respond_problem(message, ErrorKind::forbidden, other_site);
        return;
    }
    if (!starts_with(request_header(message, "Content-Type"), "application/json")) {
        respond_problem(message, ErrorKind::unsupported_media_type, "send application/json");
        return;
    }
    constexpr const char* expected = R"(send {"user": "...", "password": "..."})";
    std::vector<ConfigError> errors;
    const Json body = parse_json_text(request_body(message), errors);
    if (!errors.empty() || !body.is_object() || body.size() != 2 || !body.contains("user") ||
        !body["user"].is_string() || !body.contains("password") || !body["password"].is_string()) {
        respond_problem(message, ErrorKind::bad_input, expected);
        return;
    }
    const auto user = body["user"].get<std::string>();
    wait_for(message, [&](const Resume& resume) {
        auth_->login(
            user, body["password"].get<std::string>(), peer_address(message),
            [this, message, user, resume](const LoginAnswer& answer, const std::string& token) {
                resume([&] {
                    if (answer.verdict != LoginAnswer::Verdict::accepted) {
                        if (answer.retry_seconds)
                            set_header(message, "Retry-After", std::to_string(answer.retry_seconds));
                        respond_problem(message,
                                        answer.verdict == LoginAnswer::Verdict::too_many ? ErrorKind::too_many
                                                                                         : ErrorKind::unauthenticated,
                                        answer.reason);
                        return;
                    }
                    set_header(message, "Set-Cookie",
                               auth_->cookie_name() + "=" + token + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" +
                                   std::to_string(auth_->session_lifetime().count()));
                    respond_json(message, 200, dump(Json{{"user", user}}));
                });
            });
    });
}

void HttpServer::logout(const Call& call) {
    auth_->logout(request_header(call.message, "Cookie"));
    set_header(call.message, "Set-Cookie", auth_->cookie_name() + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    soup_server_message_set_status(call.message, 204, nullptr);
}

} // namespace sluice
