// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/track_offer.hpp"

#include "launcher/config/url.hpp"

#include <gst/rtp/rtp.h>

#include <cstdlib>
#include <set>

namespace sluice {

namespace {

constexpr size_t max_refused = 100; // characters

const char* text(const GstCaps* caps, const char* name) {
    const GstStructure* s = gst_caps_is_empty(caps) ? nullptr : gst_caps_get_structure(caps, 0);
    return s ? gst_structure_get_string(s, name) : nullptr;
}

// RTP that elements behind the source wait for.
Ref<GstCaps> open_ends(GstElement* pipeline) {
    const Ref<GstCaps> rtp = adopt(gst_caps_new_empty_simple("application/x-rtp"));
    std::pair<GstCaps*, GstCaps*> both{gst_caps_new_empty(), rtp.get()};
    GstIterator* it = gst_bin_iterate_elements(GST_BIN(pipeline));
    gst_iterator_foreach(
        it,
        [](const GValue* element, gpointer data) {
            auto& [all, wanted] = *static_cast<decltype(both)*>(data);
            GstIterator* pads = gst_element_iterate_sink_pads(GST_ELEMENT(g_value_get_object(element)));
            GValue item = G_VALUE_INIT;
            while (gst_iterator_next(pads, &item) == GST_ITERATOR_OK) {
                auto* pad = GST_PAD(g_value_get_object(&item));
                if (!gst_pad_is_linked(pad)) {
                    const Ref<GstCaps> takes = adopt(gst_pad_query_caps(pad, wanted));
                    all = gst_caps_merge(all, gst_caps_intersect(takes.get(), wanted));
                }
                g_value_reset(&item);
            }
            g_value_unset(&item);
            gst_iterator_free(pads);
        },
        &both);
    gst_iterator_free(it);
    return adopt(both.first);
}

} // namespace

TrackOffer::TrackOffer(Ref<GstCaps> takes) : takes_(std::move(takes)) {}

bool TrackOffer::usable(const GstCaps* caps, const char* media) const {
    if (g_strcmp0(text(caps, "media"), media) || !text(caps, "encoding-name"))
        return false;
    // What comes of a description is not named RTP yet.
    const Ref<GstCaps> rtp = adopt(gst_caps_copy(caps));
    gst_structure_set_name(gst_caps_get_structure(rtp.get(), 0), "application/x-rtp");
    return gst_caps_can_intersect(rtp.get(), takes_.get());
}

void TrackOffer::read(GstSDPMessage* sdp) {
    const std::lock_guard lock(mutex_);
    for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
        auto* media = const_cast<GstSDPMedia*>(gst_sdp_message_get_media(sdp, i));
        for (guint f = 0; f < gst_sdp_media_formats_len(media); f++) {
            const int type = std::atoi(gst_sdp_media_get_format(media, f));
            const GstRTPPayloadInfo* info =
                type < 96 ? gst_rtp_payload_info_for_pt(static_cast<guint8>(type)) : nullptr;
            if (info && !gst_sdp_media_get_attribute_val(media, "rtpmap")) {
                const std::string map =
                    std::to_string(type) + " " + info->encoding_name + "/" + std::to_string(info->clock_rate);
                gst_sdp_media_add_attribute(media, "rtpmap", map.c_str());
            }
            const Ref<GstCaps> caps = adopt(gst_sdp_media_get_caps_from_media(media, type));
            video_comes_ = video_comes_ || (caps && usable(caps.get(), "video"));
        }
    }
}

bool TrackOffer::select(const GstCaps* caps) {
    const std::lock_guard lock(mutex_);
    if (!video_selected_ && usable(caps, "video"))
        return video_selected_ = true;
    // Sound alone would make a source that runs and shows nothing, without an error.
    if (video_comes_ && !sound_selected_ && usable(caps, "audio"))
        return sound_selected_ = true;
    const char* media = text(caps, "media");
    const char* encoding = text(caps, "encoding-name");
    if (refused_.size() < max_refused)
        refused_ += (refused_.empty() ? "" : ", ") + std::string(media ? media : "unknown") + " " +
                    (encoding ? encoding : "unknown");
    return false;
}

std::string TrackOffer::nothing_usable() {
    const std::lock_guard lock(mutex_);
    if (video_selected_ || refused_.empty())
        return {};
    std::set<std::string> names;
    for (guint i = 0; i < gst_caps_get_size(takes_.get()); i++) {
        const GstStructure* s = gst_caps_get_structure(takes_.get(), i);
        const char* encoding = gst_structure_get_string(s, "encoding-name");
        if (encoding && !g_strcmp0(gst_structure_get_string(s, "media"), "video"))
            names.insert(encoding);
    }
    std::string supported;
    for (const std::string& name : names)
        supported += (supported.empty() ? "" : ", ") + name;
    return "the camera offers no video that can be passed on (it offers " + redact_urls(refused_) +
           "; supported: " + (supported.empty() ? "none" : supported) + ")";
}

std::shared_ptr<TrackOffer> TrackOffer::attach(GstElement* pipeline) {
    const Ref<GstElement> source = adopt(gst_bin_get_by_name(GST_BIN(pipeline), "source"));
    if (!source || !g_signal_lookup("select-stream", G_OBJECT_TYPE(source.get())))
        return nullptr;
    auto offer = std::make_shared<TrackOffer>(open_ends(pipeline));
    using Holder = std::shared_ptr<TrackOffer>;
    const auto drop = +[](gpointer data, GClosure*) { delete static_cast<Holder*>(data); };
    g_signal_connect_data(source.get(), "select-stream",
                          G_CALLBACK(+[](GstElement*, guint, GstCaps* caps, gpointer data) -> gboolean {
                              return (*static_cast<Holder*>(data))->select(caps);
                          }),
                          new Holder(offer), drop, GConnectFlags(0));
    g_signal_connect_data(source.get(), "on-sdp", G_CALLBACK(+[](GstElement*, GstSDPMessage* sdp, gpointer data) {
                              (*static_cast<Holder*>(data))->read(sdp);
                          }),
                          new Holder(offer), drop, GConnectFlags(0));
    return offer;
}

} // namespace sluice
