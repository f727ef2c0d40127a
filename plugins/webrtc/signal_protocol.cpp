// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/signal_protocol.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>

namespace sluice {

namespace {

using Json = nlohmann::json;
using Type = SignalMessage::Type;

constexpr size_t max_name = 64;

struct Field {
    const char* name;
    std::string SignalMessage::*member;
    bool needed;
    size_t max; // bytes
};
const Field id_field{"id", &SignalMessage::id, true, max_name};

struct Kind {
    Type type;
    std::vector<Field> fields;
};

const std::map<std::string, Kind, std::less<>>& kinds() {
    static const std::map<std::string, Kind, std::less<>> all{
        {"join",
         {Type::join,
          {id_field,
           {"camera", &SignalMessage::camera, true, max_name},
           {"quality", &SignalMessage::quality, false, max_name},
           {"stream", &SignalMessage::quality, false, max_name},
           {"sdp", &SignalMessage::sdp, true, max_signal_bytes}}}},
        {"candidate", {Type::candidate, {id_field, {"candidate", &SignalMessage::candidate, true, 1024}}}},
        {"quality", {Type::quality, {id_field, {"quality", &SignalMessage::quality, true, max_name}}}},
        {"stream", {Type::quality, {id_field, {"stream", &SignalMessage::quality, true, max_name}}}},
        {"leave", {Type::leave, {id_field}}},
        {"attach", {Type::attach, {id_field, {"session", &SignalMessage::session, true, max_name}}}},
        {"ping", {Type::ping, {}}},
    };
    return all;
}

std::string type_names() {
    std::string out;
    for (const auto& [name, kind] : kinds())
        out += (out.empty() ? "" : ", ") + name;
    return out;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json with(Json message, const SentStream& sent) {
    if (sent.stream.empty())
        return message; // the session is over already
    message["stream"] = sent.stream;
    message["quality"] = sent.quality;
    if (!sent.reason.empty())
        message["reason"] = sent.reason;
    return message;
}

bool printable(const std::string& text) {
    for (const unsigned char c : text)
        if (c < 0x20 || c == 0x7f)
            return false;
    return true;
}

} // namespace

std::variant<SignalMessage, SignalRefusal> parse_signal(std::string_view text) {
    std::string id;
    const auto refuse = [&](std::string why) { return SignalRefusal{id, {ErrorKind::bad_input, std::move(why)}}; };
    if (text.size() > max_signal_bytes)
        return SignalRefusal{
            id, {ErrorKind::too_large, "the message is larger than " + std::to_string(max_signal_bytes) + " bytes"}};
    // A deep nesting would need as deep a stack when the value is destroyed; no message here has one.
    const Json json = Json::parse(
        text, [](int depth, Json::parse_event_t, Json&) { return depth <= 4; }, false);
    if (!json.is_object())
        return refuse("the message is not a JSON object");
    if (const auto it = json.find("id"); it != json.end() && it->is_string()) {
        const auto& value = it->get_ref<const std::string&>();
        if (value.size() <= max_name && printable(value))
            id = value;
    }
    const auto type = json.find("type");
    if (type == json.end() || !type->is_string())
        return refuse("the message has no 'type', one of: " + type_names());
    const auto kind = kinds().find(type->get_ref<const std::string&>());
    if (kind == kinds().end())
        return refuse("the message's 'type' is unknown; allowed: " + type_names());
    SignalMessage out;
    out.type = kind->second.type;
    for (const Field& field : kind->second.fields) {
        const std::string where = "'" + std::string(field.name) + "' of a message '" + kind->first + "' ";
        const auto value = json.find(field.name);
        if (value == json.end()) {
            if (field.needed)
                return refuse(where + "is missing");
            continue;
        }
        if (!value->is_string())
            return refuse(where + "is not a string");
        std::string content = value->get<std::string>();
        if (content.size() > field.max)
            return refuse(where + "has more than " + std::to_string(field.max) + " bytes");
        if (field.member != &SignalMessage::sdp && !printable(content))
            return refuse(where + "has control characters");
        if (!content.empty() && !(out.*field.member).empty())
            return refuse(where + "stands beside another that says the same; allowed: one of them");
        if (content.empty() && !field.needed)
            continue;
        const bool may_be_empty = field.member == &SignalMessage::candidate;
        if (content.empty() && !may_be_empty)
            return refuse(where + "is empty");
        out.*field.member = std::move(content);
    }
    return out;
}

namespace signal_text {

std::string hello(unsigned max_sessions) {
    return text_of({{"type", "hello"},
                    {"version", signal_version},
                    {"max-message-bytes", max_signal_bytes},
                    {"max-sessions", max_sessions}});
}
std::string answer(const std::string& id, const std::string& session, const std::string& sdp, const SentStream& sent) {
    return text_of(with({{"type", "answer"}, {"id", id}, {"session", session}, {"sdp", sdp}}, sent));
}
std::string attached(const std::string& id, const std::string& session, const SentStream& sent) {
    return text_of(with({{"type", "attached"}, {"id", id}, {"session", session}}, sent));
}
std::string error(const std::string& id, const Error& error) {
    Json out{{"type", "error"}, {"error", Json::parse(problem_json(error.kind, error.text), nullptr, false)}};
    if (!id.empty())
        out["id"] = id;
    return text_of(out);
}
std::string switched(const std::string& id, const SentStream& sent) {
    return text_of(with({{"type", "switched"}, {"id", id}}, sent));
}
std::string quality(const std::string& id, const std::string& quality) {
    return text_of({{"type", "quality"}, {"id", id}, {"quality", quality}});
}
std::string state(const std::string& id, const std::string& state, const std::string& reason) {
    Json out{{"type", "state"}, {"id", id}, {"state", state}};
    if (!reason.empty())
        out["reason"] = reason;
    return text_of(out);
}
std::string closed(const std::string& id, const std::string& reason) {
    return text_of({{"type", "closed"}, {"id", id}, {"reason", reason}});
}
std::string going_away(const std::string& reason) { return text_of({{"type", "going-away"}, {"reason", reason}}); }
std::string pong() { return text_of({{"type", "pong"}}); }

} // namespace signal_text

} // namespace sluice
