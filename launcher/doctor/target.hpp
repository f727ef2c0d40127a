// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses of the command line. Pure.
#pragma once

#include "plugins/core/result.hpp"

#include <cstdint>
#include <string>

namespace sluice::doctor {

// Where Sluice is: http[s]://HOST[:PORT][/PREFIX], PREFIX where a reverse proxy serves it below a path.
struct Target {
    bool tls = false;
    std::string host; // without brackets
    uint16_t port = 0;
    std::string base; // "https://edge:8443/site-7", no '/' at the end

    std::string url(const std::string& path) const { return base + path; } // path begins with '/'
    std::string origin() const;                                            // as a browser writes it
};

Result<Target> parse_target(const std::string& text);

// A forward proxy: http://[USER:PASSWORD@]HOST:PORT.
struct Via {
    std::string host;
    uint16_t port = 0;
    std::string url;   // whole; may hold a password
    std::string shown; // without it
};

Result<Via> parse_via(const std::string& text);

} // namespace sluice::doctor
