// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/field_reader.hpp"

#include "launcher/config/config_parser.hpp"

namespace sluice {

bool FieldReader::object(const Json& value, const std::string& pointer, const char* kind) {
    return JsonFields::object(value, pointer, config_fields().at(kind));
}

} // namespace sluice
