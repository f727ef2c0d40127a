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
    if (ending == ".svg")
        return "image/svg+xml";
    return "application/octet-stream";
}

void method_not_allowed(SoupServerMessage* message, const char* allowed) {
    set_header(message, "Allow", allowed);
    respond_problem(message, ErrorKind::method_not_allowed, std::string("allowed here: ") + allowed);
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

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

void HttpServer::handle(SoupServerMessage* message, const std::string& path) {
    const std::string_view method = request_method(message);
    if (path == "/healthz") { // says no more than that somebody answers
        if (!is_read(method))
            method_not_allowed(message, "GET, HEAD");
        else
            respond(message, 200, "text/plain; charset=utf-8", "ok\n");
    } else if (path == "/login" || is_public_asset(path)) {
        if (!is_read(method))
            method_not_allowed(message, "GET, HEAD");
        else
            serve_asset(message, path == "/login" ? "/login.html" : path);
    } else if (path == "/api/v1/login" && method == "POST") {
        login(message);
    } else {
        handle_private(message, path);
    }
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
    AuthQuestion q;
    q.authorization = request_header(message, "Authorization");
    q.cookie = request_header(message, "Cookie");
    q.origin = request_header(message, "Origin");
    q.host = request_header(message, "Host");
    q.fetch_site = request_header(message, "Sec-Fetch-Site");
    q.peer = peer_address(message);
    // A WebSocket is a GET, but a page of another site may open one and read it.
    q.changes_state = !is_read(request_method(message)) || path == Events::path;
    wait_for(message, [&](const Resume& resume) {
        auth_->authenticate(q, [this, message, path, resume](const AuthAnswer& answer) {
            resume([&] {
                if (answer.verdict != AuthAnswer::Verdict::accepted)
                    refuse(message, path, answer);
                else if (path == Events::path)
                    events_->upgrade(message, {answer.principal, answer.session, answer.expires});
                else
                    dispatch(message, path);
            });
        });
    });
}

void HttpServer::refuse(SoupServerMessage* message, const std::string& path, const AuthAnswer& answer) {
    if (answer.verdict == AuthAnswer::Verdict::too_many)
        set_header(message, "Retry-After", std::to_string(std::max(1u, answer.retry_seconds)));
    if (answer.verdict == AuthAnswer::Verdict::forbidden) {
        respond_problem(message, ErrorKind::forbidden, answer.reason);
    } else if (answer.verdict == AuthAnswer::Verdict::too_many) {
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

void HttpServer::dispatch(SoupServerMessage* message, const std::string& path) {
    constexpr std::string_view viewer_prefix = "/api/v1/viewers/";
    const std::string_view method = request_method(message);
    if (path == "/api/v1/cameras" || path == "/api/v1/viewers") {
        const bool cameras = path == "/api/v1/cameras";
        if (!is_read(method))
            method_not_allowed(message, "GET, HEAD");
        else
            respond_json(
                message, 200,
                dump(Json{{cameras ? "cameras" : "viewers", cameras ? backend_.cameras() : backend_.viewers()}}));
    } else if (path.size() > viewer_prefix.size() && starts_with(path, viewer_prefix)) {
        if (method != "DELETE")
            method_not_allowed(message, "DELETE");
        else if (backend_.close_viewer(path.substr(viewer_prefix.size()), "closed by an administrator"))
            soup_server_message_set_status(message, 204, nullptr);
        else
            respond_problem(message, ErrorKind::not_found, "there is no viewer with this id");
    } else if (path == "/api/v1/logout") {
        if (method == "POST")
            logout(message);
        else
            method_not_allowed(message, "POST");
    } else if (path == "/api/v1/login") {
        method_not_allowed(message, "POST");
    } else if (!is_read(method)) {
        respond_problem(message, ErrorKind::not_found, "there is nothing at this address that could be changed");
    } else if (!serve_asset(message, path == "/" ? "/index.html" : path)) {
        respond_problem(message, ErrorKind::not_found, "there is nothing at this address");
    }
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

void HttpServer::login(SoupServerMessage* message) {
    if (!Authenticator::same_origin(request_header(message, "Origin"), request_header(message, "Host"),
                                    request_header(message, "Sec-Fetch-Site"))) {
        respond_problem(message, ErrorKind::forbidden, "the request comes from a page of another site");
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
            [this, message, user, resume](const AuthAnswer& answer, const std::string& token) {
                resume([&] {
                    if (answer.verdict != AuthAnswer::Verdict::accepted) {
                        if (answer.retry_seconds)
                            set_header(message, "Retry-After", std::to_string(answer.retry_seconds));
                        respond_problem(message,
                                        answer.verdict == AuthAnswer::Verdict::too_many ? ErrorKind::too_many
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

void HttpServer::logout(SoupServerMessage* message) {
    auth_->logout(request_header(message, "Cookie"));
    set_header(message, "Set-Cookie", auth_->cookie_name() + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    soup_server_message_set_status(message, 204, nullptr);
}

} // namespace sluice
