// SPDX-License-Identifier: LGPL-2.1-or-later
// Ownership of GLib and GStreamer references as C++ types. Two verbs say who owns what:
// adopt(p) takes over a reference that the caller owns [transfer full]; ref(p) adds one [transfer none].
#pragma once

#include <gst/gst.h>

#include <memory>
#include <utility>

namespace sluice {

template <typename T> struct RefTraits { // GObject and everything derived from it
    static void ref(T* p) { g_object_ref(p); }
    static void unref(T* p) { g_object_unref(p); }
};

// NOLINTNEXTLINE(bugprone-macro-parentheses): a type cannot stand in parentheses here
#define SLUICE_REF_TRAITS(Type, ref_fn, unref_fn)   \
    template <> struct RefTraits<Type> {            \
        static void ref(Type* p) { ref_fn(p); }     \
        static void unref(Type* p) { unref_fn(p); } \
    }
SLUICE_REF_TRAITS(GstBuffer, gst_buffer_ref, gst_buffer_unref);
SLUICE_REF_TRAITS(GstBufferList, gst_buffer_list_ref, gst_buffer_list_unref);
SLUICE_REF_TRAITS(GstCaps, gst_caps_ref, gst_caps_unref);
SLUICE_REF_TRAITS(GstEvent, gst_event_ref, gst_event_unref);
SLUICE_REF_TRAITS(GstMemory, gst_memory_ref, gst_memory_unref);
SLUICE_REF_TRAITS(GstMessage, gst_message_ref, gst_message_unref);
SLUICE_REF_TRAITS(GstPromise, gst_promise_ref, gst_promise_unref);
SLUICE_REF_TRAITS(GstSample, gst_sample_ref, gst_sample_unref);
SLUICE_REF_TRAITS(GBytes, g_bytes_ref, g_bytes_unref);
SLUICE_REF_TRAITS(GMainContext, g_main_context_ref, g_main_context_unref);
SLUICE_REF_TRAITS(GMainLoop, g_main_loop_ref, g_main_loop_unref);

template <typename T> class [[nodiscard]] Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {} // NOLINT: converting on purpose
    Ref(const Ref& o) : p_(o.p_) {
        if (p_)
            RefTraits<T>::ref(p_);
    }
    Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
    Ref& operator=(Ref o) noexcept {
        std::swap(p_, o.p_);
        return *this;
    }
    ~Ref() {
        if (p_)
            RefTraits<T>::unref(p_);
    }

    static Ref adopt(T* p) {
        Ref r;
        r.p_ = p;
        return r;
    }
    static Ref add(T* p) {
        if (p)
            RefTraits<T>::ref(p);
        return adopt(p);
    }

    T* get() const& { return p_; }
    T* get() const&& = delete; // the temporary would drop the reference under the caller's feet
    T* operator->() const { return p_; }
    explicit operator bool() const { return p_ != nullptr; }
    [[nodiscard]] T* release() { return std::exchange(p_, nullptr); }
    // For out-parameters that hand over a reference.
    T** out() {
        *this = Ref();
        return &p_;
    }

private:
    T* p_ = nullptr;
};

template <typename T> Ref<T> adopt(T* p) { return Ref<T>::adopt(p); }
template <typename T> Ref<T> ref(T* p) { return Ref<T>::add(p); }

// An element fresh from its factory floats: owning it means sinking it.
inline Ref<GstElement> sink(GstElement* e) {
    return e ? Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(e))) : Ref<GstElement>();
}

struct GFree {
    void operator()(void* p) const { g_free(p); }
};
struct GErrorFree {
    void operator()(GError* e) const { g_error_free(e); }
};
struct GstStructureFree {
    void operator()(GstStructure* s) const { gst_structure_free(s); }
};
using GString8 = std::unique_ptr<char, GFree>; // a g_malloc'ed C string
using GErrorPtr = std::unique_ptr<GError, GErrorFree>;
using GstStructurePtr = std::unique_ptr<GstStructure, GstStructureFree>;

} // namespace sluice
