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

static void sluice_auth_request_class_init(SluiceAuthRequestClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = sluice_auth_request_finalize;
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
