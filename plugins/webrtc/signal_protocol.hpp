// SPDX-License-Identifier: LGPL-2.1-or-later
// The messages of WebSocket signalling (docs/signalling.md) as text. Pure.
#pragma once

#include "plugins/core/error_kind.hpp"
#include "plugins/webrtc/session_event.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice {

constexpr unsigned signal_version = 1;
constexpr size_t max_signal_bytes = 64 * 1024;

struct SignalMessage {
    enum class Type { join, candidate, quality, leave, attach, ping };
    Type type = Type::ping;
    std::string id;        // all but ping
    std::string camera;    // join
    std::string quality;   // join (may be empty), quality; `stream` on the wire is the same: who names a stream pins it
    std::string sdp;       // join
    std::string candidate; // candidate: "candidate:...", empty: there are no more
    std::string session;   // attach
};
// A message that cannot be understood, and whose it was if that much could be read.
struct SignalRefusal {
    std::string id;
    Error error;
};
std::variant<SignalMessage, SignalRefusal> parse_signal(std::string_view text);

namespace signal_text {
std::string hello(unsigned max_sessions);
std::string answer(const std::string& id, const std::string& session, const std::string& sdp, const SentStream& sent);
std::string attached(const std::string& id, const std::string& session, const SentStream& sent);
std::string error(const std::string& id, const Error& error); // id may be empty
std::string switched(const std::string& id, const SentStream& sent);
std::string quality(const std::string& id, const std::string& quality);
std::string state(const std::string& id, const std::string& state, const std::string& reason);
std::string closed(const std::string& id, const std::string& reason);
std::string going_away(const std::string& reason);
std::string pong();
} // namespace signal_text

} // namespace sluice
