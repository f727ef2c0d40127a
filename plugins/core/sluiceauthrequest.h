/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question "may this client do that?", handed out by webrtcserversink's signal `authorize`.
 * Languages without this header have the same as properties (action, camera, channel, peer-address) and action signals:
 * header (name), accept (principal, expires), deny (known, reason), set-login (login). */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SLUICE_TYPE_AUTH_REQUEST (sluice_auth_request_get_type())
__attribute__((visibility("default")))
G_DECLARE_FINAL_TYPE(SluiceAuthRequest, sluice_auth_request, SLUICE, AUTH_REQUEST, GObject)

    /* What is asked. Strings live as long as the request. */
    __attribute__((visibility("default"))) const
    char* sluice_auth_request_get_action(SluiceAuthRequest* r); /* "view"; "connect": a WebSocket, camera may be "" */
__attribute__((visibility("default"))) const char* sluice_auth_request_get_camera(SluiceAuthRequest* r); /* "front" */
__attribute__((visibility("default"))) const char*
sluice_auth_request_get_channel(SluiceAuthRequest* r); /* "front/main" */
__attribute__((visibility("default"))) const char*
sluice_auth_request_get_peer_address(SluiceAuthRequest* r); /* IP, no port */
/* name: "authorization" (the whole header value), "cookie" (the whole header value), "origin", "host". NULL if not sent.
 * Never log what this returns for the first two. */
__attribute__((visibility("default"))) const char* sluice_auth_request_get_header(SluiceAuthRequest* r,
                                                                                  const char* name);

/**
 * sluice_auth_request_accept:
 * @principal: who it is ("admin"); sessions can be listed and closed by it
 * @expires: unix time in seconds when the permission ends (the session is closed then), 0: never
 *
 * Answers the request; from any thread, now or later. The first answer counts, others are ignored.
 */
__attribute__((visibility("default"))) void sluice_auth_request_accept(SluiceAuthRequest* r, const char* principal,
                                                                       gint64 expires);

/* Before accepting: the login that the permission hangs on, a label of the application's own choice. All sessions with the
 * same one can be closed at once (webrtcserversink's action close-login). It must open nothing: no cookie, no token. */
__attribute__((visibility("default"))) void sluice_auth_request_set_login(SluiceAuthRequest* r, const char* login);

typedef enum {
    SLUICE_AUTH_DENIED_UNAUTHENTICATED, /* HTTP 401: no or wrong credentials */
    SLUICE_AUTH_DENIED_FORBIDDEN        /* HTTP 403: known, but not allowed */
} SluiceAuthDenial;
/* reason: for the client to read; never contains a secret. */
__attribute__((visibility("default"))) void sluice_auth_request_deny(SluiceAuthRequest* r, SluiceAuthDenial denial,
                                                                     const char* reason);
/* HTTP 429 with Retry-After: not now, ask again after so many seconds. */
__attribute__((visibility("default"))) void sluice_auth_request_deny_for(SluiceAuthRequest* r, guint seconds,
                                                                         const char* reason);

G_END_DECLS
