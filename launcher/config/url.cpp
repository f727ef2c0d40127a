// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluice {

namespace {

constexpr size_t max_url = 2048;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A percent sign that starts no escape stands for itself: passwords are pasted as they are.
std::string percent_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_host_char(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_char(char c) { return hex_value(c) >= 0 || c == ':' || c == '.' || c == '%' || is_host_char(c); }

} // namespace

std::optional<CameraUrl> parse_camera_url(std::string_view text, std::string& why) {
    CameraUrl url;
    if (text.size() > max_url) {
        why = "it is longer than 2048 characters";
        return std::nullopt;
    }
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; })) {
        why = "it holds a blank or a control character";
        return std::nullopt;
    }
    const size_t colon = text.find("://");
    std::string scheme(text.substr(0, colon == std::string_view::npos ? 0 : colon));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
    if (scheme != "rtsp" && scheme != "rtsps") {
        why = "it does not begin with rtsp:// or rtsps://";
        return std::nullopt;
    }
    if (scheme == "rtsps")
        url.port = 322;
    std::string_view rest = text.substr(colon + 3);
    const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, end);
    const std::string_view path = rest.substr(end);
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view userinfo = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        const size_t split = std::min(userinfo.find(':'), userinfo.size());
        url.has_credentials = true;
        url.user = percent_decode(userinfo.substr(0, split));
        if (split < userinfo.size())
            url.password = percent_decode(userinfo.substr(split + 1));
    }
    std::string_view host = authority, port;
    if (!authority.empty() && authority.front() == '[') {
        const size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            why = "the bracket of the IPv6 address is not closed";
            return std::nullopt;
        }
        host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
        if (host.find(':') == std::string_view::npos || !std::all_of(host.begin(), host.end(), is_ipv6_char)) {
            why = "what stands in brackets is not an IPv6 address";
            return std::nullopt;
        }
    } else {
        const size_t split = std::min(authority.find(':'), authority.size());
        host = authority.substr(0, split);
        port = authority.substr(split);
        if (!std::all_of(host.begin(), host.end(), is_host_char)) {
            why = "the host name holds a character that host names do not have";
            return std::nullopt;
        }
    }
    if (host.empty()) {
        why = "it names no host";
        return std::nullopt;
    }
    if (!port.empty()) {
        unsigned number = 0;
        const char* last = port.data() + port.size();
        const auto parsed = std::from_chars(port.data() + 1, last, number);
        if (port.front() != ':' || parsed.ec != std::errc() || parsed.ptr != last || number < 1 || number > 65535) {
            why = "the port is not a number from 1 to 65535";
            return std::nullopt;
        }
        url.port = static_cast<uint16_t>(number);
    }
    url.host = host;
    url.location = scheme + "://" + std::string(authority) + std::string(path);
    return url;
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
            text.remove_prefix(at);
        } else {
            text.remove_prefix(begin);
        }
    }
    out.append(text);
    return out;
}

std::string quote_for_message(std::string_view text) {
    constexpr size_t max_shown = 80;
    const std::string safe = redact_urls(text);
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
