// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses of sources. What users paste is not always a proper URI (RFC 3986), but a password in it must never come out
// again.
#pragma once

#include "plugins/core/safe_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct CameraUrl {
    std::string scheme;          // "rtsp", in lower case
    std::string source_template; // that plays such an address
    std::string location;        // the whole address without user and password
    std::string host;      // without brackets; empty: none is needed (a file, a device, a pattern, an SRT listener)
    std::string path;      // file: its name; v4l2: the device; test: the pattern. Percent-decoded
    std::string user;      // percent-decoded
    std::string password;  // percent-decoded
    uint16_t port = 0;     // if none is named, the scheme's own
    bool has_port = false; // one is named
    bool has_credentials = false;
    bool listens = false; // waits for the sender instead of calling it
};

constexpr const char* camera_url_allowed = "rtsp://HOST[:PORT]/PATH, rtsps://..., http://... or https://... (MJPEG), "
                                           "srt://HOST:PORT, file:PATH, v4l2:///dev/videoN, test:[PATTERN]";

// nullopt: not an address of a source; `why` says what is wrong with it, without repeating it.
std::optional<CameraUrl> parse_camera_url(std::string_view text, std::string& why);

// Begins with a scheme, of a source or any other: surely not the name of a file.
bool looks_like_url(std::string_view text);

// The address with that port in it.
std::string with_port(const CameraUrl& url, uint16_t port);

} // namespace sluice
