// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_job.hpp"

#include "launcher/config/parameter_value.hpp"

#include <algorithm>
#include <initializer_list>

namespace sluice {

namespace {

constexpr struct {
    Transport transport;
    const char* word;
} transports[] = {{Transport::tcp, "tcp"}, {Transport::udp, "udp"}, {Transport::http, "http"}};

constexpr struct {
    SourceEvent::Kind kind;
    const char* word;
} kinds[] = {{SourceEvent::Kind::connected, "connected"},
             {SourceEvent::Kind::handshake_done, "handshake-done"},
             {SourceEvent::Kind::data, "data"},
             {SourceEvent::Kind::failed, "failed"}};

constexpr struct {
    bool SourceFailure::*flag;
    const char* word;
} flags[] = {{&SourceFailure::could_not_connect, "could-not-connect"},
             {&SourceFailure::wants_tcp, "wants-tcp"},
             {&SourceFailure::of_encoder, "of-encoder"}};

struct Text {
    const char* field;
    std::string* out;
};

bool texts(const Json& value, std::initializer_list<Text> all) {
    return value.is_object() && std::all_of(all.begin(), all.end(), [&](const Text& t) {
               const auto it = value.find(t.field);
               if (it == value.end() || !it->is_string())
                   return false;
               *t.out = it->get<std::string>();
               return true;
           });
}

Json source_json(const SourceConfig& source) {
    Json out{{"url", source.url},
             {"user", source.user},
             {"password", source.password.reveal()},
             {"latency", source.latency_ms},
             {"tls-fingerprint", source.tls_fingerprint},
             {"template", source.source_template},
             {"parameters", Json::object()}};
    for (const auto& t : transports)
        if (t.transport == source.transport)
            out["transport"] = t.word;
    for (const auto& [name, value] : source.parameters)
        std::visit([&, key = name](const auto& v) { out["parameters"][key] = v; }, value);
    return out;
}

bool read_source(const Json& value, SourceConfig& out) {
    std::string password, transport;
    if (!texts(value, {{"url", &out.url},
                       {"user", &out.user},
                       {"password", &password},
                       {"tls-fingerprint", &out.tls_fingerprint},
                       {"template", &out.source_template},
                       {"transport", &transport}}))
        return false;
    out.password = Secret(std::move(password));
    const auto* known =
        std::find_if(std::begin(transports), std::end(transports), [&](const auto& t) { return transport == t.word; });
    const auto latency = value.find("latency"), parameters = value.find("parameters");
    if (known == std::end(transports) || latency == value.end() || !latency->is_number_unsigned() ||
        parameters == value.end() || !parameters->is_object())
        return false;
    out.transport = known->transport;
    out.latency_ms = latency->get<unsigned>();
    for (const auto& item : parameters->items()) {
        auto read = parameter_value(item.value());
        if (!read)
            return false;
        out.parameters.emplace(item.key(), std::move(*read));
    }
    return true;
}

} // namespace

Json to_json(const SourceJob& job) {
    return {{"template", job.template_text}, {"source", source_json(job.source)}, {"encoder", job.encoder}};
}

std::optional<SourceJob> source_job(const Json& value) {
    SourceJob job;
    if (!texts(value, {{"template", &job.template_text}, {"encoder", &job.encoder}}))
        return std::nullopt;
    const auto source = value.find("source");
    if (source == value.end() || !read_source(*source, job.source))
        return std::nullopt;
    return job;
}

Json to_json(const SourceEvent& event) {
    Json out;
    for (const auto& k : kinds)
        if (k.kind == event.kind)
            out["event"] = k.word;
    if (event.kind != SourceEvent::Kind::failed)
        return out;
    out["kind"] = to_string(event.failure.kind);
    out["reason"] = one_line(event.failure.reason);
    for (const auto& f : flags)
        out[f.word] = event.failure.*f.flag;
    return out;
}

std::optional<SourceEvent> source_event(const Json& value) {
    std::string word, failure;
    SourceEvent out;
    if (!texts(value, {{"event", &word}}))
        return std::nullopt;
    const auto* known = std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& k) { return word == k.word; });
    if (known == std::end(kinds))
        return std::nullopt;
    out.kind = known->kind;
    if (out.kind != SourceEvent::Kind::failed)
        return out;
    if (!texts(value, {{"kind", &failure}, {"reason", &out.failure.reason}}))
        return std::nullopt;
    const auto kind = failure_class(failure);
    if (!kind || *kind == FailureClass::none || out.failure.reason.empty())
        return std::nullopt;
    out.failure.kind = *kind;
    out.failure.reason = one_line(std::move(out.failure.reason));
    for (const auto& f : flags) {
        const auto it = value.find(f.word);
        if (it == value.end() || !it->is_boolean())
            return std::nullopt;
        out.failure.*f.flag = it->get<bool>();
    }
    return out;
}

} // namespace sluice
