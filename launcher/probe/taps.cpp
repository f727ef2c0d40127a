// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/taps.hpp"

#include "plugins/core/refs.hpp"

#include <gst/rtp/rtp.h>

#include <cstdlib>
#include <cstring>

namespace sluice::probe {

namespace {

double now_seconds() { return static_cast<double>(g_get_monotonic_time()) / G_USEC_PER_SEC; }

bool is_a(GstElement* element, GstElementFactoryListType type) {
    GstElementFactory* factory = gst_element_get_factory(element);
    return factory && gst_element_factory_list_is_type(factory, type);
}

// "H264" of "96 H264/90000"; what stands there is the camera's word.
std::string codec_of(const GstSDPMedia* media) {
    if (gst_sdp_media_formats_len(media) == 0)
        return "unknown";
    const int type = std::atoi(gst_sdp_media_get_format(media, 0));
    const char* map = gst_sdp_media_get_attribute_val(media, "rtpmap");
    const char* name = map ? std::strchr(map, ' ') : nullptr;
    if (name) {
        while (*name == ' ')
            name++;
        return {name, std::strcspn(name, "/ \t")};
    }
    const GstRTPPayloadInfo* info =
        type >= 0 && type < 96 ? gst_rtp_payload_info_for_pt(static_cast<guint8>(type)) : nullptr;
    return info ? info->encoding_name : "unknown";
}

} // namespace

// take() is called for each buffer, in the pad's thread.
void Taps::probe_pad(GstPad* pad, const Holder& self, void (*take)(Taps&, GstPad*, GstBuffer*)) {
    struct Probe {
        Holder taps;
        void (*take)(Taps&, GstPad*, GstBuffer*);
    };
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [](GstPad* p, GstPadProbeInfo* info, gpointer data) {
            const auto* probe = static_cast<Probe*>(data);
            if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
                GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
                for (guint i = 0; i < gst_buffer_list_length(list); i++)
                    probe->take(*probe->taps, p, gst_buffer_list_get(list, i));
            } else {
                probe->take(*probe->taps, p, GST_PAD_PROBE_INFO_BUFFER(info));
            }
            return GST_PAD_PROBE_OK;
        },
        new Probe{self, take}, [](gpointer probe) { delete static_cast<Probe*>(probe); });
}

void Taps::look_at(GstElement* element, const Holder& self) {
    if (is_a(element, GST_ELEMENT_FACTORY_TYPE_ENCODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO)) {
        const std::lock_guard lock(mutex_);
        encodes_ = true;
    }
    if (!is_a(element, GST_ELEMENT_FACTORY_TYPE_DECODER))
        return;
    const Ref<GstPad> pad = adopt(gst_element_get_static_pad(element, "sink"));
    if (!pad)
        return;
    {
        const std::lock_guard lock(mutex_);
        decodes_ = true;
    }
    probe_pad(pad.get(), self, [](Taps& taps, GstPad* p, GstBuffer* buffer) { taps.take_encoded(p, buffer); });
}

void Taps::take_encoded(GstPad* pad, GstBuffer* buffer) {
    const Ref<GstCaps> caps = adopt(gst_pad_get_current_caps(pad));
    const char* name = caps && !gst_caps_is_empty(caps.get())
                           ? gst_structure_get_name(gst_caps_get_structure(caps.get(), 0))
                           : "unknown";
    const std::lock_guard lock(mutex_);
    codec_ = g_str_equal(name, "image/jpeg") ? "JPEG" : name;
    meter_.add({.time = now_seconds(), .bytes = static_cast<uint32_t>(gst_buffer_get_size(buffer)), .key = true});
}

void Taps::take_rtp(GstBuffer* buffer) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
        return;
    const uint16_t sequence = gst_rtp_buffer_get_seq(&rtp);
    const uint32_t timestamp = gst_rtp_buffer_get_timestamp(&rtp);
    gst_rtp_buffer_unmap(&rtp);
    const std::lock_guard lock(mutex_);
    if (!clock_)
        clock_.emplace(90000); // of all video (RFC 3551 section 5, RFC 6184, 7798)
    clock_->packet(sequence, timestamp, now_seconds());
}

void Taps::read(const GstSDPMessage* sdp) {
    const std::lock_guard lock(mutex_);
    tracks_.clear();
    for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
        const GstSDPMedia* media = gst_sdp_message_get_media(sdp, i);
        tracks_.push_back({gst_sdp_media_get_media(media), codec_of(media), false});
    }
}

std::shared_ptr<Taps> Taps::attach(GstElement* pipeline) {
    const auto taps = std::make_shared<Taps>();
    const auto drop = +[](gpointer data, GClosure*) { delete static_cast<Holder*>(data); };
    GstIterator* it = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(
        it,
        [](const GValue* item, gpointer data) {
            const auto& self = *static_cast<const Holder*>(data);
            self->look_at(GST_ELEMENT(g_value_get_object(item)), self);
        },
        const_cast<void*>(static_cast<const void*>(&taps)));
    gst_iterator_free(it);
    g_signal_connect_data(pipeline, "deep-element-added",
                          G_CALLBACK(+[](GstBin*, GstBin*, GstElement* element, gpointer data) {
                              const auto& self = *static_cast<Holder*>(data);
                              self->look_at(element, self);
                          }),
                          new Holder(taps), drop, GConnectFlags(0));
    const Ref<GstElement> source = adopt(gst_bin_get_by_name(GST_BIN(pipeline), "source"));
    if (!source || !g_signal_lookup("on-sdp", G_OBJECT_TYPE(source.get())))
        return taps;
    g_signal_connect_data(source.get(), "on-sdp", G_CALLBACK(+[](GstElement*, GstSDPMessage* sdp, gpointer data) {
                              (*static_cast<Holder*>(data))->read(sdp);
                          }),
                          new Holder(taps), drop, GConnectFlags(0));
    g_signal_connect_data(source.get(), "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                              probe_pad(pad, *static_cast<Holder*>(data), [](Taps& self, GstPad* p, GstBuffer* buffer) {
                                  const Ref<GstCaps> caps = adopt(gst_pad_get_current_caps(p));
                                  const GstStructure* s = caps ? gst_caps_get_structure(caps.get(), 0) : nullptr;
                                  if (s && !g_strcmp0(gst_structure_get_string(s, "media"), "video"))
                                      self.take_rtp(buffer);
                              });
                          }),
                          new Holder(taps), drop, GConnectFlags(0));
    return taps;
}

std::optional<ClockFigures> Taps::clock() const {
    const std::lock_guard lock(mutex_);
    return clock_ ? std::optional(clock_->figures()) : std::nullopt;
}

std::vector<TrackFacts> Taps::tracks() const {
    const std::lock_guard lock(mutex_);
    return tracks_;
}

bool Taps::encodes() const {
    const std::lock_guard lock(mutex_);
    return encodes_;
}

VideoFacts Taps::decoded() const {
    const std::lock_guard lock(mutex_);
    VideoFacts out;
    out.codec = !decodes_ ? "raw" : codec_.empty() ? "unknown" : codec_;
    out.figures = meter_.figures();
    return out;
}

} // namespace sluice::probe
