// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/simcam_server.hpp"

#include <gst/rtp/gstrtpbuffer.h>

#include <algorithm>
#include <stdexcept>

namespace sluice::simcam {

namespace {
constexpr const char* role = "viewer";

gboolean move_timestamp(GstBuffer** buffer, guint, gpointer by) {
    *buffer = gst_buffer_make_writable(*buffer);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (gst_rtp_buffer_map(*buffer, GST_MAP_READWRITE, &rtp)) {
        gst_rtp_buffer_set_timestamp(&rtp, gst_rtp_buffer_get_timestamp(&rtp) + *static_cast<uint32_t*>(by));
        gst_rtp_buffer_unmap(&rtp);
    }
    return TRUE;
}

GstPadProbeReturn move_timestamps(GstPad*, GstPadProbeInfo* info, gpointer stream) {
    uint32_t by = static_cast<Stream*>(stream)->rtp_jump();
    if (by == 0)
        return GST_PAD_PROBE_OK;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
        info->data = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
        gst_buffer_list_foreach(GST_PAD_PROBE_INFO_BUFFER_LIST(info), move_timestamp, &by);
    } else {
        auto* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
        move_timestamp(&buffer, 0, &by);
        info->data = buffer;
    }
    return GST_PAD_PROBE_OK;
}
} // namespace

Server::Server(const ServerOptions& options, std::function<void()> ready)
    : options_(options), ready_(std::move(ready)), server_(adopt(gst_rtsp_server_new())) {
    gst_rtsp_server_set_address(server_.get(), options_.address.c_str());
    gst_rtsp_server_set_service(server_.get(), std::to_string(options_.port).c_str());
    if (!options_.certificate.empty()) {
        // Alone: gst-rtsp-server asks who somebody is wherever there is a GstRTSPAuth.
        auto auth = adopt(gst_rtsp_auth_new());
        GError* error = nullptr;
        const auto certificate = adopt(g_tls_certificate_new_from_file(options_.certificate.c_str(), &error));
        if (const GErrorPtr e{error})
            throw std::runtime_error("the certificate cannot be read: " + std::string(e->message));
        gst_rtsp_auth_set_tls_certificate(auth.get(), certificate.get());
        GstRTSPToken* token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, role, nullptr);
        gst_rtsp_auth_set_default_token(auth.get(), token);
        gst_rtsp_token_unref(token);
        gst_rtsp_server_set_auth(server_.get(), auth.get());
    } else if (!options_.user.empty()) {
        auto auth = adopt(gst_rtsp_auth_new());
        GstRTSPToken* token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, role, nullptr);
        if (options_.basic) {
            gst_rtsp_auth_set_supported_methods(auth.get(), GST_RTSP_AUTH_BASIC);
            GString8 basic(gst_rtsp_auth_make_basic(options_.user.c_str(), options_.password.c_str()));
            gst_rtsp_auth_add_basic(auth.get(), basic.get(), token);
        } else {
            gst_rtsp_auth_set_supported_methods(auth.get(), GST_RTSP_AUTH_DIGEST);
            gst_rtsp_auth_add_digest(auth.get(), options_.user.c_str(), options_.password.c_str(), token);
        }
        gst_rtsp_token_unref(token);
        gst_rtsp_server_set_auth(server_.get(), auth.get());
    }
    source_ = gst_rtsp_server_attach(server_.get(), nullptr);
    if (source_ == 0)
        throw std::runtime_error("cannot listen on " + options_.address + " port " + std::to_string(options_.port));
}

Server::~Server() {
    for (auto& p : paths_)
        if (p->reader) {
            auto bus = adopt(gst_element_get_bus(p->reader.get()));
            gst_bus_remove_watch(bus.get());
            gst_element_set_state(p->reader.get(), GST_STATE_NULL);
        }
    if (source_)
        g_source_remove(source_);
    gst_rtsp_server_client_filter(
        server_.get(), [](GstRTSPServer*, GstRTSPClient*, gpointer) { return GST_RTSP_FILTER_REMOVE; }, nullptr);
}

std::string Server::url(const std::string& path) const {
    return (options_.certificate.empty() ? "rtsp://" : "rtsps://") + options_.address + ":" +
           std::to_string(gst_rtsp_server_get_bound_port(server_.get())) + path;
}

