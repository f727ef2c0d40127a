// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

#include <optional>

namespace sluice {

// Whether a fanoutsink writes, and who opens its generation when. Orders (standby, the end) may come from any thread between
// two steps of an opening. Pure; whoever uses it guards it, and calls the channel without that guard.
class SinkGate {
public:
    enum class State {
        closed,  // nothing is taken
        standby, // ordered to write nothing
        waiting, // no longer in standby: opens a generation with the next unit that readers can start at
        opening,
        writing
    };
    using Token = Channel::Token;
    using Ticket = uint64_t; // of one opening

    State state() const { return state_; }
    Token token() const { return token_; } // 0 unless it writes
    bool standby() const { return standby_; }

    // Data will come. A ticket: never in standby, the generation is to be opened at once.
    std::optional<Ticket> start() {
        if (standby_) {
            state_ = State::standby;
            return std::nullopt;
        }
        return begin_opening();
    }
    // These return the token that is to be closed, 0: none.
    Token end() { return leave(State::closed); }
    Token set_standby(bool on) {
        if (std::exchange(standby_, on) == on || state_ == State::closed)
            return 0;
        return leave(on ? State::standby : State::waiting);
    }
    // A unit has come that readers can start at.
    std::optional<Ticket> start_point() {
        return state_ == State::waiting ? std::optional(begin_opening()) : std::nullopt;
    }
    // No other order has come since.
    bool opens(Ticket ticket) const { return state_ == State::opening && ticket == ticket_; }
    // False: another order came while it was being opened, the token is to be closed.
    bool opened(Ticket ticket, Token token) {
        if (!opens(ticket))
            return false;
        state_ = State::writing;
        token_ = token;
        return true;
    }

private:
    Ticket begin_opening() {
        state_ = State::opening;
        return ++ticket_;
    }
    Token leave(State to) {
        state_ = to;
        return std::exchange(token_, 0);
    }

    State state_ = State::closed;
    bool standby_ = false;
    Token token_ = 0;
    Ticket ticket_ = 0;
};

} // namespace sluice
