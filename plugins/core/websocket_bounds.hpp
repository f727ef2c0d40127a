// SPDX-License-Identifier: LGPL-2.1-or-later
// What libsoup 3.2 does not bound on a WebSocket: its limit is one of frames, so that a message of many fragments grows without
// end, and each ping is answered however many come.
#pragma once

#include <libsoup/soup.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

// Counts the frames of one connection (RFC 6455 section 5.2). No I/O.
class WebsocketBounds {
public:
    static constexpr unsigned max_control = 50;              // pings and pongs...
    static constexpr int64_t control_period_us = 10'000'000; // ...within so long

    explicit WebsocketBounds(size_t max_message) : max_message_(max_message) {}
    // header: the first byte of the frame. What is wrong with it; nothing: it may pass.
    std::optional<std::string> frame(uint8_t header, size_t payload, int64_t now_us);

private:
    const size_t max_message_;
    size_t message_ = 0; // what came of the one that has not ended
    int64_t period_began_ = 0;
    unsigned control_ = 0;
};

// For soup_websocket_connection_new(), transfer full: a connection that breaks the bounds is closed with an error.
GList* websocket_bounds(size_t max_message);

} // namespace sluice
