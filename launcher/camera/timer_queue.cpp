// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/timer_queue.hpp"

namespace sluice {

std::optional<TimerQueue::Time> TimerQueue::next() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first.first);
}

void TimerQueue::told(std::optional<Time> before) {
    if (const auto now = next(); !running_ && now != before && on_next)
        on_next(now);
}

void TimerQueue::run(Time now) {
    running_ = true;
    const uint64_t from_here = number_; // what is set meanwhile waits for the next run
    for (auto it = due_.begin(); it != due_.end() && it->first.first <= now;) {
        if (it->first.second > from_here) {
            ++it;
            continue;
        }
        Timer* const timer = it->second;
        due_.erase(it);
        timer->key_.reset();
        const auto callback = timer->callback_; // the timer may be gone within the call
        callback();
        it = due_.begin();
    }
    running_ = false;
    if (on_next)
        on_next(next());
}

void TimerQueue::Timer::set(Time at) {
    if (key_ && key_->first == at)
        return;
    const auto before = queue_.next();
    if (key_)
        queue_.due_.erase(*key_);
    key_ = Key{at, ++queue_.number_};
    queue_.due_.emplace(*key_, this);
    queue_.told(before);
}

void TimerQueue::Timer::clear() {
    if (!key_)
        return;
    const auto before = queue_.next();
    queue_.due_.erase(*key_);
    key_.reset();
    queue_.told(before);
}

} // namespace sluice
