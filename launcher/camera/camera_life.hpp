// SPDX-License-Identifier: LGPL-2.1-or-later
// The life of one source of a stream: when to connect, when to give up, when to try again. Pure: time and randomness are
// given, what is to be done is returned.
//
//     idle -> connecting -> streaming <-> stalled -> backoff -> connecting
//
// An attempt needs a permit (AttemptGate): connecting begins by asking for it, and its deadline counts from the grant.
#pragma once

#include "launcher/camera/failure.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice {

enum class LifeState { idle, connecting, streaming, stalled, backoff };
const char* to_string(LifeState state);

struct LifeLimits {
    std::chrono::milliseconds connect{3000};        // until the host has taken the connection
    std::chrono::milliseconds handshake{10'000};    // from there until the stream is promised (RTSP: PLAY is answered)
    std::chrono::milliseconds first_picture{5000};  // from there without any data
    std::chrono::milliseconds first_key{30'000};    // from there to the first key unit, while data comes
    std::chrono::milliseconds stall{3000};          // without a new access unit
    std::chrono::milliseconds give_up{2000};        // stalled for that long: a new attempt
    std::chrono::milliseconds stalled_look{200};    // so often a stalled source is looked at: it may go on by itself
    std::chrono::milliseconds healthy{3000};        // streaming for that long makes a camera a healthy one
    std::chrono::milliseconds quick_window{15'000}; // after losing a healthy camera
    std::chrono::milliseconds sustained{10'000};    // streaming for that long forgets the backoff
    std::chrono::milliseconds quick_min{250}, quick_max{500};
    std::chrono::milliseconds backoff_first{1000}, backoff_max{60'000};
    std::chrono::milliseconds backoff_denied{10'000}; // wrong credentials: cameras lock accounts
    bool patient = true; // false: when nobody came in time it begins again at once (it listens)
};

struct Failure {
    FailureClass kind = FailureClass::none;
    std::string reason; // for people to read; no secrets, one line
};

class CameraLife {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    // What the owner does now, in this order. An attempt is always ended before the next begins.
    struct Actions {
        bool end_attempt = false;
        bool ask_permit = false; // permitted() is called when it is granted
        bool begin_attempt = false;
        bool changed = false; // state or failure
    };

    // random: evenly distributed in [0, 1).
    CameraLife(const LifeLimits& limits, std::function<double()> random)
        : limits_(limits), random_(std::move(random)) {}

    Actions start(Time now);
    Actions stop(Time now);
    Actions permitted(Time now);
    Actions connected(Time now);
    Actions handshake_done(Time now);
    Actions data(Time at);    // something came, but no picture can be shown before the first key unit
    Actions picture(Time at); // when the newest access unit came
    Actions failed(Time now, Failure failure);
    // The attempt is over and the next begins without a wait and without a failure: with another transport.
    Actions again(Time now);
    // What it lacked is there: the next attempt begins without waiting for its time.
    Actions retry(Time now);
    // The stream that this source belongs to was healthy and has lost its picture: try quickly until then.
    void hurry(Time now, Time until);
    Actions tick(Time now);                // the clock has reached next_tick()
    std::optional<Time> next_tick() const; // nothing to wait for: nullopt

    void set_first_picture(std::chrono::milliseconds limit) { limits_.first_picture = limit; }

    LifeState state() const { return state_; }
    Time since() const { return since_; } // of the state
    // Why there is no picture; none while streaming and before the first failure.
    const Failure& failure() const { return failure_; }
    // Only in backoff.
    std::optional<Time> next_attempt() const;
    // Without a break. Nothing unless streaming.
    std::optional<Time> streaming_since() const;
    bool attempt_running() const { return running_; }
    Time began() const { return began_; }                      // the attempt
    bool data_seen() const { return data_seen_ || streamed_; } // by this attempt or, without one, the last
    bool promised() const { return handshake_done_; }          // the same
    // A connection that works, whether or not a picture can be shown yet.
    bool alive() const { return state_ == LifeState::streaming || (state_ == LifeState::connecting && data_seen_); }
    // It was a healthy camera a moment ago, and is tried quickly until then.
    std::optional<Time> quick_until() const { return quick_until_; }
    bool urgent(Time now) const { return quick_until_ && now < *quick_until_; }
    uint64_t attempts() const { return attempts_; }
    uint64_t losses() const { return losses_; } // of a camera that was streaming

private:
    Actions enter(LifeState state, Time now);
    std::chrono::milliseconds next_delay(Time now, FailureClass kind);

    LifeLimits limits_;
    std::function<double()> random_;
    LifeState state_ = LifeState::idle;
    Time since_{};
    bool running_ = false; // an attempt is under way
    Time began_{};
    Time deadline_{}; // of connecting and backoff
    bool connected_ = false, handshake_done_ = false;
    Time handshake_at_{};
    bool data_seen_ = false; // by this attempt
    Time last_picture_{};
    Time looked_{};                        // while stalled
    Time streaming_since_{};               // of this attempt
    bool streamed_ = false;                // this attempt has
    std::optional<Time> quick_until_;      // fast tries until then
    std::chrono::milliseconds backoff_{0}; // the last one; 0: none since a healthy time
    Failure failure_;
    uint64_t attempts_ = 0, losses_ = 0;
};

} // namespace sluice
