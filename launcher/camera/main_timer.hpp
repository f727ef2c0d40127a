// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a TimerQueue from the main context: one GSource for all its deadlines.
#pragma once

#include "launcher/camera/timer_queue.hpp"

#include <glib.h>

namespace sluice {

class MainTimer {
public:
    explicit MainTimer(TimerQueue& queue);
    ~MainTimer();
    MainTimer(const MainTimer&) = delete;
    MainTimer& operator=(const MainTimer&) = delete;

private:
    TimerQueue& queue_;
    GSource* source_;
};

} // namespace sluice
