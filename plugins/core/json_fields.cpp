// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/json_fields.hpp"

#include "plugins/core/safe_text.hpp"

#include <algorithm>

namespace sluice {

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

void JsonFields::wrong_type(const std::string& pointer, const Json& value, const std::string& allowed) {
    error(pointer, std::string("found ") + json_type_phrase(value) + ", allowed: " + allowed);
}

void JsonFields::bad_value(const std::string& pointer, const std::string& value, const std::string& allowed) {
    error(pointer, "found " + quote_for_message(value) + ", allowed: " + allowed);
}

const Json* JsonFields::field(const Json& value, const char* name) {
    const auto it = value.find(name);
    return it == value.end() ? nullptr : &*it;
}

bool JsonFields::object(const Json& value, const std::string& pointer, const std::vector<std::string>& known) {
    if (!value.is_object()) {
        wrong_type(pointer, value, "an object with the fields " + join(known));
        return false;
    }
    for (const auto& item : value.items()) {
        if (std::find(known.begin(), known.end(), item.key()) == known.end())
            error(json_pointer(pointer, item.key()),
                  "found an unknown field, allowed: " + (known.empty() ? "none here" : join(known)));
    }
    return true;
}

const std::string* JsonFields::text(const Json& parent, const std::string& pointer, const char* name,
                                    const char* allowed) {
    const Json* value = field(parent, name);
    if (!value)
        return nullptr;
    const std::string at = json_pointer(pointer, name);
    if (!value->is_string()) {
        wrong_type(at, *value, allowed);
        return nullptr;
    }
    const auto& found = value->get_ref<const std::string&>();
    if (found.empty() || found.find('\0') != std::string::npos) {
        bad_value(at, found, allowed);
        return nullptr;
    }
    return &found;
}

std::optional<int64_t> JsonFields::number(const Json& parent, const std::string& pointer, const char* name, int64_t min,
                                          int64_t max, const char* unit) {
    const Json* value = field(parent, name);
    if (!value)
        return std::nullopt;
    const std::string at = json_pointer(pointer, name);
    const std::string allowed = "a whole number from " + std::to_string(min) + " to " + std::to_string(max) + unit;
    if (!value->is_number_integer()) {
        wrong_type(at, *value, allowed);
        return std::nullopt;
    }
    const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
    if (huge || value->get<int64_t>() < min || value->get<int64_t>() > max) {
        error(at, "found " + value->dump() + ", allowed: " + allowed);
        return std::nullopt;
    }
    return value->get<int64_t>();
}

void JsonFields::boolean(const Json& parent, const std::string& pointer, const char* name, bool& out) {
    const Json* value = field(parent, name);
    if (value && value->is_boolean())
        out = value->get<bool>();
    else if (value)
        wrong_type(json_pointer(pointer, name), *value, "true or false");
}

} // namespace sluice
