// SPDX-License-Identifier: LGPL-2.1-or-later
// The life of one stream of a camera: when to connect, when to give up, when to try again. Pure: time and randomness are
// given, what is to be done is returned.
//
//     idle -> connecting -> streaming <-> stalled -> backoff -> connecting
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice {

enum class LifeState { idle, connecting, streaming, stalled, backoff };
const char* to_string(LifeState state);

struct LifeLimits {
    std::chrono::milliseconds connect{10'000};      // until the RTSP handshake is over
    std::chrono::milliseconds first_picture{5000};  // from there without any data
    std::chrono::milliseconds first_key{30'000};    // from there to the first key unit, while data comes
    std::chrono::milliseconds stall{5000};          // without a new access unit
    std::chrono::milliseconds give_up{5000};        // stalled for that long: a new attempt
    std::chrono::milliseconds sustained{10'000};    // streaming for that long makes a camera a healthy one
    std::chrono::milliseconds quick_window{15'000}; // after losing a healthy camera
    std::chrono::milliseconds quick_min{250}, quick_max{500};
    std::chrono::milliseconds backoff_first{1000}, backoff_max{60'000};
    std::chrono::milliseconds backoff_denied{10'000}; // wrong credentials: cameras lock accounts
};

enum class FailureKind { transient, denied };

class CameraLife {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    // What the owner does now, in this order. An attempt is always ended before the next begins.
    struct Actions {
        bool end_attempt = false;
        bool begin_attempt = false;
        bool changed = false; // state or reason
    };

    // random: evenly distributed in [0, 1).
    CameraLife(const LifeLimits& limits, std::function<double()> random)
        : limits_(limits), random_(std::move(random)) {}

    Actions start(Time now);
    Actions stop(Time now);
    Actions handshake_done(Time now);
    Actions data(Time now);    // something came, but no picture can be shown before the first key unit
    Actions picture(Time now); // a new access unit has been seen
    Actions failed(Time now, FailureKind kind, std::string reason);
    Actions tick(Time now);                // the clock has reached next_tick()
    std::optional<Time> next_tick() const; // nothing to wait for: nullopt

    LifeState state() const { return state_; }
    Time since() const { return since_; } // of the state
    // Why there is no picture; empty while streaming and before the first failure.
    const std::string& reason() const { return reason_; }
    uint64_t attempts() const { return attempts_; }
    uint64_t losses() const { return losses_; } // of a camera that was streaming

private:
    Actions enter(LifeState state, Time now);
    std::chrono::milliseconds next_delay(Time now, FailureKind kind);

    LifeLimits limits_;
    std::function<double()> random_;
    LifeState state_ = LifeState::idle;
    Time since_{};
    Time deadline_{}; // of connecting and backoff
    bool handshake_done_ = false;
    Time handshake_at_{};
    bool data_seen_ = false; // by this attempt
    Time last_picture_{};
    Time streaming_since_{};               // of this attempt
    bool streamed_ = false;                // this attempt has
    std::optional<Time> quick_until_;      // fast tries until then
    std::chrono::milliseconds backoff_{0}; // the last one; 0: none since a healthy time
    std::string reason_;
    uint64_t attempts_ = 0, losses_ = 0;
};

} // namespace sluice
