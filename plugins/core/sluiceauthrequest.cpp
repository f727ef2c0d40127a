// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/sluiceauthrequest.h"

#include "plugins/core/auth_request.hpp"

#include <mutex>

namespace {
struct AuthState {
    sluice::AuthQuestion question;
    std::mutex mutex; // all below
    std::string login;
    std::function<void(const sluice::AuthAnswer&)> answer;
};
} // namespace

struct _SluiceAuthRequest {
    GObject parent;
    AuthState* state;
};

G_DEFINE_FINAL_TYPE(SluiceAuthRequest, sluice_auth_request, G_TYPE_OBJECT)

static void answer_once(SluiceAuthRequest* self, const sluice::AuthAnswer& a) {
    std::function<void(const sluice::AuthAnswer&)> answer;
    {
        std::lock_guard lock(self->state->mutex);
        answer = std::exchange(self->state->answer, nullptr);
    }
    if (answer)
        answer(a);
}

static void sluice_auth_request_finalize(GObject* object) {
    auto* self = SLUICE_AUTH_REQUEST(object);
    answer_once(self, {.reason = "nobody answered the authorization request"});
    delete self->state;
    G_OBJECT_CLASS(sluice_auth_request_parent_class)->finalize(object);
}

// The same as the functions below, for languages that have no header of ours.
enum { PROP_0, PROP_ACTION, PROP_CAMERA, PROP_CHANNEL, PROP_PEER_ADDRESS };

static void sluice_auth_request_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    const sluice::AuthQuestion& q = SLUICE_AUTH_REQUEST(object)->state->question;
    switch (id) {
    case PROP_ACTION: g_value_set_string(value, q.action.c_str()); break;
    case PROP_CAMERA: g_value_set_string(value, q.camera.c_str()); break;
    case PROP_CHANNEL: g_value_set_string(value, q.channel.c_str()); break;
    case PROP_PEER_ADDRESS: g_value_set_string(value, q.peer_address.c_str()); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static gchar* header_action(SluiceAuthRequest* self, const gchar* name) {
    return g_strdup(name ? sluice_auth_request_get_header(self, name) : nullptr);
}

static void deny_action(SluiceAuthRequest* self, gboolean known, const gchar* reason) {
    sluice_auth_request_deny(self, known ? SLUICE_AUTH_DENIED_FORBIDDEN : SLUICE_AUTH_DENIED_UNAUTHENTICATED, reason);
}

static void accept_action(SluiceAuthRequest* self, const gchar* principal, gint64 expires) {
    if (principal)
        sluice_auth_request_accept(self, principal, expires);
}

static void sluice_auth_request_class_init(SluiceAuthRequestClass* klass) {
    auto* object = G_OBJECT_CLASS(klass);
    object->finalize = sluice_auth_request_finalize;
    object->get_property = sluice_auth_request_get_property;
    const auto text = [&](guint id, const char* name, const char* what) {
        g_object_class_install_property(
            object, id,
            g_param_spec_string(name, name, what, "", GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    };
    text(PROP_ACTION, "action", "view, or connect: a WebSocket");
    text(PROP_CAMERA, "camera", "Name of the camera; may be empty with connect");
    text(PROP_CHANNEL, "channel", "Name of the channel, such as front/main");
    text(PROP_PEER_ADDRESS, "peer-address", "IP address of the client");
    const GType type = G_TYPE_FROM_CLASS(klass);
    const auto action = [&](const char* name, GCallback handler, GType result, guint n, GType a, GType b) {
        g_signal_new_class_handler(name, type, GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION), handler, nullptr,
                                   nullptr, nullptr, result, n, a, b);
    };
    action("header", G_CALLBACK(header_action), G_TYPE_STRING, 1, G_TYPE_STRING, G_TYPE_NONE);
    action("accept", G_CALLBACK(accept_action), G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_INT64);
    action("deny", G_CALLBACK(deny_action), G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
    action("set-login", G_CALLBACK(sluice_auth_request_set_login), G_TYPE_NONE, 1, G_TYPE_STRING, G_TYPE_NONE);
}

static void sluice_auth_request_init(SluiceAuthRequest* self) { self->state = new AuthState; }

namespace sluice {
Ref<SluiceAuthRequest> make_auth_request(AuthQuestion question, std::function<void(const AuthAnswer&)> answer) {
    auto r = adopt(SLUICE_AUTH_REQUEST(g_object_new(SLUICE_TYPE_AUTH_REQUEST, nullptr)));
    r->state->question = std::move(question);
    r->state->answer = std::move(answer);
    return r;
}
} // namespace sluice

const char* sluice_auth_request_get_action(SluiceAuthRequest* r) { return r->state->question.action.c_str(); }
const char* sluice_auth_request_get_camera(SluiceAuthRequest* r) { return r->state->question.camera.c_str(); }
const char* sluice_auth_request_get_channel(SluiceAuthRequest* r) { return r->state->question.channel.c_str(); }
const char* sluice_auth_request_get_peer_address(SluiceAuthRequest* r) {
    return r->state->question.peer_address.c_str();
}

const char* sluice_auth_request_get_header(SluiceAuthRequest* r, const char* name) {
    g_return_val_if_fail(name != nullptr, nullptr);
    const auto& headers = r->state->question.headers;
    const auto it = headers.find(name);
    return it == headers.end() ? nullptr : it->second.c_str();
}

void sluice_auth_request_accept(SluiceAuthRequest* r, const char* principal, gint64 expires) {
    g_return_if_fail(SLUICE_IS_AUTH_REQUEST(r) && principal != nullptr);
    sluice::AuthAnswer a{.accepted = true, .principal = principal, .expires = expires};
    {
        std::lock_guard lock(r->state->mutex);
        a.login = r->state->login;
    }
    answer_once(r, a);
}

void sluice_auth_request_set_login(SluiceAuthRequest* r, const char* login) {
    g_return_if_fail(SLUICE_IS_AUTH_REQUEST(r));
    std::lock_guard lock(r->state->mutex);
    r->state->login = login ? login : "";
}

void sluice_auth_request_deny(SluiceAuthRequest* r, SluiceAuthDenial denial, const char* reason) {
    g_return_if_fail(SLUICE_IS_AUTH_REQUEST(r));
    answer_once(r, {.known = denial == SLUICE_AUTH_DENIED_FORBIDDEN, .reason = reason ? reason : "denied"});
}

void sluice_auth_request_deny_for(SluiceAuthRequest* r, guint seconds, const char* reason) {
    g_return_if_fail(SLUICE_IS_AUTH_REQUEST(r));
    answer_once(r, {.reason = reason ? reason : "denied", .retry_seconds = MAX(seconds, 1)});
}
