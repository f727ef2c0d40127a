// SPDX-License-Identifier: LGPL-2.1-or-later
// Logins of the page.
#include "launcher/http/message.hpp"
#include "launcher/http/pending.hpp"
#include "launcher/http/routes.hpp"

namespace sluice {

namespace {

using Access = ApiRoute::Access;
using Verdict = AuthDecision::Verdict;

// Below the path and as secure as the browser sees us: behind a proxy it keeps the cookies of several servers apart.
std::string cookie(SoupServerMessage* message, const Authenticator& auth, const std::string& value, int64_t seconds) {
    const ClientView client = client_of(message);
    return auth.cookie_name() + "=" + value + "; Path=" + client.prefix + "/; HttpOnly; SameSite=Strict" +
           (client.secure ? "; Secure" : "") + "; Max-Age=" + std::to_string(seconds);
}

void login(const ApiCall& call, Authenticator& auth) {
    SoupServerMessage* message = call.message;
    if (!from_own_page(message)) {
        respond_problem(message, ErrorKind::forbidden, other_site);
        return;
    }
    if (request_header(message, "Content-Type").rfind("application/json", 0) != 0) {
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
    const auto told = [message, user, &auth](const AuthDecision& answer, const std::string& token) {
        if (!answer.accepted()) {
            if (answer.retry_seconds)
                set_header(message, "Retry-After", std::to_string(answer.retry_seconds));
            respond_problem(message,
                            answer.verdict == Verdict::too_many ? ErrorKind::too_many : ErrorKind::unauthenticated,
                            answer.reason);
            return;
        }
        set_header(message, "Set-Cookie", cookie(message, auth, token, auth.session_lifetime().count()));
        respond_json(message, 200, dump(Json{{"user", user}}));
    };
    answer_later(message, [&](const Resume& resume) {
        auth.login(user, body["password"].get<std::string>(), peer_address(message),
                   [resume, told](const AuthDecision& answer, const std::string& token) {
                       resume([&] { told(answer, token); });
                   });
    });
}

} // namespace

void add_session_routes(RouteTable& table, const HttpServices& s) {
    table.add({"POST", "/api/v1/login", Access::everybody}, [&s](const ApiCall& call) { login(call, *s.auth); });
    table.add({"POST", "/api/v1/logout", Access::logged_in}, [&s](const ApiCall& call) {
        s.auth->logout(request_header(call.message, "Cookie"), peer_address(call.message));
        set_header(call.message, "Set-Cookie", cookie(call.message, *s.auth, "", 0));
        soup_server_message_set_status(call.message, 204, nullptr);
    });
}

} // namespace sluice
