// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/signaller_object.hpp"

#include "plugins/core/weak_ref.hpp"

G_DECLARE_FINAL_TYPE(SluiceSignaller, sluice_signaller, SLUICE, SIGNALLER, GObject)

namespace {
struct State {
    std::weak_ptr<sluice::HttpHost> host;         // the element's: its port is free when it stops, whoever still has us
    std::shared_ptr<sluice::Signaller> signaller; // touched in the host's context only

    void invoke(std::function<void()> f) const {
        if (const auto h = host.lock())
            h->invoke(std::move(f));
    }
};
enum { SIGNAL_SEND, SIGNAL_CLOSE, SIGNAL_OPEN, SIGNAL_RECEIVE, SIGNAL_CLOSED, N_SIGNALS };
guint signals[N_SIGNALS];
} // namespace

struct _SluiceSignaller {
    GObject parent;
    State* state;
};
G_DEFINE_FINAL_TYPE(SluiceSignaller, sluice_signaller, G_TYPE_OBJECT)

static void sluice_signaller_open(SluiceSignaller* self) {
    const State& s = *self->state;
    s.invoke([signaller = s.signaller] { signaller->start(); });
}

static void sluice_signaller_receive(SluiceSignaller* self, const char* text) {
    const State& s = *self->state;
    s.invoke([signaller = s.signaller, copy = std::string(text ? text : "")] {
        signaller->receive(copy, g_get_real_time() / G_USEC_PER_SEC);
    });
}

static void sluice_signaller_closed(SluiceSignaller* self, gboolean in_order) {
    const State& s = *self->state;
    s.invoke([signaller = s.signaller, in_order] { signaller->carrier_closed(in_order); });
}

static void sluice_signaller_finalize(GObject* object) {
    auto* self = SLUICE_SIGNALLER(object);
    if (self->state->signaller)
        sluice_signaller_closed(self, FALSE);
    delete self->state;
    G_OBJECT_CLASS(sluice_signaller_parent_class)->finalize(object);
}

static void sluice_signaller_init(SluiceSignaller* self) { self->state = new State; }

static void sluice_signaller_class_init(SluiceSignallerClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = sluice_signaller_finalize;
    const GType type = G_TYPE_FROM_CLASS(klass);
    constexpr auto action = GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
    signals[SIGNAL_SEND] =
        g_signal_new("send", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
    signals[SIGNAL_CLOSE] = g_signal_new("close", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 2,
                                         G_TYPE_UINT, G_TYPE_STRING);
    signals[SIGNAL_OPEN] = g_signal_new_class_handler("open", type, action, G_CALLBACK(sluice_signaller_open), nullptr,
                                                      nullptr, nullptr, G_TYPE_NONE, 0);
    signals[SIGNAL_RECEIVE] = g_signal_new_class_handler("receive", type, action, G_CALLBACK(sluice_signaller_receive),
                                                         nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
    signals[SIGNAL_CLOSED] = g_signal_new_class_handler("closed", type, action, G_CALLBACK(sluice_signaller_closed),
                                                        nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

namespace sluice {

Ref<GObject> make_signaller(std::shared_ptr<HttpHost> host, std::shared_ptr<SessionService> service,
                            Signaller::Client client) {
    Ref<GObject> object = adopt(G_OBJECT(g_object_new(sluice_signaller_get_type(), nullptr)));
    State& state = *SLUICE_SIGNALLER(object.get())->state;
    state.host = host;
    const auto weak = std::make_shared<WeakRef<GObject>>(object.get());
    state.signaller =
        Signaller::create(std::move(service),
                          {.send =
                               [weak](const std::string& text) {
                                   if (const auto o = weak->get())
                                       g_signal_emit(o.get(), signals[SIGNAL_SEND], 0, text.c_str());
                               },
                           .close =
                               [weak](unsigned code, const std::string& reason) {
                                   if (const auto o = weak->get())
                                       g_signal_emit(o.get(), signals[SIGNAL_CLOSE], 0, code, reason.c_str());
                               },
                           .post =
                               [host = std::weak_ptr(host)](std::function<void()> f) {
                                   if (const auto h = host.lock())
                                       h->invoke(std::move(f));
                               }},
                          std::move(client));
    return object;
}

void shut_down_signaller(GObject* object, const std::string& reason) {
    const State& s = *SLUICE_SIGNALLER(object)->state;
    s.invoke([signaller = s.signaller, reason] { signaller->shut_down(reason); });
}

} // namespace sluice
