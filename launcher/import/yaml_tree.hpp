// SPDX-License-Identifier: LGPL-2.1-or-later
// YAML text to a tree, bounded in every direction. The one place that knows the YAML library.
#pragma once

#include "plugins/core/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

constexpr size_t max_yaml_bytes = 1 << 20;
constexpr size_t max_yaml_cost =
    200'000; // values, and 16 characters of them; what an alias stands for counts each time
constexpr unsigned max_yaml_depth = 32;

struct YamlNode {
    enum class Kind { null, scalar, list, map };
    struct Field;

    Kind kind = Kind::null;
    std::string text;  // of a scalar, without its quotes
    unsigned line = 1; // where it begins
    std::vector<YamlNode> items;
    std::vector<Field> fields; // in the file's order, each name once

    const YamlNode* find(std::string_view name) const; // nullptr: not there, or this is no map
    bool is_null() const { return kind == Kind::null; }
    bool is_map() const { return kind == Kind::map; }
    bool is_list() const { return kind == Kind::list; }
    // The text of a scalar that is not empty.
    const std::string* scalar() const { return kind == Kind::scalar && !text.empty() ? &text : nullptr; }
    // true/false as YAML 1.1 spells them, too (yes, off); nothing if it is anything else.
    std::optional<bool> boolean() const;
};

struct YamlNode::Field {
    std::string name;
    YamlNode value;
};

// One document. Errors begin with "LINE:COLUMN: " and never repeat what stands there: it may be a password.
Result<YamlNode> parse_yaml(std::string_view text);

} // namespace sluice
