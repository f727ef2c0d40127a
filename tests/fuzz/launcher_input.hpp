// SPDX-License-Identifier: LGPL-2.1-or-later
// What targets of the launcher's parsers share: the world outside of a text, with secrets that must not come out of it.
#pragma once

#include "launcher/config/config_context.hpp"
#include "launcher/config/templates.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <string>
#include <string_view>

namespace sluice::test {

constexpr const char* canary = "c4n4ry!of$secrets";

inline const Templates& templates() {
    static const Templates all = [] {
        auto loaded = Templates::load(template_directories());
        FUZZ_CHECK(bool(loaded));
        return std::move(loaded).value();
    }();
    return all;
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
    return size ? std::string_view(reinterpret_cast<const char*>(data), size) : std::string_view("");
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// For people, one line: where is nothing, a pointer, or line:column.
inline void check_error(const ConfigError& error) {
    FUZZ_CHECK(!error.text.empty() && error.text.size() < 4096);
    FUZZ_CHECK(!contains(error.text, "\n") && !contains(error.where, "\n"));
    FUZZ_CHECK(!contains(error.text, canary));
}

} // namespace sluice::test
