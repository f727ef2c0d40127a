// SPDX-License-Identifier: LGPL-2.1-or-later
// ThreadSanitizer sees pthreads and C++ atomics, but Debian's GLib and GStreamer are not instrumented: GMutex is a
// futex, a GSource is handed over inside libglib, reference counts are plain instructions. These wrappers stand in
// front of the real functions, for us and for every library that calls them, and say what orders what. Without them
// everything handed from one thread to another through GLib would be reported as a race.
//
// Part of test_main in a ThreadSanitizer build only.
#include <dlfcn.h>
#include <gst/gst.h>

#include <memory>

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}

namespace {

char contexts; // one mark for all main contexts and thread pools: what was queued before is seen by who runs it
char bus;

template <typename F> F* find(F*, const char* name, void*& cache) {
    void* p = __atomic_load_n(&cache, __ATOMIC_RELAXED); // found again at worst
    if (!p) {
        p = dlsym(RTLD_NEXT, name);
        __atomic_store_n(&cache, p, __ATOMIC_RELAXED);
    }
    return reinterpret_cast<F*>(p);
}

#define REAL(function)                            \
    ([] {                                         \
        static constinit void* cache = nullptr;   \
        return find(&function, #function, cache); \
    }())

gint poll_and_see(GPollFD* fds, guint n, gint timeout) {
    const gint ready = g_poll(fds, n, timeout);
    __tsan_acquire(&contexts);
    return ready;
}

struct Call {
    GSourceFunc function;
    gpointer data;
    GDestroyNotify notify;
};
gboolean call_and_see(gpointer data) {
    __tsan_acquire(&contexts);
    const auto* call = static_cast<Call*>(data);
    return call->function(call->data);
}
void drop_call(gpointer data) {
    __tsan_acquire(&contexts);
    const std::unique_ptr<Call> call(static_cast<Call*>(data));
    if (call->notify)
        call->notify(call->data);
}

struct PoolFunction {
    GFunc function;
    gpointer data;
};
void run_in_pool(gpointer item, gpointer data) {
    __tsan_acquire(&contexts);
    const auto* f = static_cast<PoolFunction*>(data);
    f->function(item, f->data);
}

} // namespace

namespace sluice {
void teach_tsan_glib() { g_main_context_set_poll_func(g_main_context_default(), poll_and_see); }
} // namespace sluice

extern "C" {

// --- locks ---
void g_mutex_lock(GMutex* m) {
    REAL(g_mutex_lock)(m);
    __tsan_acquire(m);
}
gboolean g_mutex_trylock(GMutex* m) {
    const gboolean locked = REAL(g_mutex_trylock)(m);
    if (locked)
        __tsan_acquire(m);
    return locked;
}
void g_mutex_unlock(GMutex* m) {
    __tsan_release(m);
    REAL(g_mutex_unlock)(m);
}
void g_cond_wait(GCond* c, GMutex* m) {
    __tsan_release(m);
    REAL(g_cond_wait)(c, m);
    __tsan_acquire(m);
}
gboolean g_cond_wait_until(GCond* c, GMutex* m, gint64 end) {
    __tsan_release(m);
    const gboolean signalled = REAL(g_cond_wait_until)(c, m, end);
    __tsan_acquire(m);
    return signalled;
}

// --- work handed to another thread ---
GMainContext* g_main_context_new(void) {
    GMainContext* c = REAL(g_main_context_new)();
    g_main_context_set_poll_func(c, poll_and_see);
    return c;
}
GMainContext* g_main_context_new_with_flags(GMainContextFlags flags) {
    GMainContext* c = REAL(g_main_context_new_with_flags)(flags);
    g_main_context_set_poll_func(c, poll_and_see);
    return c;
}
guint g_source_attach(GSource* source, GMainContext* context) {
    __tsan_release(&contexts);
    return REAL(g_source_attach)(source, context);
}
void g_main_context_invoke(GMainContext* context, GSourceFunc function, gpointer data) {
    __tsan_release(&contexts);
    REAL(g_main_context_invoke)(context, function, data);
}
void g_main_context_invoke_full(GMainContext* context, gint priority, GSourceFunc function, gpointer data,
                                GDestroyNotify notify) {
    // A source attached between a loop's poll and its check runs in that very turn, which poll_and_see() has not seen.
    auto* call = new Call{function, data, notify};
    __tsan_release(&contexts);
    REAL(g_main_context_invoke_full)(context, priority, call_and_see, call, drop_call);
}
guint g_idle_add(GSourceFunc function, gpointer data) {
    __tsan_release(&contexts);
    return REAL(g_idle_add)(function, data);
}
guint g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify) {
    __tsan_release(&contexts);
    return REAL(g_idle_add_full)(priority, function, data, notify);
}
guint g_timeout_add(guint interval, GSourceFunc function, gpointer data) {
    __tsan_release(&contexts);
    return REAL(g_timeout_add)(interval, function, data);
}
guint g_timeout_add_full(gint priority, guint interval, GSourceFunc function, gpointer data, GDestroyNotify notify) {
    __tsan_release(&contexts);
    return REAL(g_timeout_add_full)(priority, interval, function, data, notify);
}
void g_main_context_wakeup(GMainContext* context) {
    __tsan_release(&contexts);
    REAL(g_main_context_wakeup)(context);
}
void g_main_loop_quit(GMainLoop* loop) {
    __tsan_release(&contexts);
    REAL(g_main_loop_quit)(loop);
}
GThreadPool* g_thread_pool_new(GFunc function, gpointer data, gint max_threads, gboolean exclusive, GError** error) {
    // Kept for the life of the process, as pools are.
    return REAL(g_thread_pool_new)(run_in_pool, new PoolFunction{function, data}, max_threads, exclusive, error);
}
gboolean g_thread_pool_push(GThreadPool* pool, gpointer item, GError** error) {
    __tsan_release(&contexts);
    return REAL(g_thread_pool_push)(pool, item, error);
}
void g_async_queue_push(GAsyncQueue* queue, gpointer item) {
    __tsan_release(queue);
    REAL(g_async_queue_push)(queue, item);
}
gpointer g_async_queue_pop(GAsyncQueue* queue) {
    gpointer item = REAL(g_async_queue_pop)(queue);
    __tsan_acquire(queue);
    return item;
}
gpointer g_async_queue_try_pop(GAsyncQueue* queue) {
    gpointer item = REAL(g_async_queue_try_pop)(queue);
    __tsan_acquire(queue);
    return item;
}
gpointer g_async_queue_timeout_pop(GAsyncQueue* queue, guint64 timeout) {
    gpointer item = REAL(g_async_queue_timeout_pop)(queue, timeout);
    __tsan_acquire(queue);
    return item;
}
gboolean gst_element_post_message(GstElement* element, GstMessage* message) {
    __tsan_release(&bus);
    __tsan_release(&contexts);
    return REAL(gst_element_post_message)(element, message);
}
gboolean gst_bus_post(GstBus* b, GstMessage* message) {
    __tsan_release(&bus);
    __tsan_release(&contexts);
    return REAL(gst_bus_post)(b, message);
}
GstMessage* gst_bus_timed_pop_filtered(GstBus* b, GstClockTime timeout, GstMessageType types) {
    GstMessage* message = REAL(gst_bus_timed_pop_filtered)(b, timeout, types);
    __tsan_acquire(&bus);
    return message;
}
GstMessage* gst_bus_pop(GstBus* b) {
    GstMessage* message = REAL(gst_bus_pop)(b);
    __tsan_acquire(&bus);
    return message;
}

// --- reference counts: who drops the last one comes after everybody who dropped one before ---
void g_object_unref(gpointer object) {
    __tsan_acquire(object);
    __tsan_release(object);
    REAL(g_object_unref)(object);
}
void gst_mini_object_unref(GstMiniObject* object) {
    __tsan_acquire(object);
    __tsan_release(object);
    REAL(gst_mini_object_unref)(object);
}

} // extern "C"
