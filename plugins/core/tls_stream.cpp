// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/tls_stream.hpp"

#include <string>
#include <utility>

namespace sluice {

namespace {

using State = TlsSession::State;

// What the stream and its two halves share.
struct Carrier {
    Ref<GSocketConnection> connection;
    std::shared_ptr<TlsSession> session;
    bool closed = false;

    GSocket* socket() const { return g_socket_connection_get_socket(connection.get()); }
    // Behind the end the descriptor may be somebody else's.
    template <typename Move> TlsSession::Moved move(Move f) const {
        return closed ? TlsSession::Moved{State::failed, 0, "the connection is closed"} : f(*session);
    }
    TlsSession::Moved read(void* data, gsize size) const {
        return move([&](TlsSession& s) { return s.read(data, size); });
    }
    TlsSession::Moved write(const void* data, gsize size) const {
        return move([&](TlsSession& s) { return s.write(data, size); });
    }
};
using Shared = std::shared_ptr<Carrier>;

struct Half { // GInputStream or GOutputStream
    union {
        GInputStream input;
        GOutputStream output;
    };
    Shared* carrier;
};

struct Stream {
    GIOStream parent;
    Shared* carrier;
    GInputStream* input;
    GOutputStream* output;
};

Carrier& carrier_of(gpointer half) { return **reinterpret_cast<Half*>(half)->carrier; }

gssize result_of(const TlsSession::Moved& moved, GError** error) {
    switch (moved.state) {
    case State::done: return static_cast<gssize>(moved.bytes);
    case State::failed: g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "TLS: %s", moved.why.c_str()); break;
    default: g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "TLS waits for its socket");
    }
    return -1;
}

template <typename Move> gssize blocking(Carrier& c, GCancellable* cancellable, GError** error, Move move) {
    for (;;) {
        const TlsSession::Moved moved = move();
        if (moved.state == State::done || moved.state == State::failed)
            return result_of(moved, error);
        if (!g_socket_condition_wait(c.socket(), moved.state == State::read ? G_IO_IN : G_IO_OUT, cancellable, error))
            return -1;
    }
}

// Ready when the socket is, or when something decrypted waits already.
struct Ready {
    GSource source;
    Shared* carrier;
    GObject* half;
    GCancellable* cancellable;
    gpointer fd;
    GIOCondition condition;
};

gboolean is_ready(Ready* r) {
    const Carrier& c = **r->carrier;
    return c.closed || (r->condition == G_IO_IN && c.session->has_unread()) ||
           (r->cancellable && g_cancellable_is_cancelled(r->cancellable));
}

// libsoup hangs these below sources of its own, with closures that do nothing.
gboolean call_closure(GObject* half, gpointer closure) {
    GValue result = G_VALUE_INIT, parameter = G_VALUE_INIT;
    g_value_init(&result, G_TYPE_BOOLEAN);
    g_value_init(&parameter, G_TYPE_OBJECT);
    g_value_set_object(&parameter, half);
    g_closure_invoke(static_cast<GClosure*>(closure), &result, 1, &parameter, nullptr);
    const gboolean out = g_value_get_boolean(&result);
    g_value_unset(&parameter);
    g_value_unset(&result);
    return out;
}

gboolean prepare(GSource* source, gint* timeout) {
    *timeout = -1;
    return is_ready(reinterpret_cast<Ready*>(source));
}

gboolean check(GSource* source) {
    auto* r = reinterpret_cast<Ready*>(source);
    return is_ready(r) || g_source_query_unix_fd(source, r->fd) != 0;
}

gboolean dispatch(GSource* source, GSourceFunc function, gpointer data) {
    const auto call = reinterpret_cast<GPollableSourceFunc>(reinterpret_cast<void (*)()>(function));
    return call(reinterpret_cast<Ready*>(source)->half, data);
}

void finalize(GSource* source) {
    auto* r = reinterpret_cast<Ready*>(source);
    g_clear_object(&r->cancellable);
    g_object_unref(r->half);
    delete r->carrier;
}

GSourceFuncs ready_functions = {
    prepare,
    check,
    dispatch,
    finalize,
    reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(call_closure)),
    reinterpret_cast<GSourceDummyMarshal>(reinterpret_cast<void (*)()>(g_cclosure_marshal_generic)),
};

