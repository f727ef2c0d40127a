// SPDX-License-Identifier: LGPL-2.1-or-later
// Fields of the configuration, whose names the parser and the JSON Schema share (config_fields).
#pragma once

#include "plugins/core/json_fields.hpp"

namespace sluice {

class FieldReader : protected JsonFields {
public:
    using JsonFields::JsonFields;

protected:
    // An object of that kind (config_fields), without fields nobody knows.
    bool object(const Json& value, const std::string& pointer, const char* kind);
};

} // namespace sluice
