// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/redirect_guard.hpp"

#include "plugins/core/refs.hpp"

#include <gst/rtsp/rtsp.h>

#include <memory>
#include <string>

namespace sluice {

namespace {

constexpr unsigned usual_describes = 16; // of one attempt, each twice if a password is asked for
constexpr gulong pause_us = 50'000;

struct Guard {
    std::string host;
    bool redirected = false; // the signal comes from one thread at a time
    unsigned described = 0;
};

// In rtspsrc's own thread, which alone reads these properties, before it answers what asks for a password.
void go_without_credentials(GstElement* source, const std::string& host) {
    g_object_set(source, "user-id", nullptr, "user-pw", nullptr, nullptr);
    GstStructure* said = gst_structure_new(redirected_message, "host", G_TYPE_STRING, host.c_str(), nullptr);
    gst_element_post_message(source, gst_message_new_application(GST_OBJECT(source), said));
}

gboolean before_send(GstElement* source, GstRTSPMessage* message, gpointer data) {
    auto* guard = static_cast<Guard*>(data);
    GstRTSPMethod method = GST_RTSP_INVALID;
    const char* uri = nullptr;
    GstRTSPVersion version = GST_RTSP_VERSION_INVALID;
    if (gst_rtsp_message_parse_request(message, &method, &uri, &version) != GST_RTSP_OK)
        return TRUE;
    // In a circle rtspsrc is faster than whoever ends the attempt.
    if (method == GST_RTSP_DESCRIBE && ++guard->described > usual_describes)
        g_usleep(pause_us);
    // The addresses of later requests are what the camera calls its tracks; the connection is the same.
    if (guard->redirected || !(method & (GST_RTSP_OPTIONS | GST_RTSP_DESCRIBE)))
        return TRUE;
    GstRTSPUrl* raw = nullptr;
    if (gst_rtsp_url_parse(uri, &raw) != GST_RTSP_OK)
        return TRUE;
    const std::unique_ptr<GstRTSPUrl, decltype(&gst_rtsp_url_free)> url(raw, gst_rtsp_url_free);
    const std::string host = url->host ? url->host : "";
    if (g_ascii_strcasecmp(host.c_str(), guard->host.c_str()) == 0)
        return TRUE;
    guard->redirected = true;
    go_without_credentials(source, host);
    return TRUE;
}

} // namespace

void guard_redirects(GstElement* source, const CameraUrl& configured) {
    if (g_strcmp0(G_OBJECT_TYPE_NAME(source), "GstRTSPSrc") != 0)
        return;
    g_signal_connect_data(
        source, "before-send", G_CALLBACK(before_send), new Guard{configured.host, false},
        [](gpointer guard, GClosure*) { delete static_cast<Guard*>(guard); }, GConnectFlags(0));
}

} // namespace sluice
