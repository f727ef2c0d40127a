// SPDX-License-Identifier: LGPL-2.1-or-later
// An application of its own with Sluice inside: its own HTTP server, its own pipeline, its own rule of who may watch.
//
//   embed rtsp://10.0.0.5/1 [PORT]      prints the address of a page; whoever has it sees the camera
//
// The HTTP server is the application's (GstContext "sluice.http-server"): webrtcserversink adds /whep and /ws to it and
// leaves the rest alone. The rule: the page's address holds a ticket, which becomes a cookie; the signal `authorize` looks
// for it. Everything else - the cached GOP, the fan-out, signalling, limits - is the element's.
#include <glib-unix.h>
#include <gst/gst.h>
#include <libsoup/soup.h>
#include <sluiceauthrequest.h> // pkg-config: sluice

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr const char* page = R"(<!doctype html><meta charset="utf-8"><title>A camera in an application</title>
<style>body{margin:0;background:#111}video{width:100vw;height:100vh}</style>
<video muted autoplay playsinline></video>
<script type="module">
const peer = new RTCPeerConnection();
peer.addTransceiver("video", {direction: "recvonly"});
peer.ontrack = e => { document.querySelector("video").srcObject = new MediaStream([e.track]); };
const socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/[^/]*$/, "ws"), "sluice.v1");
const join = () => socket.send(JSON.stringify({type: "join", id: "1", camera: "door", sdp: peer.localDescription.sdp}));
socket.onmessage = async e => {
    const m = JSON.parse(e.data);
    if (m.type === "hello") {
        await peer.setLocalDescription(await peer.createOffer());
        join();
    } else if (m.type === "answer") {
        await peer.setRemoteDescription({type: "answer", sdp: m.sdp});
    } else if (m.type === "error") { // such as a camera that has not sent a key frame yet
        document.title = m.error.detail;
        setTimeout(join, 1000);
    } else if (m.type === "closed") {
        document.title = m.reason;
    }
};
</script>
)";

struct App {
    GMainLoop* loop = nullptr;
    std::string ticket;
    int status = EXIT_SUCCESS;
};

void serve_page(SoupServer*, SoupServerMessage* message, const char* path, GHashTable* query, gpointer data) {
    const auto* app = static_cast<App*>(data);
    const char* ticket = query ? static_cast<const char*>(g_hash_table_lookup(query, "ticket")) : nullptr;
    if (std::strcmp(path, "/") != 0 || !ticket || app->ticket != ticket) {
        soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, nullptr);
        return;
    }
    const std::string cookie = "ticket=" + app->ticket + "; HttpOnly; SameSite=Strict";
    soup_message_headers_append(soup_server_message_get_response_headers(message), "Set-Cookie", cookie.c_str());
    soup_server_message_set_status(message, SOUP_STATUS_OK, nullptr);
    soup_server_message_set_response(message, "text/html", SOUP_MEMORY_STATIC, page, std::strlen(page));
}

// From the HTTP server's thread. A rule that takes its time keeps a reference and answers later, from any thread.
void authorize(GstElement*, SluiceAuthRequest* request, gpointer data) {
    const auto* app = static_cast<App*>(data);
    const char* cookie = sluice_auth_request_get_header(request, "cookie");
    if (cookie && std::strstr(cookie, ("ticket=" + app->ticket).c_str()))
        sluice_auth_request_accept(request, "somebody with a ticket", 0);
    else
        sluice_auth_request_deny(request, SLUICE_AUTH_DENIED_UNAUTHENTICATED, "open the page with its ticket first");
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
    auto* app = static_cast<App*>(data);
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR && GST_MESSAGE_TYPE(message) != GST_MESSAGE_EOS)
        return G_SOURCE_CONTINUE;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError* error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        std::fprintf(stderr, "embed: %s\n", error->message);
        g_error_free(error);
        app->status = EXIT_FAILURE;
    }
    g_main_loop_quit(app->loop);
    return G_SOURCE_CONTINUE;
}

gboolean on_signal(gpointer data) {
    g_main_loop_quit(static_cast<App*>(data)->loop);
    return G_SOURCE_CONTINUE;
}

std::string random_ticket() {
    GString* text = g_string_new(nullptr);
    for (int i = 0; i < 4; ++i)
        g_string_append_printf(text, "%08x", g_random_int()); // a real application asks getrandom(2)
    std::string out = text->str;
    g_string_free(text, TRUE);
    return out;
}

} // namespace

int main(int argc, char** argv) {
    gst_init(&argc, &argv);
    if (argc < 2 || argc > 3 || !gst_uri_is_valid(argv[1])) {
        std::fprintf(stderr, "usage: embed rtsp://... [PORT]\n");
        return EXIT_FAILURE;
    }
    App app;
    app.loop = g_main_loop_new(nullptr, FALSE);
    app.ticket = random_ticket();

    SoupServer* server = soup_server_new(nullptr, nullptr);
    soup_server_add_handler(server, "/", serve_page, &app, nullptr);
    GError* error = nullptr;
    const guint port = argc > 2 ? static_cast<guint>(std::strtoul(argv[2], nullptr, 10)) : 8080;
    if (!soup_server_listen_local(server, port, SOUP_SERVER_LISTEN_IPV4_ONLY, &error)) {
        std::fprintf(stderr, "embed: cannot listen: %s\n", error->message);
        return EXIT_FAILURE;
    }

    GstElement* pipeline = gst_parse_launch("rtspsrc name=camera latency=0 buffer-mode=slave ! rtph264depay ! "
                                            "h264parse config-interval=-1 ! webrtcserversink name=viewers camera=door",
                                            &error);
    if (!pipeline) {
        std::fprintf(stderr, "embed: %s\n", error->message);
        return EXIT_FAILURE;
    }
    GstElement* camera = gst_bin_get_by_name(GST_BIN(pipeline), "camera");
    g_object_set(camera, "location", argv[1], nullptr);
    gst_object_unref(camera);

    GstElement* viewers = gst_bin_get_by_name(GST_BIN(pipeline), "viewers");
    g_signal_connect(viewers, "authorize", G_CALLBACK(authorize), &app);
    GstContext* context = gst_context_new("sluice.http-server", TRUE);
    gst_structure_set(gst_context_writable_structure(context), "server", SOUP_TYPE_SERVER, server, "context",
                      G_TYPE_MAIN_CONTEXT, g_main_context_default(), nullptr);
    gst_element_set_context(viewers, context);
    gst_context_unref(context);
    gst_object_unref(viewers);

    GstBus* bus = gst_element_get_bus(pipeline);
    gst_bus_add_watch(bus, on_message, &app);
    g_unix_signal_add(SIGINT, on_signal, &app);
    g_unix_signal_add(SIGTERM, on_signal, &app);
    if (gst_element_set_state(pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE) {
        std::printf("http://127.0.0.1:%u/?ticket=%s\n", port, app.ticket.c_str());
        std::fflush(stdout);
    }
    g_main_loop_run(app.loop);

    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_bus_remove_watch(bus);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    soup_server_disconnect(server);
    g_object_unref(server);
    g_main_loop_unref(app.loop);
    return app.status;
}
