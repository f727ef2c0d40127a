// SPDX-License-Identifier: LGPL-2.1-or-later
// All deadlines of the fleet on one timer. Pure but for the callback that says when the next one is due; used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace sluice {

class TimerQueue {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    // Called when another deadline is the next one, or none any more.
    std::function<void(std::optional<Time>)> on_next;

    class Timer;

    std::optional<Time> next() const;
    // Calls what is due, each once; callbacks may set and clear any timer.
    void run(Time now);

private:
    using Key = std::pair<Time, uint64_t>;
    void told(std::optional<Time> before);

    std::map<Key, Timer*> due_;
    uint64_t number_ = 0;
    bool running_ = false;
};

// One deadline at a time. Ends with its owner, who outlives no queue.
class TimerQueue::Timer {
public:
    Timer(TimerQueue& queue, std::function<void()> callback) : queue_(queue), callback_(std::move(callback)) {}
    ~Timer() { clear(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void set(Time at);
    void set(std::optional<Time> at) { at ? set(*at) : clear(); }
    void clear();

private:
    friend class TimerQueue;
    TimerQueue& queue_;
    const std::function<void()> callback_;
    std::optional<Key> key_;
};

} // namespace sluice
