// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/error_kind.hpp"

#include <sysexits.h>

#include <cstdio>

namespace sluice {

const ErrorInfo& error_info(ErrorKind kind) {
    static constexpr ErrorInfo usage{400, EX_USAGE, "usage", "The command line is not understood"};
    static constexpr ErrorInfo bad_config{422, EX_CONFIG, "bad-config", "The configuration is not valid"};
    static constexpr ErrorInfo bad_input{400, EX_DATAERR, "bad-input", "The request is not understood"};
    static constexpr ErrorInfo missing_file{404, EX_NOINPUT, "missing-file", "A file is missing"};
    static constexpr ErrorInfo unauthenticated{401, EX_NOPERM, "unauthenticated", "Credentials are needed"};
    static constexpr ErrorInfo forbidden{403, EX_NOPERM, "forbidden", "This is not allowed"};
    static constexpr ErrorInfo not_found{404, EX_UNAVAILABLE, "not-found", "There is no such thing here"};
    static constexpr ErrorInfo method{405, EX_USAGE, "method-not-allowed", "The method is not allowed here"};
    static constexpr ErrorInfo not_acceptable{406, EX_UNAVAILABLE, "not-acceptable",
                                              "The source and the viewer have no format in common"};
    static constexpr ErrorInfo conflict{409, EX_UNAVAILABLE, "conflict", "This conflicts with the present state"};
    static constexpr ErrorInfo precondition{412, EX_TEMPFAIL, "precondition-failed", "The thing has changed"};
    static constexpr ErrorInfo too_large{413, EX_DATAERR, "too-large", "The request is too large"};
    static constexpr ErrorInfo media_type{415, EX_DATAERR, "unsupported-media-type",
                                          "The content type is not supported here"};
    static constexpr ErrorInfo too_many{429, EX_TEMPFAIL, "too-many", "A limit is reached"};
    static constexpr ErrorInfo busy{503, EX_TEMPFAIL, "busy", "Held by somebody else"};
    static constexpr ErrorInfo unavailable{503, EX_UNAVAILABLE, "unavailable", "Not available just now"};
    static constexpr ErrorInfo internal{500, EX_SOFTWARE, "internal", "Something went wrong inside"};
    switch (kind) {
    case ErrorKind::usage: return usage;
    case ErrorKind::bad_config: return bad_config;
    case ErrorKind::bad_input: return bad_input;
    case ErrorKind::missing_file: return missing_file;
    case ErrorKind::unauthenticated: return unauthenticated;
    case ErrorKind::forbidden: return forbidden;
    case ErrorKind::not_found: return not_found;
    case ErrorKind::method_not_allowed: return method;
    case ErrorKind::not_acceptable: return not_acceptable;
    case ErrorKind::conflict: return conflict;
    case ErrorKind::precondition_failed: return precondition;
    case ErrorKind::too_large: return too_large;
    case ErrorKind::unsupported_media_type: return media_type;
    case ErrorKind::too_many: return too_many;
    case ErrorKind::busy: return busy;
    case ErrorKind::unavailable: return unavailable;
    case ErrorKind::internal: return internal;
    }
    return internal;
}

namespace {

// Details may quote what a client or a camera sent: anything that is not UTF-8 becomes U+FFFD, so that the body stays JSON.
void append_json_string(std::string& out, const std::string& text) {
    out += '"';
    for (size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
            i++;
        } else if (c < 0x20 || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
            i++;
        } else if (c < 0x80) {
            out += static_cast<char>(c);
            i++;
        } else {
            const size_t length = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
            bool whole = length != 0 && c < 0xf5 && i + length <= text.size();
            for (size_t k = 1; whole && k < length; k++)
                whole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
            if (whole)
                out.append(text, i, length);
            else
                out += "\xef\xbf\xbd";
            i += whole ? length : 1;
        }
    }
    out += '"';
}

} // namespace

std::string problem_json(ErrorKind kind, const std::string& detail) {
    const ErrorInfo& info = error_info(kind);
    std::string out = "{\"type\":";
    append_json_string(out, std::string("about:sluice/") + info.type);
    out += ",\"title\":";
    append_json_string(out, info.title);
    out += ",\"status\":" + std::to_string(info.http_status);
    if (!detail.empty()) {
        out += ",\"detail\":";
        append_json_string(out, detail);
    }
    out += "}";
    return out;
}

} // namespace sluice
