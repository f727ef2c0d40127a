// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/variables.hpp"

#include <algorithm>

namespace sluice {

namespace {

std::string word(const std::string& prefix, size_t index) { return prefix + std::to_string(index) + "x"; }

} // namespace

Variables::Masked Variables::mask(std::string_view text) const {
    Masked out;
    out.prefix = "variable";
    const auto inside_of = [&](std::string_view where) { return where.find(out.prefix) != std::string_view::npos; };
    while (inside_of(text) ||
           std::any_of(given_.begin(), given_.end(), [&](const auto& g) { return inside_of(g.second); }))
        out.prefix += "z"; // no part of the text may look like one of the words
    while (!text.empty()) {
        const size_t begin = text.find("${");
        const size_t end = begin == std::string_view::npos ? begin : text.find_first_of("{}", begin + 2);
        if (end == std::string_view::npos || text[end] != '}' || end == begin + 2) {
            const size_t step = begin == std::string_view::npos ? text.size() : begin + 2;
            out.text.append(text.substr(0, step));
            text.remove_prefix(step);
            continue;
        }
        const std::string_view inside = text.substr(begin + 2, end - begin - 2);
        const size_t colon = inside.find(':');
        const bool has_default = colon != std::string_view::npos && colon > 0;
        const std::string name(has_default ? inside.substr(0, colon) : inside);
        out.text.append(text.substr(0, begin));
        if (const auto it = given_.find(name); it != given_.end()) {
            out.text += it->second;
        } else {
            out.text += word(out.prefix, out.found.size());
            out.found.emplace_back(name,
                                   has_default ? std::optional(std::string(inside.substr(colon + 1))) : std::nullopt);
        }
        text.remove_prefix(end + 1);
    }
    return out;
}

std::optional<std::string> Variables::only(const Masked& masked, const std::string& text) {
    for (size_t i = 0; i < masked.found.size(); i++)
        if (text == word(masked.prefix, i))
            return masked.found[i].first;
    return std::nullopt;
}

std::string Variables::fill(const Masked& masked, std::string text, std::string& missing) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const size_t begin = masked.found.empty() ? std::string::npos : text.find(masked.prefix, at);
        if (begin == std::string::npos) {
            out += text.substr(at);
            break;
        }
        size_t end = begin + masked.prefix.size(), index = 0;
        while (end < text.size() && text[end] >= '0' && text[end] <= '9' && index < masked.found.size())
            index = index * 10 + static_cast<size_t>(text[end++] - '0');
        out += text.substr(at, begin - at);
        if (end == text.size() || text[end] != 'x' || index >= masked.found.size()) { // cut, or made by something else
            out += text.substr(begin, end - begin);
            at = end;
            continue;
        }
        const auto& [name, fallback] = masked.found[index];
        if (const auto value = environment_(name))
            out += *value;
        else if (fallback)
            out += *fallback;
        else if (missing.empty())
            missing = name;
        at = end + 1;
    }
    return out;
}

} // namespace sluice
