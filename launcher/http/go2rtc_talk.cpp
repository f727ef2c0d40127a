// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/go2rtc_talk.hpp"

#include "launcher/config/url.hpp"

#include <libsoup/soup.h>

#include <set>

namespace sluice {

BareSdp without_candidates(std::string_view sdp) {
    BareSdp out;
    while (!sdp.empty()) {
        const size_t end = std::min(sdp.find('\n'), sdp.size() - 1) + 1;
        std::string_view line = sdp.substr(0, end);
        sdp.remove_prefix(end);
        if (line.starts_with("a=candidate:"))
            out.candidates.emplace_back(line.substr(2, line.find_first_of("\r\n") - 2));
        else if (!line.starts_with("a=end-of-candidates"))
            out.sdp += line;
    }
    return out;
}

void Go2rtcTalk::error(const std::string& asked, const std::string& why) {
    out_.to_player(Json{{"type", "error"}, {"value", asked + ": " + why}});
}

void Go2rtcTalk::bad(const std::string& asked, const std::string& why) {
    error(asked, why);
    if (++bad_ == max_bad)
        out_.close(SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "too many messages that cannot be understood");
}

void Go2rtcTalk::from_player(std::string_view text) {
    // A deep nesting would need as deep a stack when the value is destroyed; no message here has one.
    const Json json = Json::parse(
        text, [](int depth, Json::parse_event_t, Json&) { return depth <= 6; }, false);
    const std::string type = json.is_object() ? text_of(json, "type") : "";
    if (type.empty())
        return bad("message", R"(not of the form {"type": "...", "value": ...})");
    const auto value = json.find("value");
    if (type == "webrtc/candidate")
        return candidate(text_of(json, "value"));
    if (type == "webrtc/offer") {
        const std::string sdp = text_of(json, "value");
        return sdp.empty() ? bad(type, "the value is no SDP") : offer(type, sdp);
    }
    if (type == "webrtc") {
        const std::string sdp = value != json.end() && value->is_object() ? text_of(*value, "sdp") : "";
        return sdp.empty() ? bad(type, R"(the value is not {"type": "offer", "sdp": "..."})") : offer(type, sdp);
    }
    // Must not name the offer: players take that for its answer. They try several of these and go on with WebRTC.
    static const std::set<std::string, std::less<>> elsewhere{"mse", "hls", "mp4", "mjpeg"};
    if (elsewhere.contains(type))
        return error(type, "not supported by this server, WebRTC is");
    bad(quote_for_message(type), "not known to this server");
}

void Go2rtcTalk::offer(const std::string& asked, const std::string& sdp) {
    if (offers_ == max_offers)
        return bad(asked, "no more than " + std::to_string(max_offers) + " offers by one connection");
    if (state_ != State::none)
        out_.to_server(Json{{"type", "leave"}, {"id", id_}});
    id_ = std::to_string(++offers_);
    asked_ = asked;
    state_ = State::joining;
    Json join{{"type", "join"}, {"id", id_}, {"camera", source_.camera}, {"sdp", sdp}};
    if (const std::string& quality = source_.wanted(); !quality.empty())
        join["quality"] = quality;
    out_.to_server(join);
}

void Go2rtcTalk::candidate(const std::string& value) {
    if (state_ == State::joined)
        out_.to_server(Json{{"type", "candidate"}, {"id", id_}, {"candidate", value}});
    else if (early_.size() < max_early_candidates) // they are sent while the offer is on its way, some even before it
        early_.push_back(value);
}

void Go2rtcTalk::answer(const std::string& sdp) {
    state_ = State::joined;
    const BareSdp bare = without_candidates(sdp);
    if (asked_ == "webrtc")
        out_.to_player(Json{{"type", asked_}, {"value", {{"type", "answer"}, {"sdp", bare.sdp}}}});
    else
        out_.to_player(Json{{"type", "webrtc/answer"}, {"value", bare.sdp}});
    for (const std::string& one : bare.candidates)
        out_.to_player(Json{{"type", "webrtc/candidate"}, {"value", one}});
    for (const std::string& one : std::exchange(early_, {}))
        candidate(one);
}

void Go2rtcTalk::from_server(const Json& message) {
    const std::string type = text_of(message, "type");
    if (type == "going-away")
        return out_.close(SOUP_WEBSOCKET_CLOSE_GOING_AWAY, text_of(message, "reason"));
    if (id_.empty() || text_of(message, "id") != id_)
        return; // of an offer that another one has replaced
    if (type == "answer")
        return answer(text_of(message, "sdp"));
    if (type == "closed") {
        state_ = State::none;
        return error(asked_, text_of(message, "reason"));
    }
    if (type != "error")
        return;
    const Json problem = message.value("error", Json::object());
    const std::string detail = text_of(problem, "detail");
    const std::string why = detail.empty() ? text_of(problem, "title") : detail;
    if (state_ == State::joined)
        return error("webrtc/candidate", why);
    state_ = State::none;
    error(asked_, why);
}

} // namespace sluice
