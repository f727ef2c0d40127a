// SPDX-License-Identifier: LGPL-2.1-or-later
// ${NAME} and ${NAME:default} in texts, without losing what they are called.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class Variables {
public:
    using Environment = std::function<std::optional<std::string>(const std::string&)>;

    // given: what the configuration itself says; it goes before the environment.
    Variables(std::map<std::string, std::string> given, Environment environment)
        : given_(std::move(given)), environment_(std::move(environment)) {}

    // A text in which those variables that are not given stand as words that an address can hold everywhere.
    struct Masked {
        std::string text, prefix;
        std::vector<std::pair<std::string, std::optional<std::string>>> found; // name, default
    };
    Masked mask(std::string_view text) const;

    // The name, if the text is one variable and nothing else.
    static std::optional<std::string> only(const Masked& masked, const std::string& text);
    // With the values in place of the words. missing: the first that has none.
    std::string fill(const Masked& masked, std::string text, std::string& missing) const;

private:
    std::map<std::string, std::string> given_;
    Environment environment_;
};

} // namespace sluice