void Server::add(const std::string& path, Stream& stream) {
    const bool h265 = stream.options().h265;
    auto factory = adopt(gst_rtsp_media_factory_new());
    // Parameter sets come from the parser: the payloader's config-interval would put them before every IDR slice.
    const std::string feed = "appsrc is-live=true format=time max-bytes=16000000 name=";
    const std::string& sound = stream.options().sound;
    const std::string launch =
        "( " + feed +
        (stream.options().jpeg ? "feed ! rtpjpegpay name=pay0 pt=26 "
         : h265                ? "feed ! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96 "
                : "feed ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 aggregate-mode=none ") +
        (sound.empty() ? ""
                       : feed + (sound == "opus"   ? "sound ! rtpopuspay name=pay1 pt=97 "
                                 : sound == "aac"  ? "sound ! aacparse ! rtpmp4gpay name=pay1 pt=97 "
                                 : sound == "pcmu" ? "sound ! rtppcmupay name=pay1 pt=0 "
                                                   : "sound ! rtppcmapay name=pay1 pt=8 ")) +
        ")";
    gst_rtsp_media_factory_set_launch(factory.get(), launch.c_str());
    gst_rtsp_media_factory_set_shared(factory.get(), TRUE);
    gst_rtsp_media_factory_set_suspend_mode(factory.get(), GST_RTSP_SUSPEND_MODE_NONE);
    if (!options_.user.empty() || !options_.certificate.empty())
        gst_rtsp_media_factory_add_role(factory.get(), role, GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
                                        GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, nullptr);
    paths_.push_back(std::make_unique<Path>(Path{this, path, &stream, {}, false}));
    g_signal_connect(factory.get(), "media-configure", G_CALLBACK(media_configure), paths_.back().get());
    auto mounts = adopt(gst_rtsp_server_get_mount_points(server_.get()));
    gst_rtsp_mount_points_add_factory(mounts.get(), path.c_str(), factory.release());
}

void Server::media_configure(GstRTSPMediaFactory*, GstRTSPMedia* media, gpointer data) {
    auto* path = static_cast<Path*>(data);
    auto element = adopt(gst_rtsp_media_get_element(media));
    auto feed = adopt(gst_bin_get_by_name(GST_BIN(element.get()), "feed"));
    const auto sound = adopt(gst_bin_get_by_name(GST_BIN(element.get()), "sound"));
    path->stream->add(feed.get(), sound.get());
    auto payloader = adopt(gst_bin_get_by_name(GST_BIN(element.get()), "pay0"));
    auto out = adopt(gst_element_get_static_pad(payloader.get(), "src"));
    gst_pad_add_probe(out.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                      move_timestamps, path->stream, nullptr);
    g_object_set_data_full(G_OBJECT(media), "feed", feed.release(), g_object_unref);
    g_signal_connect(media, "unprepared", G_CALLBACK(media_unprepared), data);
}

void Server::media_unprepared(GstRTSPMedia* media, gpointer data) {
    static_cast<Path*>(data)->stream->remove(static_cast<GstElement*>(g_object_get_data(G_OBJECT(media), "feed")));
}

void Server::start_readers() {
    for (auto& p : paths_)
        start_reader(*p);
}

void Server::start_reader(Path& path) {
    path.reader = sink(gst_pipeline_new(nullptr));
    GstElement* source = gst_element_factory_make("rtspsrc", nullptr);
    GstElement* end = gst_element_factory_make("fakesink", "end");
    if (!source || !end)
        throw std::runtime_error("the GStreamer element rtspsrc is missing (package gstreamer1.0-plugins-good)");
    gst_util_set_object_arg(G_OBJECT(source), "protocols", "tcp");
    gst_util_set_object_arg(G_OBJECT(source), "tls-validation-flags", "0"); // its own
    g_object_set(source, "location", url(path.path).c_str(), "latency", 0u, "user-id",
                 options_.user.empty() ? nullptr : options_.user.c_str(), "user-pw",
                 options_.user.empty() ? nullptr : options_.password.c_str(), nullptr);
    g_object_set(end, "sync", FALSE, "signal-handoffs", !path.seen, nullptr);
    gst_bin_add_many(GST_BIN(path.reader.get()), source, end, nullptr);
    g_signal_connect(source, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, GstElement* fakesink) {
                         auto to = adopt(gst_element_get_static_pad(fakesink, "sink"));
                         if (!gst_pad_is_linked(to.get()))
                             gst_pad_link(pad, to.get());
                     }),
                     end);
    g_signal_connect(end, "handoff", G_CALLBACK(+[](GstElement* fakesink, GstBuffer*, GstPad*, gpointer) {
                         g_object_set(fakesink, "signal-handoffs", FALSE, nullptr);
                         gst_element_post_message(fakesink, gst_message_new_application(
                                                                GST_OBJECT(fakesink), gst_structure_new_empty("data")));
                     }),
                     nullptr);
    auto bus = adopt(gst_element_get_bus(path.reader.get()));
    gst_bus_add_watch(bus.get(), reader_message, &path);
    gst_element_set_state(path.reader.get(), GST_STATE_PLAYING);
}

gboolean Server::reader_message(GstBus*, GstMessage* message, gpointer data) {
    auto* path = static_cast<Path*>(data);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_APPLICATION) {
        path->server->reader_has_data(*path);
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_element_set_state(path->reader.get(), GST_STATE_NULL);
        path->server->start_reader(*path);
        return G_SOURCE_REMOVE; // the new reader has a bus of its own
    }
    return G_SOURCE_CONTINUE;
}

void Server::reader_has_data(Path& path) {
    path.seen = true;
    if (told_ || !std::all_of(paths_.begin(), paths_.end(), [](const auto& p) { return p->seen; }))
        return;
    told_ = true;
    ready_();
}

} // namespace sluice::simcam