GSource* make_source(gpointer half, GIOCondition condition, GCancellable* cancellable) {
    GSource* source = g_source_new(&ready_functions, sizeof(Ready));
    auto* r = reinterpret_cast<Ready*>(source);
    r->carrier = new Shared(*reinterpret_cast<Half*>(half)->carrier);
    r->half = static_cast<GObject*>(g_object_ref(half));
    r->condition = condition;
    r->cancellable = cancellable ? static_cast<GCancellable*>(g_object_ref(cancellable)) : nullptr;
    r->fd = g_source_add_unix_fd(source, g_socket_get_fd((*r->carrier)->socket()),
                                 GIOCondition(condition | G_IO_HUP | G_IO_ERR));
    if (cancellable) { // only wakes the loop
        GSource* wakes = g_cancellable_source_new(cancellable);
        g_source_set_dummy_callback(wakes);
        g_source_add_child_source(source, wakes);
        g_source_unref(wakes);
    }
    return source;
}

gboolean socket_ready(gpointer half, GIOCondition condition) {
    const Carrier& c = carrier_of(half);
    return c.closed || (condition == G_IO_IN && c.session->has_unread()) ||
           g_socket_condition_check(c.socket(), condition) != 0;
}

void finalize_half(GObject* object, GType parent) {
    delete reinterpret_cast<Half*>(object)->carrier;
    G_OBJECT_CLASS(g_type_class_peek(parent))->finalize(object);
}

// The launcher and the plugin in its process each have this library: two types need two names.
GType make_type(GType parent, const char* name, guint16 class_size, guint16 size, GClassInitFunc init) {
    static const int mark = 0;
    const std::string unique = name + std::to_string(reinterpret_cast<uintptr_t>(&mark));
    return g_type_register_static_simple(parent, unique.c_str(), class_size, init, size, nullptr, GTypeFlags(0));
}

void input_class(gpointer klass, gpointer) {
    G_OBJECT_CLASS(klass)->finalize = +[](GObject* o) { finalize_half(o, G_TYPE_INPUT_STREAM); };
    G_INPUT_STREAM_CLASS(klass)->read_fn =
        +[](GInputStream* s, void* data, gsize size, GCancellable* stop, GError** e) {
            Carrier& c = carrier_of(s);
            return blocking(c, stop, e, [&] { return c.read(data, size); });
        };
    G_INPUT_STREAM_CLASS(klass)->close_fn = +[](GInputStream*, GCancellable*, GError**) -> gboolean { return TRUE; };
}

void input_pollable(gpointer interface, gpointer) {
    auto* i = static_cast<GPollableInputStreamInterface*>(interface);
    i->is_readable = +[](GPollableInputStream* s) { return socket_ready(s, G_IO_IN); };
    i->create_source = +[](GPollableInputStream* s, GCancellable* stop) { return make_source(s, G_IO_IN, stop); };
    i->read_nonblocking = +[](GPollableInputStream* s, void* data, gsize size, GError** e) {
        return result_of(carrier_of(s).read(data, size), e);
    };
}

void output_class(gpointer klass, gpointer) {
    G_OBJECT_CLASS(klass)->finalize = +[](GObject* o) { finalize_half(o, G_TYPE_OUTPUT_STREAM); };
    G_OUTPUT_STREAM_CLASS(klass)->write_fn =
        +[](GOutputStream* s, const void* data, gsize size, GCancellable* stop, GError** e) {
            Carrier& c = carrier_of(s);
            return blocking(c, stop, e, [&] { return c.write(data, size); });
        };
    G_OUTPUT_STREAM_CLASS(klass)->flush = +[](GOutputStream* s, GCancellable* stop, GError** e) -> gboolean {
        Carrier& c = carrier_of(s);
        return blocking(c, stop, e, [&] { return c.move([](TlsSession& session) { return session.flush(); }); }) == 0;
    };
    G_OUTPUT_STREAM_CLASS(klass)->close_fn = +[](GOutputStream*, GCancellable*, GError**) -> gboolean { return TRUE; };
}

void output_pollable(gpointer interface, gpointer) {
    auto* i = static_cast<GPollableOutputStreamInterface*>(interface);
    i->is_writable = +[](GPollableOutputStream* s) { return socket_ready(s, G_IO_OUT); };
    i->create_source = +[](GPollableOutputStream* s, GCancellable* stop) { return make_source(s, G_IO_OUT, stop); };
    i->write_nonblocking = +[](GPollableOutputStream* s, const void* data, gsize size, GError** e) {
        return result_of(carrier_of(s).write(data, size), e);
    };
}

