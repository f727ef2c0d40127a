// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_job.hpp"

namespace sluice {

namespace {

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

constexpr struct {
    TranscodeFailure::Part part;
    const char* name;
} parts[] = {{TranscodeFailure::Part::encoder, "encoder"},
             {TranscodeFailure::Part::decoder, "decoder"},
             {TranscodeFailure::Part::source, "source"}};

} // namespace

Json to_json(const TranscodeJob& job) {
    return {{"encoder", job.encoder},     {"width", job.width},     {"height", job.height},
            {"framerate", job.framerate}, {"bitrate", job.bitrate}, {"gop-ms", job.gop_ms}};
}

std::optional<TranscodeJob> transcode_job(const Json& value) {
    TranscodeJob job;
    if (value.is_object() && text(value, "encoder", job.encoder) && number(value, "width", job.width) &&
        number(value, "height", job.height) && number(value, "framerate", job.framerate) &&
        number(value, "bitrate", job.bitrate) && number(value, "gop-ms", job.gop_ms))
        return job;
    return std::nullopt;
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
    for (const auto& p : parts)
        if (part == p.name) {
            failure.part = p.part;
            return failure;
        }
    return std::nullopt;
}

} // namespace sluice
