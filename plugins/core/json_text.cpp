// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/json_text.hpp"

#include "plugins/core/safe_text.hpp"

#include <algorithm>
#include <memory>
#include <set>

namespace sluice {

namespace {

// The DOM parser of the library keeps the last of two equal keys and says nothing: a camera would be lost silently.
class Builder {
public:
    using number_integer_t = Json::number_integer_t;
    using number_unsigned_t = Json::number_unsigned_t;
    using number_float_t = Json::number_float_t;
    using string_t = Json::string_t;
    using binary_t = Json::binary_t;

    Builder(std::string_view text, std::vector<ConfigError>& errors) : text_(text), errors_(errors) {}

    bool null() { return add(nullptr); }
    bool boolean(bool v) { return add(v); }
    bool number_integer(number_integer_t v) { return add(v); }
    bool number_unsigned(number_unsigned_t v) { return add(v); }
    bool number_float(number_float_t v, const string_t&) { return add(v); }
    bool string(string_t& v) { return add(std::move(v)); }
    bool binary(binary_t&) { return false; }
    bool start_object(size_t) { return open(Json::object()); }
    bool start_array(size_t) { return open(Json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(string_t& name) {
        Level& level = levels_.back();
        level.key = name;
        if (!level.keys.insert(name).second)
            errors_.push_back({json_pointer(pointer(), name),
                               "found " + quote_for_message(name) + " twice, allowed: each name once in an object"});
        return true;
    }
    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e) {
        // The library counts the character it stopped at as read.
        const size_t stop = std::min(position > 0 ? position - 1 : 0, text_.size());
        size_t line = 1, column = 1;
        for (size_t i = 0; i < stop; i++) {
            if (text_[i] == '\n') {
                line++;
                column = 1;
            } else if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) {
                column++;
            }
        }
        errors_.push_back({std::to_string(line) + ":" + std::to_string(column), syntax_phrase(e.what(), stop)});
        return false;
    }

    Json take() { return std::move(root_); }

private:
    struct Level {
        Json* value;
        std::string key;
        std::set<std::string> keys;
    };

    // The library's own words quote the text around the error, which may be a password: only what was expected is taken over.
    std::string syntax_phrase(const std::string& what, size_t stop) const {
        std::string found = stop >= text_.size()
                                ? "found the end of the file"
                                : "found " + quote_for_message(text_.substr(stop, 1)) + ", which is not JSON here";
        const size_t expected = what.rfind("expected ");
        if (expected != std::string::npos)
            found += ", allowed: " + what.substr(expected + 9);
        else if (const size_t invalid = what.find("invalid "); invalid != std::string::npos)
            found += " (" + what.substr(invalid, what.find_first_of(";:", invalid) - invalid) + ")";
        return found;
    }

    std::string pointer() const {
        std::string out;
        for (size_t i = 0; i + 1 < levels_.size(); i++)
            out = levels_[i].value->is_array() ? json_pointer(out, std::to_string(levels_[i].value->size() - 1))
                                               : json_pointer(out, levels_[i].key);
        return out;
    }

    Json* place(Json value) {
        if (levels_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        Level& level = levels_.back();
        if (level.value->is_array()) {
            level.value->push_back(std::move(value));
            return &level.value->back();
        }
        // A repeated key is an error already; the first stays so that pointers into the document do.
        if (const auto it = level.value->find(level.key); it != level.value->end()) {
            discarded_.push_back(std::make_unique<Json>(std::move(value)));
            return discarded_.back().get();
        }
        Json& slot = (*level.value)[level.key];
        slot = std::move(value);
        return &slot;
    }

    bool add(Json value) {
        place(std::move(value));
        return true;
    }
    bool open(Json value) {
        if (levels_.size() >= static_cast<size_t>(max_json_depth)) {
            errors_.push_back({pointer(), "found more than 32 levels of nesting, allowed: at most 32"});
            return false;
        }
        Json* p = place(std::move(value));
        levels_.push_back({p, {}, {}});
        return true;
    }
    bool close() {
        levels_.pop_back();
        return true;
    }

    std::string_view text_;
    std::vector<ConfigError>& errors_;
    Json root_;
    std::vector<Level> levels_;
    std::vector<std::unique_ptr<Json>> discarded_;
};

} // namespace

std::string to_string(const std::string& file, const ConfigError& error) {
    if (error.where.empty())
        return file + ": " + error.text;
    return file + ":" + (error.where.front() == '/' ? " " : "") + error.where + ": " + error.text;
}

Json parse_json_text(std::string_view text, std::vector<ConfigError>& errors) {
    if (text.size() > max_json_bytes) {
        errors.push_back({"", "found more than 4 MiB, allowed: at most that"});
        return {};
    }
    Builder builder(text, errors);
    Json::sax_parse(text, &builder);
    return builder.take();
}

std::string json_pointer(const std::string& pointer, std::string_view key) {
    std::string out = pointer + "/";
    for (const char c : key) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += '?';
        else
            out += c;
    }
    return out;
}

std::string text_of(const Json& value, const char* member) {
    const auto it = value.is_object() ? value.find(member) : value.end();
    return it != value.end() && it->is_string() ? it->get<std::string>() : "";
}

const char* json_type_phrase(const Json& value) {
    switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "a list";
    case Json::value_t::string: return "a text";
    case Json::value_t::boolean: return value.get<bool>() ? "true" : "false";
    case Json::value_t::number_float: return "a number with a fraction";
    default: return "a number";
    }
}

bool is_config_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
           });
}

} // namespace sluice
