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

// Trying again soon changes nothing: somebody has to set something up, and cameras lock accounts.
bool is_lasting(FailureClass kind) { return kind == FailureClass::unauthorised || kind == FailureClass::codec; }

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
    actions.ask_permit = state == LifeState::connecting;
    actions.end_attempt = running_ && (state == LifeState::idle || state == LifeState::backoff || actions.ask_permit);
    if (actions.end_attempt)
        running_ = false;
    actions.changed = true;
    state_ = state;
    since_ = now;
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
    failure_ = {};
    quick_until_.reset();
    backoff_ = milliseconds(0);
    return enter(LifeState::idle, now);
}

CameraLife::Actions CameraLife::permitted(Time now) {
    if (state_ != LifeState::connecting || running_)
        return {};
    running_ = true;
    began_ = now;
    attempts_++;
    connected_ = handshake_done_ = data_seen_ = streamed_ = false;
    deadline_ = now + limits_.connect;
    Actions actions;
    actions.begin_attempt = true;
    return actions;
}

CameraLife::Actions CameraLife::connected(Time now) {
    if (state_ == LifeState::connecting && running_ && !connected_) {
        connected_ = true;
        deadline_ = now + limits_.handshake;
    }
    return {};
}

CameraLife::Actions CameraLife::handshake_done(Time now) {
    if (state_ == LifeState::connecting && running_ && !handshake_done_) {
        connected_ = handshake_done_ = true;
        handshake_at_ = now;
        deadline_ = now + limits_.first_picture;
    }
    return {};
}

CameraLife::Actions CameraLife::data(Time at) {
    if (state_ == LifeState::connecting && handshake_done_) {
        data_seen_ = true; // joined in the middle of a GOP: a camera may send a key frame every 20 s only
        deadline_ = std::min(at + limits_.first_picture, handshake_at_ + limits_.first_key);
    }
    return {};
}

CameraLife::Actions CameraLife::picture(Time at) {
    if (!running_ || (streamed_ && at <= last_picture_))
        return {};
    last_picture_ = at;
    if (!streamed_) {
        streamed_ = true;
        streaming_since_ = at;
    }
    if (state_ == LifeState::streaming)
        return {};
    if (state_ == LifeState::stalled)
        streaming_since_ = at; // it has to prove itself again
    failure_ = {};
    return enter(LifeState::streaming, at);
}

milliseconds CameraLife::next_delay(Time now, FailureClass kind) {
    const auto between = [&](milliseconds low, milliseconds high) {
        return low + milliseconds(std::lround(random_() * static_cast<double>((high - low).count())));
    };
    if (is_lasting(kind))
        quick_until_.reset();
    if (quick_until_ && now < *quick_until_)
        return between(limits_.quick_min, limits_.quick_max);
    if (!limits_.patient && (kind == FailureClass::timed_out || kind == FailureClass::ended))
        return between(limits_.quick_min, limits_.quick_max);
    quick_until_.reset();
    backoff_ = backoff_ == milliseconds(0) ? limits_.backoff_first : std::min(backoff_ * 2, limits_.backoff_max);
    if (is_lasting(kind))
        backoff_ = std::max(backoff_, limits_.backoff_denied);
    // Cameras that were lost together (a switch, a power cut) shall not come back all at the same moment.
    return between(backoff_ * 3 / 4, backoff_);
}

CameraLife::Actions CameraLife::failed(Time now, Failure failure) {
    if (state_ == LifeState::idle || state_ == LifeState::backoff)
        return {};
    if (running_ && streamed_) {
        losses_++;
        const Time until = state_ == LifeState::stalled ? last_picture_ : now;
        if (until - streaming_since_ >= limits_.sustained)
            backoff_ = milliseconds(0);
        if (until - streaming_since_ >= limits_.healthy)
            quick_until_ = now + limits_.quick_window;
    }
    failure_ = std::move(failure);
    deadline_ = now + next_delay(now, failure_.kind);
    return enter(LifeState::backoff, now);
}

CameraLife::Actions CameraLife::again(Time now) { return running_ ? enter(LifeState::connecting, now) : Actions{}; }

CameraLife::Actions CameraLife::retry(Time now) {
    return state_ == LifeState::backoff ? enter(LifeState::connecting, now) : Actions{};
}

void CameraLife::hurry(Time now, Time until) {
    if (is_lasting(failure_.kind) || now >= until)
        return;
    quick_until_ = std::max(quick_until_.value_or(until), until);
    if (state_ == LifeState::backoff)
        deadline_ = std::min(deadline_, now + limits_.quick_max);
}

CameraLife::Actions CameraLife::tick(Time now) {
    if (const auto next = next_tick(); !next || now < *next)
        return {};
    switch (state_) {
    case LifeState::idle: return {};
    case LifeState::connecting:
        if (data_seen_ && now >= handshake_at_ + limits_.first_key)
            return failed(now, {FailureClass::codec,
                                "the camera sends video, but no key frame within " + seconds(limits_.first_key)});
        if (handshake_done_)
            return failed(now, {FailureClass::stalled,
                                "connected, but no picture came within " + seconds(limits_.first_picture)});
        if (connected_)
            return failed(now,
                          {FailureClass::timed_out, "connected, but no answer within " + seconds(limits_.handshake)});
        return failed(now, {FailureClass::timed_out, "no connection within " + seconds(limits_.connect)});
    case LifeState::streaming:
        failure_ = {FailureClass::stalled, "no picture for " + seconds(limits_.stall)};
        looked_ = now;
        return enter(LifeState::stalled, now);
    case LifeState::stalled:
        looked_ = now;
        if (now < last_picture_ + limits_.stall + limits_.give_up)
            return {};
        return failed(now, {FailureClass::stalled, "no picture for " + seconds(limits_.stall + limits_.give_up)});
    case LifeState::backoff: return enter(LifeState::connecting, now);
    }
    return {};
}

std::optional<CameraLife::Time> CameraLife::next_tick() const {
    switch (state_) {
    case LifeState::idle: return std::nullopt;
    case LifeState::connecting: return running_ ? std::optional(deadline_) : std::nullopt;
    case LifeState::backoff: return deadline_;
    case LifeState::streaming: return last_picture_ + limits_.stall;
    case LifeState::stalled:
        return std::min(looked_ + limits_.stalled_look, last_picture_ + limits_.stall + limits_.give_up);
    }
    return std::nullopt;
}

std::optional<CameraLife::Time> CameraLife::next_attempt() const {
    return state_ == LifeState::backoff ? std::optional(deadline_) : std::nullopt;
}

std::optional<CameraLife::Time> CameraLife::streaming_since() const {
    return state_ == LifeState::streaming ? std::optional(streaming_since_) : std::nullopt;
}

} // namespace sluice
