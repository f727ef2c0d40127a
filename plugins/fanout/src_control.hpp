// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

#include <condition_variable>

namespace sluice {

// What the thread of a fanoutsrc waits for: units in the channel, and orders from the application.
class SrcControl final : public Wakeup {
public:
    enum class Order { stop, end, restart, read };

    void wake() override { // from the producer's thread
        std::lock_guard lock(mutex_);
        woken_ = true;
        changed_.notify_all();
    }
    void play(bool on) {
        std::lock_guard lock(mutex_);
        playing_ = on;
        restart_ = restart_ || on;
        changed_.notify_all();
    }
    void flush(bool on) {
        std::lock_guard lock(mutex_);
        flushing_ = on;
        restart_ = true;
        ended_ = false;
        changed_.notify_all();
    }
    void end() { // an EOS was asked for
        std::lock_guard lock(mutex_);
        end_ = true;
        changed_.notify_all();
    }
    void stop() {
        std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    // The thread: nothing more to do until a flush or the end.
    void ended() {
        std::lock_guard lock(mutex_);
        ended_ = true;
    }

    Order wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_ || (!ended_ && (end_ || (runs() && (restart_ || woken_)))); });
        if (stop_)
            return Order::stop;
        if (end_) {
            end_ = false;
            return Order::end;
        }
        woken_ = false;
        return std::exchange(restart_, false) ? Order::restart : Order::read;
    }
    // The thread, between two units: go on, or is there another order to take?
    bool may_go_on() {
        std::lock_guard lock(mutex_);
        if (!stop_ && !end_ && !restart_ && runs())
            return true;
        woken_ = true; // there are units left
        return false;
    }
    bool flushing() const {
        std::lock_guard lock(mutex_);
        return flushing_ || stop_;
    }

private:
    bool runs() const { return playing_ && !flushing_; }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false, playing_ = false, flushing_ = false, restart_ = false, end_ = false, stop_ = false,
         ended_ = false;
};

} // namespace sluice
