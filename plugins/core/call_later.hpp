// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <functional>
#include <utility>

namespace sluice {

// Once, by the default main context, never from within this call. Any thread.
inline void call_later(std::function<void()> call) {
    using Call = std::function<void()>;
    g_idle_add_full(
        G_PRIORITY_DEFAULT,
        [](gpointer data) -> gboolean {
            (*static_cast<Call*>(data))();
            return G_SOURCE_REMOVE;
        },
        new Call(std::move(call)), [](gpointer data) { delete static_cast<Call*>(data); });
}

} // namespace sluice
