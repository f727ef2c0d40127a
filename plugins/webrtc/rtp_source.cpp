// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/rtp_source.hpp"

#include <gst/video/video.h>

#include <mutex>

namespace {
struct RtpSourceState {
    sluice::Ref<GstCaps> caps;
    std::mutex mutex; // the handler
    std::function<void()> key_unit;
};
} // namespace

struct SluiceRtpSource {
    GstElement parent;
    GstPad* pad;
    RtpSourceState* state;
};
struct SluiceRtpSourceClass {
    GstElementClass parent;
};

G_DEFINE_TYPE(SluiceRtpSource, sluice_rtp_source, GST_TYPE_ELEMENT) // NOLINT: internal, never registered as a factory

static SluiceRtpSource* self_of(gpointer p) { return reinterpret_cast<SluiceRtpSource*>(p); }

// Called with no lock held.
template <typename Handler> static Handler handler_of(RtpSourceState* state, Handler RtpSourceState::*which) {
    std::lock_guard lock(state->mutex);
    return state->*which;
}

static gboolean src_event(GstPad* pad, GstObject* parent, GstEvent* event) {
    RtpSourceState* state = self_of(parent)->state;
    if (gst_video_event_is_force_key_unit(event)) {
        if (const auto handler = handler_of(state, &RtpSourceState::key_unit))
            handler();
    } else {
        return gst_pad_event_default(pad, parent, event);
    }
    gst_event_unref(event);
    return TRUE;
}

static gboolean src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
        gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
        return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
}

static void sluice_rtp_source_finalize(GObject* object) {
    delete self_of(object)->state;
    G_OBJECT_CLASS(sluice_rtp_source_parent_class)->finalize(object);
}

static void sluice_rtp_source_class_init(SluiceRtpSourceClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = sluice_rtp_source_finalize;
}

static void sluice_rtp_source_init(SluiceRtpSource* self) {
    self->state = new RtpSourceState;
    self->pad = gst_pad_new("src", GST_PAD_SRC);
    gst_pad_set_event_function(self->pad, src_event);
    gst_pad_set_query_function(self->pad, src_query);
    gst_element_add_pad(GST_ELEMENT(self), self->pad);
    GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

namespace sluice {

Ref<GstElement> make_rtp_source(const GstCaps* caps) {
    auto element = sink(GST_ELEMENT(g_object_new(sluice_rtp_source_get_type(), nullptr)));
    self_of(element.get())->state->caps = adopt(gst_caps_copy(caps));
    return element;
}

void rtp_source_set_key_unit_handler(GstElement* source, std::function<void()> handler) {
    RtpSourceState* state = self_of(source)->state;
    std::lock_guard lock(state->mutex);
    state->key_unit = std::move(handler);
}

void rtp_source_begin(GstElement* source) {
    SluiceRtpSource* self = self_of(source);
    const GString8 id(gst_pad_create_stream_id(self->pad, source, nullptr));
    gst_pad_push_event(self->pad, gst_event_new_stream_start(id.get()));
    gst_pad_push_event(self->pad, gst_event_new_caps(self->state->caps.get()));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
}

void rtp_source_leave_out(GstElement* source, const char* field) {
    SluiceRtpSource* self = self_of(source);
    auto caps = adopt(gst_caps_copy(self->state->caps.get()));
    gst_structure_remove_field(gst_caps_get_structure(caps.get(), 0), field);
    self->state->caps = std::move(caps);
    gst_pad_push_event(self->pad, gst_event_new_caps(self->state->caps.get()));
}

GstFlowReturn rtp_source_push(GstElement* source, Ref<GstBufferList> list) {
    return gst_pad_push_list(self_of(source)->pad, list.release());
}

} // namespace sluice
