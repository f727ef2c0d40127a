// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the client of a WebSocket reads. libsoup queues without a limit and does not say how much: what was sent since the
// client was heard is the measure. Pure: the time is given.
#pragma once

#include <chrono>
#include <cstddef>

namespace sluice {

class SocketReader {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr unsigned ping_seconds = 20;
    static constexpr std::chrono::seconds silence{30}; // a ping and half of another: nobody reads there

    void begin(Time now) { heard_ = now; }
    // False: that is more than may be unread.
    bool sent(size_t bytes, size_t allowed) {
        unread_ += bytes;
        return unread_ <= allowed;
    }
    // Once for each ping of ours: pongs that nobody has asked for say nothing.
    void pong(Time now) {
        if (now - heard_ >= std::chrono::seconds(ping_seconds) / 2)
            unread_ = 0;
        heard_ = now;
    }
    bool silent(Time now) const { return now - heard_ > silence; }

private:
    size_t unread_ = 0;
    Time heard_{};
};

} // namespace sluice
