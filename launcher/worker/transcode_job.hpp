// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker is asked for, and how it says that it cannot; as JSON over the link. Pure.
#pragma once

#include "plugins/core/json_text.hpp"

#include <cstdint>
#include <string>

namespace sluice {

struct TranscodeJob {
    std::string encoder;                           // a profile's name
    unsigned width = 0, height = 0, framerate = 0; // at most; 0: as the source has it
    uint64_t bitrate = 2'000'000;                  // bit/s
    unsigned gop_ms = 1000;                        // between two key units, if nobody asks for one sooner
    bool operator==(const TranscodeJob&) const = default;
};
Json to_json(const TranscodeJob& job);
// Nothing: it is none.
std::optional<TranscodeJob> transcode_job(const Json& value);

struct TranscodeFailure {
    enum class Part { encoder, decoder, source };
    Part part = Part::source;
    std::string reason; // one line, without secrets
    bool operator==(const TranscodeFailure&) const = default;
};
Json to_json(const TranscodeFailure& failure);
std::optional<TranscodeFailure> transcode_failure(const Json& value);

} // namespace sluice
