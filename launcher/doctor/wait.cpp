// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/wait.hpp"

#include <glib-unix.h>

#include <algorithm>
#include <csignal>

namespace sluice::doctor {

Wait::Wait(double total_seconds) : end_(g_get_monotonic_time() + static_cast<int64_t>(total_seconds * G_USEC_PER_SEC)) {
    const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++)
        sources_[i] = g_unix_signal_add(
            signals[i],
            +[](gpointer self) -> gboolean {
                static_cast<Wait*>(self)->interrupted_ = true;
                return G_SOURCE_CONTINUE;
            },
            this);
}

Wait::~Wait() {
    for (const guint source : sources_)
        g_source_remove(source);
}

bool Wait::until(const std::function<bool()>& condition, double seconds) {
    const int64_t end = g_get_monotonic_time() + static_cast<int64_t>(seconds * G_USEC_PER_SEC);
    return wait(condition, std::min(end, end_), true);
}

bool Wait::until_anyway(const std::function<bool()>& condition, double seconds) {
    return wait(condition, g_get_monotonic_time() + static_cast<int64_t>(seconds * G_USEC_PER_SEC), false);
}

bool Wait::wait(const std::function<bool()>& condition, int64_t end, bool ends_with_signal) {
    GSource* timer = g_timeout_source_new(0);
    g_source_set_callback(
        timer, +[](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
    g_source_set_ready_time(timer, end);
    g_source_attach(timer, nullptr);
    bool done = condition();
    while (!done && !(ends_with_signal && interrupted_) && g_get_monotonic_time() < end) {
        g_main_context_iteration(nullptr, TRUE);
        done = condition();
    }
    g_source_destroy(timer);
    g_source_unref(timer);
    return done;
}

} // namespace sluice::doctor
