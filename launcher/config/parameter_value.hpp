// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/json_text.hpp"

#include <limits>
#include <optional>

namespace sluice {

// A text, a truth value or a whole number; nothing: it is none of these, or a number that does not fit.
inline std::optional<ParameterValue> parameter_value(const Json& value) {
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_boolean())
        return value.get<bool>();
    const bool too_large =
        value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max());
    if (value.is_number_integer() && !too_large)
        return value.get<int64_t>();
    return std::nullopt;
}

} // namespace sluice
