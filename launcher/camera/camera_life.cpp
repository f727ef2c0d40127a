// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/camera_life.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

using std::chrono::milliseconds;

namespace {

std::string seconds(milliseconds time) {
    const auto ms = time.count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

} // namespace

const char* to_string(LifeState state) {
    switch (state) {
    case LifeState::idle: return "idle";
    case LifeState::connecting: return "connecting";
    case LifeState::streaming: return "streaming";
    case LifeState::stalled: return "stalled";
    case LifeState::backoff: return "backoff";
    }
    return "idle";
}

CameraLife::Actions CameraLife::enter(LifeState state, Time now) {
    Actions actions;
    const auto running = [](LifeState s) {
        return s == LifeState::connecting || s == LifeState::streaming || s == LifeState::stalled;
    };
    actions.end_attempt = running(state_) && !running(state);
    actions.begin_attempt = !running(state_) && running(state);
    actions.changed = true;
    state_ = state;
    since_ = now;
    if (actions.begin_attempt) {
        attempts_++;
        handshake_done_ = false;
        data_seen_ = false;
        streamed_ = false;
        deadline_ = now + limits_.connect;
    }
    return actions;
}

CameraLife::Actions CameraLife::start(Time now) {
    if (state_ != LifeState::idle)
        return {};
    return enter(LifeState::connecting, now);
}

CameraLife::Actions CameraLife::stop(Time now) {
    if (state_ == LifeState::idle)
        return {};
    reason_.clear();
    quick_until_.reset();
    backoff_ = milliseconds(0);
    return enter(LifeState::idle, now);
}

CameraLife::Actions CameraLife::handshake_done(Time now) {
    if (state_ == LifeState::connecting && !handshake_done_) {
        handshake_done_ = true;
        handshake_at_ = now;
        deadline_ = now + limits_.first_picture;
    }
    return {};
}

CameraLife::Actions CameraLife::data(Time now) {
    if (state_ == LifeState::connecting && handshake_done_) {
        data_seen_ = true; // joined in the middle of a GOP: a camera may send a key frame every 20 s only
        deadline_ = std::min(now + limits_.first_picture, handshake_at_ + limits_.first_key);
    }
    return {};
}

CameraLife::Actions CameraLife::picture(Time now) {
    if (state_ != LifeState::connecting && state_ != LifeState::streaming && state_ != LifeState::stalled)
        return {};
    last_picture_ = now;
    if (!streamed_) {
        streamed_ = true;
        streaming_since_ = now;
    }
    if (state_ == LifeState::streaming)
        return {};
    if (state_ == LifeState::stalled)
        streaming_since_ = now; // it has to prove itself again
    reason_.clear();
    return enter(LifeState::streaming, now);
}

milliseconds CameraLife::next_delay(Time now, FailureKind kind) {
    const auto between = [&](milliseconds low, milliseconds high) {
        return low + milliseconds(std::lround(random_() * static_cast<double>((high - low).count())));
    };
    if (kind == FailureKind::denied)
        quick_until_.reset();
    if (quick_until_ && now < *quick_until_)
        return between(limits_.quick_min, limits_.quick_max);
    quick_until_.reset();
    backoff_ = backoff_ == milliseconds(0) ? limits_.backoff_first : std::min(backoff_ * 2, limits_.backoff_max);
    if (kind == FailureKind::denied)
        backoff_ = std::max(backoff_, limits_.backoff_denied);
    // Cameras that were lost together (a switch, a power cut) shall not come back all at the same moment.
    return between(backoff_ * 3 / 4, backoff_);
}

CameraLife::Actions CameraLife::failed(Time now, FailureKind kind, std::string reason) {
    if (state_ == LifeState::idle || state_ == LifeState::backoff)
        return {};
    if (streamed_) {
        losses_++;
        const Time until = state_ == LifeState::stalled ? last_picture_ : now;
        if (until - streaming_since_ >= limits_.sustained) {
            backoff_ = milliseconds(0);
            quick_until_ = now + limits_.quick_window;
        }
    }
    reason_ = std::move(reason);
    deadline_ = now + next_delay(now, kind);
    return enter(LifeState::backoff, now);
}

CameraLife::Actions CameraLife::tick(Time now) {
    if (const auto next = next_tick(); !next || now < *next)
        return {};
    switch (state_) {
    case LifeState::idle: return {};
    case LifeState::connecting:
        if (data_seen_ && now >= handshake_at_ + limits_.first_key)
            return failed(now, FailureKind::transient,
                          "the camera sends video, but no key frame within " + seconds(limits_.first_key));
        return failed(now, FailureKind::transient,
                      handshake_done_ ? "connected, but no picture came within " + seconds(limits_.first_picture)
                                      : "no answer to the RTSP handshake within " + seconds(limits_.connect));
    case LifeState::streaming:
        reason_ = "no picture for " + seconds(limits_.stall);
        return enter(LifeState::stalled, now);
    case LifeState::stalled:
        return failed(now, FailureKind::transient, "no picture for " + seconds(limits_.stall + limits_.give_up));
    case LifeState::backoff: return enter(LifeState::connecting, now);
    }
    return {};
}

std::optional<CameraLife::Time> CameraLife::next_tick() const {
    switch (state_) {
    case LifeState::idle: return std::nullopt;
    case LifeState::connecting:
    case LifeState::backoff: return deadline_;
    case LifeState::streaming: return last_picture_ + limits_.stall;
    case LifeState::stalled: return last_picture_ + limits_.stall + limits_.give_up;
    }
    return std::nullopt;
}

} // namespace sluice
