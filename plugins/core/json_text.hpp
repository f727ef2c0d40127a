// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON text to a document, stricter than JSON itself: no key twice in one object, bounded depth. Keeps the order of keys.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

using Json = nlohmann::ordered_json;

// One thing that is wrong with a file, ready to be read by the person who wrote it. Never holds a secret.
struct ConfigError {
    std::string where; // JSON pointer, or "12:5" (line:column) where the text is not JSON
    std::string text;  // what was found, and what is allowed
};

// "cameras.json: /cameras/front/x: found ..., allowed: ..."
std::string to_string(const std::string& file, const ConfigError& error);

constexpr size_t max_json_bytes = 4 << 20;
constexpr int max_json_depth = 32;

// Appends to errors; the document is meaningful only if nothing was appended.
Json parse_json_text(std::string_view text, std::vector<ConfigError>& errors);

// RFC 6901: pointer + "/" + escaped key.
std::string json_pointer(const std::string& pointer, std::string_view key);

// The text of a member; empty if it is not there, is no text, or `value` is no object.
std::string text_of(const Json& value, const char* member);

// "a string", "a number"...: what a value is, without its content.
const char* json_type_phrase(const Json& value);

// What files call things: cameras, streams, templates.
bool is_config_name(std::string_view name);
constexpr const char* config_name_allowed = "1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot";

} // namespace sluice
