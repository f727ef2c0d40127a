// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table from what went wrong to how it is said: HTTP status (RFC 9110), problem type (RFC 9457), exit code (sysexits.h).
#pragma once

#include "plugins/core/api.hpp"

#include <string>

namespace sluice {

enum class ErrorKind {
    usage,           // command line
    bad_config,      // a description that does not validate
    bad_input,       // a request or SDP that cannot be understood
    missing_file,    // a file that is named but not there
    unauthenticated, // no or wrong credentials
    forbidden,       // known, but not allowed
    not_found,
    method_not_allowed,
    not_acceptable, // understood, but this source and this viewer have nothing in common
    conflict,
    precondition_failed,
    too_large,
    unsupported_media_type,
    too_many,    // a limit is reached
    busy,        // held by somebody else: port, state directory
    unavailable, // not now: the camera gives no picture
    internal,
};

struct ErrorInfo {
    int http_status;
    int exit_code;
    const char* type;  // last part of the problem type: "about:sluice/<type>"
    const char* title; // same for every occurrence
};
SLUICE_API const ErrorInfo& error_info(ErrorKind kind);

// application/problem+json body; detail is for the client to read.
SLUICE_API std::string problem_json(ErrorKind kind, const std::string& detail);

// An error on its way to the user: kind and one sentence that names the thing and what is allowed.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string text;
};

} // namespace sluice
