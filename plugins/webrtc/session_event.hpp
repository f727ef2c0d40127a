// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

namespace sluice {

// What a session gets, and why.
struct SentStream {
    std::string stream;  // that is being sent
    std::string quality; // "auto", or the stream that was asked for and no other
    std::string reason;  // why this stream, in words; may be empty
};

// What a session's viewer is told by transports that can.
struct SessionEvent {
    enum class Kind {
        switched,  // sent: from now on
        quality,   // text: what somebody else has chosen for this viewer
        streaming, // pictures come
        waiting,   // none come, text: why; the session goes on
        taken,     // another listener has come; nothing more is said here
        closed,    // text: why
    };
    Kind kind = Kind::closed;
    std::string text = {};
    SentStream sent = {};
};
// From any thread, with no lock held.
using SessionListener = std::function<void(const SessionEvent&)>;

} // namespace sluice
