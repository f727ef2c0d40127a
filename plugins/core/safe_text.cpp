// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/safe_text.hpp"

#include <algorithm>
#include <cstddef>

namespace sluice {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_scheme_char(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '-' || c == '_' ||
           c == '+';
}

// SRT's passphrase, and what cameras call the password that they want in the query or, some, in the path.
std::string hide_passwords(std::string text) {
    std::string lowered = text;
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), lower);
    for (const std::string_view key : {"passphrase=", "password=", "passwd=", "pwd=", "pass="})
        for (size_t at = lowered.find(key); at != std::string::npos; at = lowered.find(key, at)) {
            at += key.size();
            const size_t end = std::min(text.find_first_of("& \t\r\n\"'<>", at), text.size());
            text.replace(at, end - at, "***");
            lowered.replace(at, end - at, "***");
        }
    return text;
}

// All in front of the last "@", whatever stands in between: this is one value, and people paste passwords as they are.
std::string redact_value(std::string_view text) {
    const size_t at = text.rfind('@');
    if (at == std::string_view::npos)
        return std::string(text);
    const size_t mark = text.find("://");
    const bool scheme =
        mark < at && std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), is_scheme_char);
    const size_t begin = scheme ? mark + 3 : 0;
    const bool query = text.substr(begin, at - begin).find('?') != std::string_view::npos;
    return std::string(text.substr(0, begin)) + "***" + (query ? "" : std::string(text.substr(at)));
}

} // namespace

bool holds_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::string redact_urls(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t mark = text.find("://");
        if (mark == std::string_view::npos)
            break;
        const size_t begin = mark + 3;
        // Greedy: a password that holds "/" or "@" unescaped must not show its tail.
        const size_t word_end = std::min(text.find_first_of(" \t\r\n\"'<>", begin), text.size());
        const size_t next_url = text.substr(0, word_end).find("://", begin);
        const size_t limit = next_url == std::string_view::npos ? word_end : next_url;
        const size_t at = text.substr(0, limit).rfind('@');
        out.append(text.substr(0, begin));
        if (at != std::string_view::npos && at >= begin) {
            out += "***";
            // With a "?" in front, what follows may belong to a query as well: nobody can tell.
            const bool query = text.substr(begin, at - begin).find('?') != std::string_view::npos;
            text.remove_prefix(query ? word_end : at);
        } else {
            text.remove_prefix(begin);
        }
    }
    out.append(text);
    return hide_passwords(std::move(out));
}

std::string hide_queries(std::string text) {
    for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const size_t end = std::min(text.find_first_of(" ,\t\"'<>", at), text.size());
        const size_t query = text.find('?', at);
        if (query < end)
            text.replace(query, end - query, "?***");
    }
    return text;
}

std::string quote_for_message(std::string_view text) {
    constexpr size_t max_shown = 80;
    const std::string safe = hide_queries(redact_urls(redact_value(text)));
    std::string out = "\"";
    for (const char c : safe) {
        if (out.size() > max_shown) {
            while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80)
                out.pop_back(); // not half a UTF-8 character
            if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0)
                out.pop_back();
            out += "...";
            break;
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            constexpr char digits[] = "0123456789abcdef";
            out += "\\x";
            out += digits[(c >> 4) & 15];
            out += digits[c & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

} // namespace sluice
