// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

namespace sluice {

// What a session's viewer is told by transports that can.
struct SessionEvent {
    enum class Kind {
        switched,  // text: the stream that is being sent from now on
        streaming, // pictures come
        waiting,   // none come, text: why; the session goes on
        taken,     // another listener has come; nothing more is said here
        closed,    // text: why
    };
    Kind kind = Kind::closed;
    std::string text;
};
// From any thread, with no lock held.
using SessionListener = std::function<void(const SessionEvent&)>;

} // namespace sluice
