// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses of cameras. What users paste is not always a proper URI (RFC 3986), but a password in it must never come out again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct CameraUrl {
    std::string location; // without user and password
    std::string host;     // without brackets
    std::string user;     // percent-decoded
    std::string password; // percent-decoded
    uint16_t port = 554;  // rtsps: 322
    bool has_credentials = false;
};

constexpr const char* camera_url_allowed = "rtsp://HOST[:PORT]/PATH or rtsps://HOST[:PORT]/PATH";

// nullopt: not an address of a camera; `why` says what is wrong with it, without repeating it.
std::optional<CameraUrl> parse_camera_url(std::string_view text, std::string& why);

// Replaces what stands between "://" and the last "@" of each word by "***".
std::string redact_urls(std::string_view text);

// For messages: quoted, control characters escaped, no credentials, at most 80 characters.
std::string quote_for_message(std::string_view text);

} // namespace sluice
