// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

// The life of one viewer's session: connecting -> streaming -> closed. Pure: no I/O, no GStreamer, time is a parameter.
class SessionLife {
public:
    enum class State { connecting, streaming, closed };
    static constexpr uint64_t connect_limit_ns = 30'000'000'000; // from the answer to ICE and DTLS being up
    // Browsers report each second. As long as ICE's consent lasts (RFC 7675), so that an outage of the VPN ends no session.
    static constexpr uint64_t silence_limit_ns = 30'000'000'000;

    // now: ns of a monotonic clock; expires: unix seconds, 0: never.
    SessionLife(uint64_t now, int64_t expires) : answered_(now), expires_(expires) {}

    State state() const { return state_; }
    const char* state_name() const {
        return state_ == State::connecting ? "connecting" : state_ == State::streaming ? "streaming" : "closed";
    }
    const std::string& reason() const { return reason_; }
    // ns from the answer until connected.
    std::optional<uint64_t> connected_after() const { return connected_after_; }

    // True if this call changed the state.
    bool connected(uint64_t now) {
        if (state_ != State::connecting)
            return false;
        state_ = State::streaming;
        connected_after_ = now - answered_;
        heard_ = now;
        return true;
    }
    void heard(uint64_t now) { heard_ = now; }
    bool close(const std::string& reason) {
        if (state_ == State::closed)
            return false;
        state_ = State::closed;
        reason_ = reason;
        return true;
    }
    // Why it must be closed now, if it must.
    std::optional<std::string> overdue(uint64_t now, int64_t unix_now) const {
        if (state_ == State::connecting && now >= answered_ + connect_limit_ns)
            return "not connected within 30 s";
        if (state_ == State::streaming && now >= heard_ + silence_limit_ns)
            return "nothing was heard of the viewer for 30 s";
        if (state_ != State::closed && expires_ != 0 && unix_now >= expires_)
            return "the permission has expired";
        return std::nullopt;
    }

private:
    State state_ = State::connecting;
    const uint64_t answered_;
    const int64_t expires_;
    std::optional<uint64_t> connected_after_;
    uint64_t heard_ = 0;
    std::string reason_;
};

} // namespace sluice
