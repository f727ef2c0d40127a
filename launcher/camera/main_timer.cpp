// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/main_timer.hpp"

namespace sluice {

namespace {

// GLib's monotonic time and steady_clock are the same clock, in microseconds and nanoseconds.
gint64 ready_time(std::optional<TimerQueue::Time> at) {
    using namespace std::chrono;
    return at ? ceil<microseconds>(at->time_since_epoch()).count() : -1;
}

GSourceFuncs functions = {
    nullptr, nullptr, [](GSource*, GSourceFunc callback, gpointer data) -> gboolean { return callback(data); },
    nullptr, nullptr, nullptr};

} // namespace

MainTimer::MainTimer(TimerQueue& queue) : queue_(queue), source_(g_source_new(&functions, sizeof(GSource))) {
    g_source_set_static_name(source_, "sluice camera deadlines");
    g_source_set_callback(
        source_,
        [](gpointer data) -> gboolean {
            static_cast<TimerQueue*>(data)->run(TimerQueue::Clock::now());
            return G_SOURCE_CONTINUE;
        },
        &queue_, nullptr);
    queue_.on_next = [this](std::optional<TimerQueue::Time> at) { g_source_set_ready_time(source_, ready_time(at)); };
    queue_.on_next(queue_.next());
    g_source_attach(source_, nullptr);
}

MainTimer::~MainTimer() {
    queue_.on_next = nullptr;
    g_source_destroy(source_);
    g_source_unref(source_);
}

} // namespace sluice
