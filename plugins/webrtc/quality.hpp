// SPDX-License-Identifier: LGPL-2.1-or-later
// Which stream of its camera a viewer gets: "auto", what its path carries; or the name of a stream, that one and no other (a
// pin). Pure.
#pragma once

#include "plugins/core/result.hpp"

#include <map>
#include <string>
#include <string_view>

namespace sluice {

constexpr const char* quality_auto = "auto";

// What can be a quality at all: 1 to 64 bytes without what lists are made of.
bool is_quality(std::string_view text);

// What viewers get who have not said what they want.
struct QualityDefaults {
    using Cameras = std::map<std::string, std::string, std::less<>>;
    std::string all = quality_auto;
    Cameras cameras; // those that differ

    const std::string& of(std::string_view camera) const;
};

// "front=sub, yard=auto", and back.
Result<QualityDefaults::Cameras> parse_qualities(std::string_view text);
std::string to_text(const QualityDefaults::Cameras& qualities);

} // namespace sluice
