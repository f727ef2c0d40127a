// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/track_offer.hpp"

#include "launcher/config/url.hpp"
#include "plugins/core/json_fields.hpp"

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

// What comes of a description is not named RTP yet.
Ref<GstCaps> as_rtp(const GstCaps* caps) {
    Ref<GstCaps> rtp = adopt(gst_caps_copy(caps));
    if (!gst_caps_is_empty(rtp.get()))
        gst_structure_set_name(gst_caps_get_structure(rtp.get(), 0), "application/x-rtp");
    return rtp;
}

// Links the first pad that fits.
struct Link {
    Ref<GstPad> sink;
    Ref<GstCaps> caps;
};

void link_track(GstElement*, GstPad* pad, gpointer data) {
    const auto* link = static_cast<Link*>(data);
    const Ref<GstCaps> caps = adopt(gst_pad_query_caps(pad, nullptr));
    if (!gst_pad_is_linked(pad) && !gst_pad_is_linked(link->sink.get()) &&
        gst_caps_can_intersect(caps.get(), link->caps.get()))
        gst_pad_link(pad, link->sink.get());
}

constexpr const char* branches_key = "sluice-branches";

} // namespace

TrackOffer::TrackOffer(const Ref<GstCaps>& takes, Branches branches)
    : open_ends_(takes), branches_(std::move(branches)), takes_(takes) {
    for (const SourceTemplate::Branch& branch : branches_)
        if (GstCaps* caps = gst_caps_from_string(branch.caps.c_str()))
            takes_ = adopt(gst_caps_merge(gst_caps_copy(takes_.get()), caps));
}

void TrackOffer::set_branches(GstElement* pipeline, const Branches& branches) {
    g_object_set_data_full(G_OBJECT(pipeline), branches_key, new Branches(branches),
                           [](gpointer data) { delete static_cast<Branches*>(data); });
}

bool TrackOffer::usable(const GstCaps* rtp, const char* media) const {
    return !g_strcmp0(text(rtp, "media"), media) && text(rtp, "encoding-name") &&
           gst_caps_can_intersect(rtp, takes_.get());
}

void TrackOffer::make_branch(GstElement* source, const GstCaps* rtp) const {
    if (gst_caps_can_intersect(rtp, open_ends_.get()))
        return;
    const Ref<GstElement> pipeline = adopt(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(source))));
    const Ref<GstElement> fanout = adopt(pipeline ? gst_bin_get_by_name(GST_BIN(pipeline.get()), "fanout") : nullptr);
    for (const SourceTemplate::Branch& branch : branches_) {
        const Ref<GstCaps> caps = adopt(gst_caps_from_string(branch.caps.c_str()));
        if (!fanout || !caps || !gst_caps_can_intersect(rtp, caps.get()))
            continue;
        GError* raw = nullptr;
        const Ref<GstElement> bin = sink(gst_parse_bin_from_description_full(branch.pipeline.c_str(), TRUE, nullptr,
                                                                             GST_PARSE_FLAG_FATAL_ERRORS, &raw));
        const GErrorPtr error(raw);
        if (!bin) {
            GST_ELEMENT_ERROR(source, CORE, MISSING_PLUGIN, ("%s", error ? error->message : "no such branch"),
                              (nullptr));
            return;
        }
        gst_bin_add(GST_BIN(pipeline.get()), bin.get());
        gst_element_link_pads(bin.get(), "src", fanout.get(), "sink_%u");
        gst_element_sync_state_with_parent(bin.get());
        g_signal_connect_data(
            source, "pad-added", G_CALLBACK(link_track),
            new Link{adopt(gst_element_get_static_pad(bin.get(), "sink")), caps},
            [](gpointer link, GClosure*) { delete static_cast<Link*>(link); }, GConnectFlags(0));
        return;
    }
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
            if (caps) {
                const Ref<GstCaps> rtp = as_rtp(caps.get());
                video_comes_ = video_comes_ || usable(rtp.get(), "video");
            }
        }
    }
}

bool TrackOffer::select(GstElement* source, const GstCaps* caps) {
    const Ref<GstCaps> rtp = as_rtp(caps);
    {
        const std::lock_guard lock(mutex_);
        const bool video = !video_selected_ && usable(rtp.get(), "video");
        // Sound alone would make a source that runs and shows nothing, without an error.
        const bool sound = !video && video_comes_ && !sound_selected_ && usable(rtp.get(), "audio");
        video_selected_ = video_selected_ || video;
        sound_selected_ = sound_selected_ || sound;
        if (!video && !sound) {
            const char* media = text(caps, "media");
            const char* encoding = text(caps, "encoding-name");
            if (refused_.size() < max_refused)
                refused_ += (refused_.empty() ? "" : ", ") + std::string(media ? media : "unknown") + " " +
                            (encoding ? encoding : "unknown");
            return false;
        }
    }
    make_branch(source, rtp.get());
    return true;
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
    return "the camera offers no video that can be passed on (it offers " + redact_urls(refused_) +
           "; supported: " + (names.empty() ? "none" : join({names.begin(), names.end()})) + ")";
}

std::shared_ptr<TrackOffer> TrackOffer::attach(GstElement* pipeline) {
    const Ref<GstElement> source = adopt(gst_bin_get_by_name(GST_BIN(pipeline), "source"));
    if (!source || !g_signal_lookup("select-stream", G_OBJECT_TYPE(source.get())))
        return nullptr;
    const auto* branches = static_cast<const Branches*>(g_object_get_data(G_OBJECT(pipeline), branches_key));
    auto offer = std::make_shared<TrackOffer>(open_ends(pipeline), branches ? *branches : Branches());
    using Holder = std::shared_ptr<TrackOffer>;
    const auto drop = +[](gpointer data, GClosure*) { delete static_cast<Holder*>(data); };
    g_signal_connect_data(source.get(), "select-stream",
                          G_CALLBACK(+[](GstElement* element, guint, GstCaps* caps, gpointer data) -> gboolean {
                              return (*static_cast<Holder*>(data))->select(element, caps);
                          }),
                          new Holder(offer), drop, GConnectFlags(0));
    g_signal_connect_data(source.get(), "on-sdp", G_CALLBACK(+[](GstElement*, GstSDPMessage* sdp, gpointer data) {
                              (*static_cast<Holder*>(data))->read(sdp);
                          }),
                          new Holder(offer), drop, GConnectFlags(0));
    return offer;
}

} // namespace sluice
