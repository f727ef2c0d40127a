// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/whep.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/http_listener.hpp"
#include "plugins/core/structure_json.hpp"
#include "plugins/webrtc/http_request.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {

namespace {

using Json = nlohmann::json;

bool name_allowed(std::string_view s) {
    return !s.empty() && s.size() <= 64 && std::all_of(s.begin(), s.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '_' || c == '-';
    });
}

// The media type without parameters, lower case.
std::string content_type(SoupServerMessage* m) {
    const char* v = soup_message_headers_get_content_type(soup_server_message_get_request_headers(m), nullptr);
    std::string out = v ? v : "";
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

} // namespace

std::optional<WhepTarget> parse_whep_target(std::string_view rest) {
    if (!rest.starts_with('/'))
        return std::nullopt;
    rest.remove_prefix(1);
    const size_t slash = rest.find('/');
    WhepTarget t{std::string(rest.substr(0, slash)),
                 slash == std::string_view::npos ? "" : std::string(rest.substr(slash + 1))};
    if (!name_allowed(t.camera) || (slash != std::string_view::npos && !name_allowed(t.session)))
        return std::nullopt;
    return t;
}

struct Whep::Request : LateAnswer {
    using LateAnswer::LateAnswer;
    WhepTarget target;
    std::string quality, body, type, if_match, peer_address;
    GstClockTime posted = 0;
    bool quality_twice = false;
};

// All that is answered: of a camera, or of one of its sessions. HEAD is a GET.
struct Whep::Method {
    const char* name;
    bool session;
    void (Whep::*run)(const std::shared_ptr<Request>&, const AuthAnswer&); // none: for everybody, see handle()
};
const Whep::Method Whep::methods[] = {
    {"POST", false, &Whep::post},  {"OPTIONS", false, nullptr},     {"GET", true, &Whep::get},
    {"PATCH", true, &Whep::patch}, {"DELETE", true, &Whep::remove}, {"OPTIONS", true, nullptr},
};

namespace {

std::string normal(std::string path) {
    while (path.ends_with('/'))
        path.pop_back();
    return (path.starts_with('/') ? "" : "/") + path;
}

} // namespace

std::vector<ServedRoute> Whep::routes(const std::string& path) {
    const std::string base = normal(path) == "/" ? "" : normal(path);
    std::vector<ServedRoute> out;
    for (const Method& m : methods)
        out.push_back({m.name, base + (m.session ? "/{camera}/{session}" : "/{camera}"), m.run ? "view" : "", false});
    return out;
}

std::shared_ptr<Whep> Whep::create(std::shared_ptr<HttpHost> host, std::shared_ptr<Server> server,
                                   std::shared_ptr<Authorizer> authorizer, std::string path) {
    std::shared_ptr<Whep> w(new Whep);
    w->host_ = std::move(host);
    w->server_ = std::move(server);
    w->authorizer_ = std::move(authorizer);
    w->path_ = normal(std::move(path));
    return w;
}

bool Whep::start() {
    if (!host_->claim(path_))
        return false;
    host_->invoke([self = shared_from_this()] {
        using Self = std::shared_ptr<Whep>;
        const auto destroy = +[](gpointer user) { delete static_cast<Self*>(user); };
        soup_server_add_early_handler(
            self->host_->server(), self->path_.c_str(),
            +[](SoupServer*, SoupServerMessage* m, const char* path, GHashTable*, gpointer user) {
                (*static_cast<Self*>(user))->early(m, path);
            },
            new Self(self), destroy);
        soup_server_add_handler(
            self->host_->server(), self->path_.c_str(),
            +[](SoupServer*, SoupServerMessage* m, const char* path, GHashTable* query, gpointer user) {
                (*static_cast<Self*>(user))->handle(m, path, query);
            },
            new Self(self), destroy);
    });
    host_->settle(); // a request that came first would find nothing here
    started_ = true;
    return true;
}

