// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/base64url.hpp"

#include <cstdint>

namespace sluice {

namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

} // namespace

std::string encode_base64url(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = (bits << 8 | static_cast<uint8_t>(c)) & 0xffffff;
        count += 8;
        for (; count >= 6; count -= 6)
            out += alphabet[bits >> (count - 6) & 63];
    }
    if (count)
        out += alphabet[bits << (6 - count) & 63];
    return out;
}

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value < 0)
            return std::nullopt;
        bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 0xff);
        }
    }
    if (bits & ((1u << count) - 1))
        return std::nullopt;
    return out;
}

} // namespace sluice
