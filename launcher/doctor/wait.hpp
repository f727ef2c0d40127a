// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place where the doctor waits: the main context runs meanwhile, every wait has its limit, all of them together too, and
// Ctrl-C ends them.
#pragma once

#include "plugins/core/refs.hpp"

#include <gio/gio.h>

#include <functional>

namespace sluice::doctor {

class Wait {
public:
    // Takes SIGINT and SIGTERM over until it goes.
    explicit Wait(double total_seconds);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    // True when the condition holds; false when the time is over, or it was interrupted.
    bool until(const std::function<bool()>& condition, double seconds);
    // Also after a signal: what has to be said goodbye to.
    bool until_anyway(const std::function<bool()>& condition, double seconds);
    bool interrupted() const { return interrupted_; }
    bool over() const { return g_get_monotonic_time() >= end_; }

private:
    bool wait(const std::function<bool()>& condition, int64_t end, bool ends_with_signal);

    const int64_t end_;
    guint sources_[2] = {0, 0};
    bool interrupted_ = false;
};

// From any thread: conditions are looked at again.
inline void wake() { g_main_context_wakeup(nullptr); }

class Stopwatch {
public:
    double ms() const { return static_cast<double>(g_get_monotonic_time() - begin_) / 1000; }
    int64_t begin() const { return begin_; }

private:
    int64_t begin_ = g_get_monotonic_time();
};

} // namespace sluice::doctor
