// SPDX-License-Identifier: LGPL-2.1-or-later
// POST /api/webrtc?src=CAMERA: one offer, one answer, as go2rtc takes them.
#include "launcher/http/go2rtc_webrtc.hpp"

#include "launcher/http/message.hpp"
#include "launcher/http/pending.hpp"
#include "launcher/http/signal_link.hpp"

namespace sluice {

namespace {

enum class Form { sdp, json, raw };

std::optional<Form> form_of(SoupServerMessage* message) {
    const char* type = soup_message_headers_get_content_type(soup_server_message_get_request_headers(message), nullptr);
    const std::string name = type ? type : "";
    if (g_ascii_strcasecmp(name.c_str(), "application/sdp") == 0)
        return Form::sdp;
    if (g_ascii_strcasecmp(name.c_str(), "application/json") == 0)
        return Form::json;
    if (name.empty() || g_ascii_strcasecmp(name.c_str(), "text/plain") == 0)
        return Form::raw;
    return std::nullopt;
}

std::string offer_of(SoupServerMessage* message, Form form) {
    const std::string_view body = request_body(message);
    if (form != Form::json)
        return std::string(body);
    const Json json = Json::parse(
        body, [](int depth, Json::parse_event_t, Json&) { return depth <= 4; }, false);
    if (!json.is_object() || json.value("type", Json()) != "offer" || !json.value("sdp", Json()).is_string())
        return "";
    return json["sdp"].get<std::string>();
}

void answer(SoupServerMessage* message, Form form, const std::string& camera, const Json& joined) {
    const auto sdp = joined.value("sdp", std::string());
    // Where the session is to be found from now on, as WHEP does it; relative to the request.
    set_header(message, "Location", "../whep/" + camera + "/" + joined.value("session", std::string()));
    if (form == Form::json)
        respond_json(message, 200, dump(Json{{"type", "answer"}, {"sdp", sdp}}));
    else
        respond(message, form == Form::sdp ? 201 : 200, form == Form::sdp ? "application/sdp" : "text/plain", sdp);
}

void refuse(SoupServerMessage* message, const Json& said) {
    const Json problem = said.value("error", Json::object());
    const auto status = problem.value("status", 503u);
    if (status == 429 || status == 503)
        set_header(message, "Retry-After", "5");
    respond(message, status, "application/problem+json", dump(problem));
}

} // namespace

void answer_go2rtc_offer(const ApiCall& call, const HttpServices& services, const Go2rtcSource& source) {
    SoupServerMessage* message = call.message;
    const auto form = form_of(message);
    if (!form)
        return respond_problem(message, ErrorKind::unsupported_media_type,
                               "allowed: application/sdp, application/json, text/plain");
    const std::string sdp = offer_of(message, *form);
    if (sdp.empty())
        return respond_problem(message, ErrorKind::bad_input,
                               *form == Form::json ? R"(send {"type": "offer", "sdp": "..."})" : "send an SDP offer");
    const auto link = services.signalling(call);
    if (!link)
        return respond_problem(message, ErrorKind::unavailable, "the server is closing");
    Json join{{"type", "join"}, {"id", "offer"}, {"camera", source.camera}, {"sdp", sdp}};
    if (const std::string& quality = source.wanted(); !quality.empty())
        join["quality"] = quality;
    answer_later(message, [&](const Resume& resume) {
        // The link holds itself until the one answer is there: the session does not need it.
        link->on_message = [link, resume, message, form = *form, camera = source.camera](const Json& said) {
            const auto type = said.value("type", std::string());
            if (type != "answer" && type != "error" && type != "closed" && type != "going-away")
                return;
            const auto held = link;
            held->on_message = nullptr;
            held->on_close = nullptr;
            resume([&] {
                if (type == "answer")
                    answer(message, form, camera, said);
                else if (type == "error")
                    refuse(message, said);
                else
                    respond_problem(message, ErrorKind::unavailable, said.value("reason", "the server is closing"));
            });
        };
        link->say(join);
    });
}

} // namespace sluice
