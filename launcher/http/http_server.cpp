// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/http_server.hpp"

#include "launcher/auth/signed_urls.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/pending.hpp"
#include "launcher/http/query.hpp"
#include "launcher/http/request_audit.hpp"

#include <algorithm>

namespace sluice {

namespace {

using Access = ApiRoute::Access;
using Verdict = AuthDecision::Verdict;

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

AuthRequest auth_request(const ApiCall& call, const ApiRoute* route, const std::string& path) {
    AuthRequest q;
    q.method = request_method(call.message);
    q.path = path;
    if (route && (route->access == Access::camera || route->access == Access::server))
        q.action = route->action;
    if (route && route->access == Access::camera)
        q.camera = call.camera;
    if (const auto token = call.query.find("token"); route && route->opened_by_token() && token != call.query.end()) {
        q.signed_token = token->second;
        q.signed_target = signed_target(path, call.query);
    }
    if (route && route->websocket)
        q.transport = AuthTransport::websocket;
    q.authorization = request_header(call.message, "Authorization");
    q.cookie = request_header(call.message, "Cookie");
    const ClientView client = client_of(call.message);
    q.host = client.host;
    q.peer = client.peer;
    if (!from_allowed_origin(call.message)) { // that one is as good as ours
        q.origin = request_header(call.message, "Origin");
        q.fetch_site = request_header(call.message, "Sec-Fetch-Site");
    }
    q.changes_state = !is_read(request_method(call.message));
    return q;
}

void refuse(SoupServerMessage* message, const std::string& path, const AuthDecision& answer) {
    if (answer.verdict == Verdict::too_many || answer.verdict == Verdict::unavailable)
        set_header(message, "Retry-After", std::to_string(std::max(1u, answer.retry_seconds)));
    if (answer.verdict == Verdict::forbidden) {
        respond_problem(message, ErrorKind::forbidden, answer.reason);
    } else if (answer.verdict == Verdict::too_many) {
        respond_problem(message, ErrorKind::too_many, answer.reason);
    } else if (answer.verdict == Verdict::unavailable) {
        respond_problem(message, ErrorKind::unavailable, answer.reason);
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

void refuse_body(SoupServerMessage* message, size_t limit) {
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
    set_security_headers(message);
    set_header(message, "Connection", "close"); // the rest of the body is not worth reading
    respond_problem(message, ErrorKind::too_large,
                    "the body is larger than " + std::to_string(limit / 1024) + " KiB, which is the limit here");
}

void run(const RouteTable::Found& found, const ApiCall& call) {
    if (found.route) {
        (*found.handler)(call);
    } else if (!found.allowed.empty()) {
        set_header(call.message, "Allow", found.allowed);
        respond_problem(call.message, ErrorKind::method_not_allowed, "allowed here: " + found.allowed);
    } else {
        respond_problem(call.message, ErrorKind::not_found,
                        is_read(request_method(call.message))
                            ? "there is nothing at this address"
                            : "there is nothing at this address that could be changed");
    }
}

} // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& address, uint16_t port,
                                                       HttpListener::Settings settings) {
    const Ref<SoupServer> server =
        adopt(SOUP_SERVER(g_object_new(SOUP_TYPE_SERVER, "server-header", "sluice", nullptr)));
    auto listener = HttpListener::open(server.get(), address, port, std::move(settings));
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
    listener_.reset();
    soup_server_disconnect(server_.get());
}

void HttpServer::serve(Authenticator& auth, RouteTable routes, AuditLog* audit) {
    auth_ = &auth;
    audit_ = audit;
    routes_ = std::move(routes);
    soup_server_add_early_handler(server_.get(), "/", on_early, this, nullptr);
    soup_server_add_handler(server_.get(), "/", on_request, this, nullptr);
}

// Before the body is read: what is too large is not even stored.
void HttpServer::on_early(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer self) {
    const ApiRoute* route =
        static_cast<HttpServer*>(self)->routes_.find(request_method(message), path ? path : "/").route;
    const size_t max_body = (route ? *route : ApiRoute{}).max_body;
    SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
    if (soup_message_headers_get_content_length(headers) > static_cast<goffset>(max_body)) {
        refuse_body(message, max_body);
        return;
    }
    g_signal_connect(message, "got-chunk", G_CALLBACK(+[](SoupServerMessage* m, GBytes*, gpointer limit) {
                         if (soup_server_message_get_status(m) == 0 &&
                             soup_server_message_get_request_body(m)->length >
                                 static_cast<goffset>(GPOINTER_TO_SIZE(limit)))
                             refuse_body(m, GPOINTER_TO_SIZE(limit));
                     }),
                     GSIZE_TO_POINTER(max_body));
}

void HttpServer::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable* query,
                            gpointer self) {
    set_security_headers(message);
    ApiCall call{message, {}, query_values(query), {}, {}};
    static_cast<HttpServer*>(self)->handle(std::move(call), path ? path : "/");
}

void HttpServer::handle(ApiCall call, const std::string& path) {
    SoupServerMessage* message = call.message;
    const RouteTable::Found found = routes_.find(request_method(message), path);
    if (!found.allowed.empty() && found.for_everybody) {
        run(found, call);
        return;
    }
    call.path = found.path;
    if (found.route)
        call.camera = RouteTable::camera_of(*found.route, call.path, call.query);
    const AuthRequest question = auth_request(call, found.route, path);
    // A WebSocket is a GET, but a page of another site may open one and read it, and the browser adds what it knows.
    if (found.route && found.route->websocket && !from_own_page(message)) {
        audit_request(audit_, call, found.route, question);
        respond_problem(message, ErrorKind::forbidden, other_site);
        return;
    }
    // Nor is a password of the user a sign of his will: the browser adds that, too, to a form of any page.
    if (found.route && !is_read(found.route->method) && !from_own_page(message) &&
        g_ascii_strncasecmp(request_header(message, "Authorization").c_str(), "basic", 5) == 0) {
        audit_request(audit_, call, found.route, question);
        respond_problem(message, ErrorKind::forbidden, other_site);
        return;
    }
    answer_later(message, [&](const Resume& resume) {
        auth_->authorize(question, [call, found, path, question, resume, audit = audit_](const AuthDecision& answer) {
            resume([&] {
                ApiCall allowed = call;
                allowed.who = answer;
                audit_request(audit, allowed, found.route, question);
                if (answer.accepted())
                    run(found, allowed);
                else
                    refuse(allowed.message, path, answer);
            });
        });
    });
}

} // namespace sluice
