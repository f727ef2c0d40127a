// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

namespace sluice {

// A GObject for callbacks that may outlive it.
template <typename T> class WeakRef {
public:
    explicit WeakRef(gpointer object) { g_weak_ref_init(&ref_, object); }
    ~WeakRef() { g_weak_ref_clear(&ref_); }
    WeakRef(const WeakRef&) = delete;
    WeakRef& operator=(const WeakRef&) = delete;
    Ref<T> get() { return adopt(static_cast<T*>(g_weak_ref_get(&ref_))); }

private:
    GWeakRef ref_;
};

} // namespace sluice
