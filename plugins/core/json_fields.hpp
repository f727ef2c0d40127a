// SPDX-License-Identifier: LGPL-2.1-or-later
// Fields of JSON objects, and the words for what is wrong with them: "found ..., allowed: ...".
#pragma once

#include "plugins/core/json_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

std::string join(const std::vector<std::string>& words);

class JsonFields {
public:
    explicit JsonFields(std::vector<ConfigError>& errors) : errors_(errors) {}

protected:
    void error(const std::string& pointer, std::string text) { errors_.push_back({pointer, std::move(text)}); }
    void wrong_type(const std::string& pointer, const Json& value, const std::string& allowed);
    void bad_value(const std::string& pointer, const std::string& value, const std::string& allowed);

    static const Json* field(const Json& value, const char* name);
    // An object without fields nobody knows.
    bool object(const Json& value, const std::string& pointer, const std::vector<std::string>& known);
    // The values of fields; nothing if there is no such field or, with an error, if it is wrong.
    const std::string* text(const Json& parent, const std::string& pointer, const char* name, const char* allowed);
    std::optional<int64_t> number(const Json& parent, const std::string& pointer, const char* name, int64_t min,
                                  int64_t max, const char* unit);
    void boolean(const Json& parent, const std::string& pointer, const char* name, bool& out);

    std::vector<ConfigError>& errors_;
};

} // namespace sluice