void Whep::stop() {
    if (!std::exchange(started_, false))
        return;
    host_->invoke(
        [self = shared_from_this()] { soup_server_remove_handler(self->host_->server(), self->path_.c_str()); });
    host_->release(path_); // who takes it now is started behind this stop
    host_->settle();
}

// Before the body is read: what is too large is not collected first.
void Whep::early(SoupServerMessage* m, const char*) {
    if (soup_server_message_get_status(m) != 0)
        return; // somebody in front of us has answered
    SoupMessageHeaders* h = soup_server_message_get_request_headers(m);
    const Error too_large{ErrorKind::too_large,
                          "the body is larger than " + std::to_string(max_offer_bytes) + " bytes"};
    if (soup_message_headers_get_encoding(h) == SOUP_ENCODING_CONTENT_LENGTH &&
        soup_message_headers_get_content_length(h) > goffset(max_offer_bytes)) {
        // libsoup reads a body to its end before it answers: what comes is thrown away, not collected.
        soup_message_body_set_accumulate(soup_server_message_get_request_body(m), FALSE);
        return reply(m, too_large);
    }
    if (soup_message_headers_get_encoding(h) == SOUP_ENCODING_CHUNKED)
        g_signal_connect(m, "got-chunk", G_CALLBACK(+[](SoupServerMessage* msg, GBytes*, gpointer) {
                             SoupMessageBody* body = soup_server_message_get_request_body(msg);
                             if (body->length > goffset(max_offer_bytes))
                                 cut_off(msg); // nobody well-meaning sends that: no polite answer
                         }),
                         nullptr);
}

void Whep::handle(SoupServerMessage* m, const char* path, GHashTable* query) {
    if (soup_server_message_get_status(m) != 0)
        return;
    const std::string method = soup_server_message_get_method(m);
    if (method == "OPTIONS") {
        soup_message_headers_replace(soup_server_message_get_response_headers(m), "Accept-Post", "application/sdp");
        return reply(m, 204, nullptr, "");
    }
    auto r = std::make_shared<Request>(m);
    r->posted = channel_now();
    const auto target = parse_whep_target(
        std::string_view(path).substr(path_ == "/" ? 0 : std::min(path_.size(), std::string_view(path).size())));
    if (target)
        r->target = *target;
    for (const char* name : {"quality", "stream"})
        if (const char* s = query ? static_cast<const char*>(g_hash_table_lookup(query, name)) : nullptr; s && *s) {
            r->quality_twice = !r->quality.empty();
            r->quality = std::string_view(s).substr(0, 64);
        }
    r->type = content_type(m);
    r->if_match = request_header(m, "If-Match");
    const auto bytes = adopt(soup_message_body_flatten(soup_server_message_get_request_body(m)));
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
    r->body.assign(data ? data : "", size);
    AuthQuestion question = auth_question(m, "view", r->target.camera, r->quality);
    r->peer_address = question.peer_address;

    // From here on the answer may come from any thread at any time.
    authorizer_->ask(std::move(question), r->posted, [self = shared_from_this(), r](const AuthAnswer& who) {
        self->host_->invoke([self, r, who] { self->authorized(r, who); });
    });
    r->wait();
}

void Whep::authorized(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    const std::string method = soup_server_message_get_method(r->message());
    const auto finish = [&](const Error& e) {
        reply(r->message(), e);
        r->answered();
    };
    if (!who.accepted) {
        reply(r->message(), who.denial(), who.retry_seconds);
        return r->answered();
    }
    if (r->target.camera.empty())
        return finish({ErrorKind::not_found, "nothing is here; a camera is watched at " + path_ + "/{camera}"});
    const bool session = !r->target.session.empty();
    std::string allowed;
    for (const Method& m : methods) {
        if (m.session != session)
            continue;
        if (m.run && (method == m.name || (method == "HEAD" && std::string_view(m.name) == "GET")))
            return (this->*m.run)(r, who);
        allowed += (allowed.empty() ? "" : ", ") + std::string(m.name);
    }
    soup_message_headers_replace(soup_server_message_get_response_headers(r->message()), "Allow", allowed.c_str());
    finish({ErrorKind::method_not_allowed, method + " is not possible here; allowed: " + allowed});
}

