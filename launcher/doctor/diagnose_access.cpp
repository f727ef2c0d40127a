// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/diagnose.hpp"

#include "launcher/config/url.hpp"
#include "plugins/core/json_text.hpp"

#include <algorithm>

namespace sluice::doctor {

namespace {

constexpr const char* own_problem = "about:sluice/";

std::string no_answer(const HttpFacts& f) { return f.timed_out ? "no answer in time" : f.error; }

// What it says of itself, in one line.
std::string words(const HttpFacts& f) {
    if (!f.status)
        return no_answer(f);
    const std::string detail = problem_of(f).detail;
    return std::to_string(f.status) + (detail.empty() ? "" : " " + quote_for_message(detail));
}

Finding refused_for_now(const HttpFacts& f) {
    const std::string wait = f.header("retry-after");
    return {Mark::fail, words(f) + (wait.empty() ? "" : "; try again in " + wait + " s"), Cause::too_many_tries};
}

std::string list_of(const std::vector<std::string>& names) {
    constexpr size_t most = 10;
    std::string out;
    for (size_t i = 0; i < std::min(names.size(), most); i++)
        out += (i ? ", " : "") + names[i];
    return out + (names.size() > most ? " and " + std::to_string(names.size() - most) + " more" : "");
}

} // namespace

Problem problem_of(const HttpFacts& answer) {
    if (answer.header("content-type").rfind("application/problem+json", 0) != 0)
        return {};
    std::vector<ConfigError> errors;
    const Json json = parse_json_text(answer.body, errors);
    if (!errors.empty() || !json.is_object())
        return {};
    const auto text = [&](const char* key) {
        return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
    };
    if (text("type").rfind(own_problem, 0) != 0)
        return {};
    return {text("type"), text("detail")};
}

bool from_sluice(const HttpFacts& answer) {
    // A failed upgrade has headers only.
    return !problem_of(answer).type.empty() || answer.header("server") == "sluice" ||
           (answer.body.empty() && answer.header("content-type").rfind("application/problem+json", 0) == 0);
}

Finding diagnose_credentials(const CredentialFacts& f) {
    using Kind = CredentialFacts::Kind;
    if (f.with.status == 0)
        return {Mark::fail, no_answer(f.with), Cause::http_no_answer};
    if (f.with.status == 429)
        return refused_for_now(f.with);
    if (f.kind == Kind::none) {
        if (f.with.status == 200)
            return {Mark::ok, "none given; a proxy in front brings its own"};
        return {Mark::fail, "none given, " + words(f.with), Cause::credentials_missing};
    }
    const std::string who = f.kind == Kind::token ? "the token" : f.user + " with a password";
    if (f.with.status == 401 && !from_sluice(f.with))
        return {Mark::fail, "401, and not from Sluice", Cause::proxy_credentials};
    if (f.with.status == 401) {
        // Sluice says "wrong" of what it has seen; the answer to nothing at all shows that it has seen nothing.
        const Problem without = problem_of(f.anonymous), with = problem_of(f.with);
        if (!with.detail.empty() && f.anonymous.status == 401 && without.detail == with.detail)
            return {Mark::fail, who + ": " + words(f.with) + ", the same as without", Cause::credentials_stripped};
        return {Mark::fail, who + ": " + words(f.with), Cause::credentials_wrong};
    }
    if (f.with.status == 403)
        return {Mark::fail, who + ": " + words(f.with), Cause::rights_missing};
    if (f.with.status != 200)
        return {Mark::fail, who + ": " + words(f.with), Cause::http_failed};
    return {Mark::ok, who + (f.anonymous.status == 200 ? ", as well as without" : "")};
}

Finding diagnose_rights(const RightsFacts& f) {
    const std::string sees = f.visible.empty() ? "sees no camera" : "sees " + list_of(f.visible);
    if (f.camera.empty())
        return {Mark::fail, f.principal + " " + sees, Cause::rights_missing,
                "if there are no cameras at all, describe some in the configuration"};
    if (!f.listed) {
        // The edge does not tell whether a camera exists that one may not see.
        if (f.one.status == 404 || f.view.status == 404)
            return {Mark::fail, "there is no " + quote_for_message(f.camera) + "; " + f.principal + " " + sees,
                    Cause::camera_unknown};
        return {Mark::fail, f.principal + " may not see " + quote_for_message(f.camera) + "; " + sees,
                Cause::rights_missing};
    }
    if (f.view.status == 403)
        return {Mark::fail, words(f.view), Cause::rights_missing};
    if (f.view.status == 429)
        return refused_for_now(f.view);
    if (f.view.status == 401)
        return {Mark::fail, "/whep: " + words(f.view) + ", although the API accepts the same",
                Cause::credentials_stripped};
    // 405: the question was answered before the method was looked at. Without cameras for viewers there is no /whep.
    if (f.view.status != 405)
        return {Mark::fail, "/whep: " + words(f.view),
                f.view.status == 404 ? Cause::camera_unknown : Cause::whep_failed};
    return {Mark::ok, f.principal + " may view " + f.camera + "; " + sees};
}

Finding diagnose_camera(const CameraFacts& f) {
    if (!f.webrtc)
        return {Mark::fail, f.name + ": WebRTC is switched off for it (/outputs/webrtc)", Cause::camera_unknown};
    if (f.streams.empty())
        return {Mark::fail, f.name + ": nothing is known of its streams", Cause::camera_down};
    const StreamFacts& s = f.streams.front(); // main: what a viewer gets who asks for nothing else
    std::string detail = f.name + "/" + s.name + " is " + s.state;
    if (s.state == "streaming") {
        detail += ", " + s.codec;
        if (s.width)
            detail += " " + std::to_string(s.width) + "x" + std::to_string(s.height);
        if (s.codec == "JPEG")
            detail += ", which no browser takes in WebRTC: viewers get another stream, or one that is made of it";
        return {Mark::ok, detail};
    }
    if (s.state == "idle" && s.on_demand)
        return {Mark::ok, detail + ": contacted when somebody watches"};
    if (!s.reason.empty())
        detail += ": " + s.reason;
    if (!s.failure.empty())
        detail += " (" + s.failure + ")";
    if (s.state == "connecting" && s.failure.empty())
        return {Mark::warn, detail};
    return {Mark::fail, detail, Cause::camera_down};
}

Finding diagnose_socket(const SocketFacts& f) {
    const HttpFacts& up = f.upgrade;
    if (f.connected && f.message) {
        if (f.page_status && *f.page_status == 403)
            return {Mark::warn, f.path + " works, but not for a page of this address: its Origin is refused",
                    Cause::websocket_origin};
        return {Mark::ok, f.path + ": upgraded, first message received"};
    }
    if (f.connected)
        return {Mark::fail, f.path + ": upgraded, but nothing comes through it", Cause::websocket_failed,
                "a proxy keeps WebSocket frames back: switch its buffering off"};
    if (up.status == 0)
        return {Mark::fail, f.path + ": " + no_answer(up), Cause::websocket_failed};
    const std::string says = f.path + ": the upgrade is answered " + words(up);
    if (up.status == 429)
        return refused_for_now(up);
    if (up.status == 401 || up.status == 407) {
        if (!from_sluice(up) || up.status == 407)
            return {Mark::fail, says + ", and not by Sluice", Cause::proxy_credentials};
        if (!f.with_credentials)
            return {Mark::fail, says, Cause::credentials_missing};
        return {Mark::fail, says + ", while ordinary requests with the same credentials are accepted",
                Cause::websocket_credentials_stripped};
    }
    if (up.status == 403)
        return {Mark::fail, says, from_sluice(up) ? Cause::rights_missing : Cause::websocket_failed};
    // Sluice takes the upgrade for an ordinary request: what makes it one was lost on the way.
    if (up.status == f.plain.status && from_sluice(up) && (up.status == 400 || up.status == 426))
        return {Mark::fail, says + ", the same as to a request without Upgrade", Cause::websocket_upgrade_stripped};
    return {Mark::fail, says, Cause::websocket_failed};
}

Finding diagnose_whep(const HttpFacts& answer, const std::string& camera) {
    const std::string says = "POST /whep/" + camera + ": " + words(answer);
    switch (answer.status) {
    case 201: return {Mark::ok, says + ", " + std::to_string(answer.body.size()) + " bytes of SDP"};
    case 0: return {Mark::fail, says, answer.timed_out ? Cause::http_no_answer : Cause::whep_failed};
    case 401: return {Mark::fail, says, Cause::credentials_stripped};
    case 403: return {Mark::fail, says, from_sluice(answer) ? Cause::rights_missing : Cause::whep_failed};
    case 404: return {Mark::fail, says, from_sluice(answer) ? Cause::camera_unknown : Cause::whep_failed};
    case 406: return {Mark::fail, says, Cause::no_common_format};
    case 429: return {Mark::fail, says, Cause::limit_reached};
    case 503: return {Mark::fail, says, from_sluice(answer) ? Cause::camera_down : Cause::whep_failed};
    default: return {Mark::fail, says, Cause::whep_failed};
    }
}

} // namespace sluice::doctor
