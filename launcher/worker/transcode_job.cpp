// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_job.hpp"

#include "launcher/worker/reason.hpp"

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
    auto chains = chains_of(source_template, values);
    if (!chains)
        return chains.error();
    job.chains = std::move(chains.value().chains);
    job.settings = std::move(chains.value().settings);
    for (const PropertySetting& setting : job.settings)
        if (setting.property == key_interval_property)
            job.gop_ms = 0;
    return job;
}

Json to_json(const TranscodeJob& job) {
    Json out{{"encoder", job.encoder}, {"framerate", job.framerate}, {"bitrate", job.bitrate}, {"gop-ms", job.gop_ms}};
    put_chains(out, job.chains, job.settings);
    return out;
}

std::optional<TranscodeJob> transcode_job(const Json& value) {
    TranscodeJob job;
    if (!value.is_object() || !take_text(value, "encoder", job.encoder) || !number(value, "framerate", job.framerate) ||
        !number(value, "bitrate", job.bitrate) || !number(value, "gop-ms", job.gop_ms) ||
        !take_chains(value, job.chains, job.settings))
        return std::nullopt;
    return job;
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
    if (!value.is_object() || !take_text(value, "failed", part) || !take_text(value, "reason", failure.reason))
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