void Whep::post(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    if (r->type != "application/sdp") {
        reply(r->message(), {ErrorKind::unsupported_media_type,
                             "Content-Type is '" + r->type.substr(0, 100) + "', application/sdp is needed"});
        return r->answered();
    }
    if (r->quality_twice) {
        reply(r->message(), {ErrorKind::bad_input, "found both quality and stream, allowed: one of them"});
        return r->answered();
    }
    Server::Join join{.camera = r->target.camera,
                      .quality = r->quality,
                      .offer = std::move(r->body),
                      .principal = who.principal,
                      .expires = who.expires,
                      .peer_address = r->peer_address,
                      .login = who.login,
                      .posted = r->posted};
    server_->join(std::move(join), [self = shared_from_this(), r](Result<Server::Joined> result) {
        self->host_->invoke([self, r, result = std::move(result)] {
            if (r->client_gone() || has_hung_up(r->message())) { // nobody is there to take the answer
                const char* reason = "the viewer has left before the answer";
                if (result)
                    self->server_->close(result->id, reason);
                if (!r->client_gone())
                    reply(r->message(), {ErrorKind::unavailable, reason});
            } else if (result) {
                SoupMessageHeaders* h = soup_server_message_get_response_headers(r->message());
                // Relative to the request, so that it holds behind a proxy with a path prefix.
                soup_message_headers_replace(h, "Location", (r->target.camera + "/" + result->id).c_str());
                soup_message_headers_replace(h, "ETag", ("\"" + result->id + "\"").c_str());
                soup_message_headers_replace(h, "Accept-Patch", "application/trickle-ice-sdpfrag, application/json");
                reply(r->message(), 201, "application/sdp", result->answer);
            } else {
                reply(r->message(), result.error());
            }
            r->answered();
        });
    });
}

void Whep::patch(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    const auto answer = [&](const Result<bool>& result) {
        if (result)
            reply(r->message(), 204, nullptr, "");
        else
            reply(r->message(), result.error());
        r->answered();
    };
    const std::string& id = r->target.session;
    const Server::Session session{id, r->target.camera, who.principal};
    if (!r->if_match.empty() && r->if_match != "*" && r->if_match != "\"" + id + "\"")
        return answer(Error{ErrorKind::precondition_failed,
                            "If-Match does not name this session's ETag; ICE restarts are not possible"});
    if (r->type == "application/trickle-ice-sdpfrag")
        return answer(server_->trickle(session, r->body));
    if (r->type != "application/json")
        return answer(Error{ErrorKind::unsupported_media_type,
                            "Content-Type is '" + r->type.substr(0, 100) +
                                "'; allowed: application/trickle-ice-sdpfrag, application/json"});
    const Json body = Json::parse(r->body, nullptr, false);
    const char* field =
        body.is_object() && body.contains("stream") ? "stream" : "quality"; // who names a stream pins it
    if (!body.is_object() || body.size() != 1 || !body.contains(field) || !body[field].is_string())
        return answer(
            Error{ErrorKind::bad_input,
                  R"(the body is not {"quality": "auto"} or, with the name of a stream, {"quality": "sub"})"});
    answer(server_->set_quality(session, body[field].get<std::string>().substr(0, 64)));
}

void Whep::get(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    const auto stats = server_->session_stats({r->target.session, r->target.camera, who.principal});
    if (stats)
        reply(r->message(), 200, "application/json",
              structure_to_json<Json>(stats.value().get()).dump(-1, ' ', false, Json::error_handler_t::replace));
    else
        reply(r->message(), stats.error());
    r->answered();
}

void Whep::remove(const std::shared_ptr<Request>& r, const AuthAnswer& who) {
    const auto result = server_->leave({r->target.session, r->target.camera, who.principal});
    if (result)
        reply(r->message(), 200, nullptr, "");
    else
        reply(r->message(), result.error());
    r->answered();
}

} // namespace sluice
