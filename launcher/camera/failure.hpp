// SPDX-License-Identifier: LGPL-2.1-or-later
// What went wrong with a source, as a class that programs can act on. The reason says it in words beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

enum class FailureClass {
    none,         // nothing is known to be wrong
    unreachable,  // no way there: no route, the name is not known
    refused,      // the host is there, nobody listens
    timed_out,    // no answer in time
    unauthorised, // credentials are missing, wrong, or not enough
    not_found,    // the camera does not know this path
    protocol,     // what the other end says is no (usable) RTSP, HTTP, SRT...
    codec,        // the media cannot be used
    stalled,      // connected, but no picture comes
    ended,        // the other end has closed the connection, or the file is over
    clock,        // timestamps that lead nowhere
};

// The word of the API and the log, like "timed-out".
const char* to_string(FailureClass failure);
// The other way; nothing: there is no such word.
std::optional<FailureClass> failure_class(std::string_view word);

// Of one attempt.
struct SourceFailure {
    FailureClass kind = FailureClass::protocol;
    std::string reason;             // for people to read; no secrets, one line
    bool could_not_connect = false; // the TCP connection itself: a look at the network says more (Diagnosis)
    bool wants_tcp = false;         // the camera does not do UDP
    bool taken_over = false;        // by another source of the same stream
    bool of_encoder = false;        // of one that the launcher had chosen
    bool again = false;             // at once: what has failed is not used any more
    bool no_room = false;           // for another transcode
    bool operator==(const SourceFailure&) const = default;
};

} // namespace sluice