GType half_type(bool input) {
    static const GType types[] = {
        make_type(G_TYPE_OUTPUT_STREAM, "SluiceTlsOutput", sizeof(GOutputStreamClass), sizeof(Half), output_class),
        make_type(G_TYPE_INPUT_STREAM, "SluiceTlsInput", sizeof(GInputStreamClass), sizeof(Half), input_class)};
    static const bool pollable = [] {
        const GInterfaceInfo in{input_pollable, nullptr, nullptr}, out{output_pollable, nullptr, nullptr};
        g_type_add_interface_static(types[1], G_TYPE_POLLABLE_INPUT_STREAM, &in);
        g_type_add_interface_static(types[0], G_TYPE_POLLABLE_OUTPUT_STREAM, &out);
        return true;
    }();
    return types[pollable && input];
}

// The rest that the socket did not take yet and the goodbye. A client that takes neither is ended by TCP's own limit.
struct Farewell {
    Shared carrier;
};

void end(Carrier& c) { g_io_stream_close(G_IO_STREAM(c.connection.get()), nullptr, nullptr); }

void close_carrier(const Shared& carrier) {
    if (std::exchange(carrier->closed, true))
        return;
    if (carrier->session->say_goodbye().state != State::write)
        return end(*carrier);
    GSource* source = g_socket_create_source(carrier->socket(), GIOCondition(G_IO_OUT | G_IO_HUP | G_IO_ERR), nullptr);
    const auto when_writable = +[](GSocket*, GIOCondition, gpointer data) -> gboolean {
        Carrier& c = *static_cast<Farewell*>(data)->carrier;
        if (c.session->say_goodbye().state == State::write)
            return G_SOURCE_CONTINUE;
        end(c);
        return G_SOURCE_REMOVE;
    };
    g_source_set_callback(
        source, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(when_writable)), new Farewell{carrier},
        +[](gpointer data) { delete static_cast<Farewell*>(data); });
    g_source_attach(source, g_main_context_get_thread_default());
    g_source_unref(source);
}

void stream_class(gpointer klass, gpointer) {
    G_OBJECT_CLASS(klass)->finalize = +[](GObject* object) {
        auto* s = reinterpret_cast<Stream*>(object);
        g_object_unref(s->input);
        g_object_unref(s->output);
        delete s->carrier;
        G_OBJECT_CLASS(g_type_class_peek(G_TYPE_IO_STREAM))->finalize(object);
    };
    auto* io = G_IO_STREAM_CLASS(klass);
    io->get_input_stream = +[](GIOStream* s) { return reinterpret_cast<Stream*>(s)->input; };
    io->get_output_stream = +[](GIOStream* s) { return reinterpret_cast<Stream*>(s)->output; };
    io->close_fn = +[](GIOStream* s, GCancellable*, GError**) -> gboolean {
        close_carrier(*reinterpret_cast<Stream*>(s)->carrier);
        return TRUE;
    };
    // Not in a thread, as GIO would.
    io->close_async = +[](GIOStream* s, int, GCancellable* cancellable, GAsyncReadyCallback done, gpointer data) {
        close_carrier(*reinterpret_cast<Stream*>(s)->carrier);
        const Ref<GTask> task = adopt(g_task_new(s, cancellable, done, data));
        g_task_return_boolean(task.get(), TRUE);
    };
    io->close_finish = +[](GIOStream*, GAsyncResult* result, GError** error) {
        return g_task_propagate_boolean(G_TASK(result), error);
    };
}

} // namespace

Ref<GIOStream> make_tls_stream(GSocketConnection* connection, std::shared_ptr<TlsSession> session) {
    static const GType type =
        make_type(G_TYPE_IO_STREAM, "SluiceTlsStream", sizeof(GIOStreamClass), sizeof(Stream), stream_class);
    const auto carrier = std::make_shared<Carrier>(Carrier{ref(connection), std::move(session)});
    auto* stream = static_cast<Stream*>(g_object_new(type, nullptr));
    const auto half = [&](bool input) {
        auto* h = static_cast<Half*>(g_object_new(half_type(input), nullptr));
        h->carrier = new Shared(carrier);
        return h;
    };
    stream->carrier = new Shared(carrier);
    stream->input = &half(true)->input;
    stream->output = &half(false)->output;
    return adopt(&stream->parent);
}

} // namespace sluice
