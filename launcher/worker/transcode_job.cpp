// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_job.hpp"

#include "launcher/config/parameter_value.hpp"
#include "launcher/worker/reason.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice {

namespace {

constexpr const char* key_interval_property = "key-int-max"; // of sluiceh264enc

template <typename T> bool number(const Json& value, const char* field, T& out) {
    const auto it = value.find(field);
    if (it == value.end() || !it->is_number_unsigned())
        return false;
    out = it->get<T>();
    return true;
}

bool text(const Json& value, const char* field, std::string& out) {
    const auto it = value.find(field);
    if (it == value.end() || !it->is_string())
        return false;
    out = it->get<std::string>();
    return true;
}

bool parameter(const Json& value, const char* field, ParameterValue& out) {
    const auto it = value.find(field);
    auto found = it == value.end() ? std::nullopt : parameter_value(*it);
    if (found)
        out = std::move(*found);
    return found.has_value();
}

// Of a list of objects; false: it is none, or one of them is not what it should be.
template <typename Take> bool each(const Json& value, const char* field, Take take) {
    const auto it = value.find(field);
    return it != value.end() && it->is_array() &&
           std::all_of(it->begin(), it->end(), [&](const Json& item) { return item.is_object() && take(item); });
}

constexpr struct {
    TranscodeFailure::Part part;
    const char* name;
} parts[] = {{TranscodeFailure::Part::encoder, "encoder"},
             {TranscodeFailure::Part::decoder, "decoder"},
             {TranscodeFailure::Part::source, "source"}};

} // namespace

Result<TranscodeJob> job_of(const SourceTemplate& source_template, const SourceConfig& source) {
    std::map<std::string, ParameterValue> values = source.parameters;
    const DerivedConfig figures = source.derived.value_or(DerivedConfig());
    for (const auto& [name, value] : {std::pair{"width", figures.width},
                                      {"height", figures.height},
                                      {"framerate", figures.framerate},
                                      {"bitrate", figures.bitrate}})
        if (value && source_template.parameters.count(name))
            values.emplace(name, int64_t(value));
    TranscodeJob job{.framerate = figures.framerate};
    if (source_template.parameters.count("bitrate"))
        job.bitrate = figures.bitrate * uint64_t(1000);
    auto settings = bind_parameters(source_template, values);
    if (!settings)
        return settings.error();
    job.settings = std::move(settings).value();
    for (const PropertySetting& setting : job.settings)
        if (setting.property == key_interval_property)
            job.gop_ms = 0;
    std::set<std::string> given;
    for (const auto& [name, parameter] : source_template.parameters)
        if (parameter.fallback || values.count(name))
            given.insert(name);
    for (const SourceTemplate::Branch& branch : source_template.branches)
        job.chains.push_back({branch.caps, branch.text(given)});
    return job;
}

Json to_json(const TranscodeJob& job) {
    Json out{{"encoder", job.encoder},     {"chains", Json::array()}, {"settings", Json::array()},
             {"framerate", job.framerate}, {"bitrate", job.bitrate},  {"gop-ms", job.gop_ms}};
    for (const auto& chain : job.chains)
        out["chains"].push_back({{"caps", chain.caps}, {"pipeline", chain.pipeline}});
    for (const PropertySetting& s : job.settings) {
        Json one{{"element", s.element}, {"property", s.property}, {"field", s.field}};
        std::visit([&](const auto& value) { one["value"] = value; }, s.value);
        out["settings"].push_back(std::move(one));
    }
    return out;
}

std::optional<TranscodeJob> transcode_job(const Json& value) {
    TranscodeJob job;
    if (!value.is_object() || !text(value, "encoder", job.encoder) || !number(value, "framerate", job.framerate) ||
        !number(value, "bitrate", job.bitrate) || !number(value, "gop-ms", job.gop_ms))
        return std::nullopt;
    const bool whole = each(value, "chains",
                            [&](const Json& item) {
                                auto& chain = job.chains.emplace_back();
                                return text(item, "caps", chain.caps) && text(item, "pipeline", chain.pipeline);
                            }) &&
                       each(value, "settings", [&](const Json& item) {
                           PropertySetting& s = job.settings.emplace_back();
                           return text(item, "element", s.element) && text(item, "property", s.property) &&
                                  text(item, "field", s.field) && parameter(item, "value", s.value);
                       });
    return whole ? std::optional(job) : std::nullopt;
}

Json to_json(const TranscodeFailure& failure) {
    for (const auto& p : parts)
        if (p.part == failure.part)
            return {{"failed", p.name}, {"reason", failure.reason}};
    return {};
}

std::optional<TranscodeFailure> transcode_failure(const Json& value) {
    std::string part;
    TranscodeFailure failure;
    if (!value.is_object() || !text(value, "failed", part) || !text(value, "reason", failure.reason))
        return std::nullopt;
    failure.reason = one_line(std::move(failure.reason));
    for (const auto& p : parts)
        if (part == p.name) {
            failure.part = p.part;
            return failure;
        }
    return std::nullopt;
}

} // namespace sluice
