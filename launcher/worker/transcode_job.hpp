// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker is asked for, and how it says that it cannot; as JSON over the link. Pure.
#pragma once

#include "launcher/worker/template_chains.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct TranscodeJob {
    std::string encoder; // a profile's name, for the element "encoder" of a chain if that leaves it open
    std::vector<TemplateChain> chains;
    std::vector<PropertySetting> settings; // each for those chains that have such an element
    unsigned framerate = 0;                // at most; 0: as the source has it
    uint64_t bitrate = 0;                  // bit/s, of the element "encoder"; 0: as the settings say
    unsigned gop_ms = usual_gop_ms; // between two key units, if nobody asks for one sooner; 0: the settings say it

    static constexpr unsigned usual_gop_ms = 1000;
    bool operator==(const TranscodeJob&) const = default;
};
// By a template of the kind derived; without an encoder. source: of a derived stream. Error (bad_config): it does not fit the
// template.
Result<TranscodeJob> job_of(const SourceTemplate& source_template, const SourceConfig& source);
Json to_json(const TranscodeJob& job);
// Nothing: it is none.
std::optional<TranscodeJob> transcode_job(const Json& value);

struct TranscodeFailure {
    enum class Part { encoder, decoder, source, process }; // the last is gone, and does not say so itself
    Part part = Part::source;
    std::string reason; // one line, without secrets
    bool operator==(const TranscodeFailure&) const = default;
};
Json to_json(const TranscodeFailure& failure);
std::optional<TranscodeFailure> transcode_failure(const Json& value);

} // namespace sluice
