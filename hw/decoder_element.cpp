// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/elements.hpp"
#include "hw/ghost_pads.hpp"
#include "hw/optional_property.hpp"

#include <string>
#include <utility>

namespace {

using namespace sluice;
using namespace sluice::hw;

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw(ANY)"));

struct SluiceDecode {
    GstBin parent;
    GstPad *sink, *src;
    GstElement* inside; // with a reference; under the sink pad's stream lock, or while that pad is not active
};
struct SluiceDecodeClass {
    GstBinClass parent;
};

GType sluice_decode_get_type();
G_DEFINE_TYPE(SluiceDecode, sluice_decode, GST_TYPE_BIN) // NOLINT

void drop(SluiceDecode* self) {
    const Ref<GstElement> inside = adopt(std::exchange(self->inside, nullptr));
    if (!inside)
        return;
    gst_element_set_state(inside.get(), GST_STATE_NULL);
    set_ghost_target(self->sink, nullptr);
    set_ghost_target(self->src, nullptr);
    gst_bin_remove(GST_BIN(self), inside.get());
}

void put_in(SluiceDecode* self, Ref<GstElement> inside) {
    gst_bin_add(GST_BIN(self), inside.get());
    set_ghost_target(self->src, inside.get());
    set_ghost_target(self->sink, inside.get());
    gst_element_sync_state_with_parent(inside.get());
    self->inside = inside.release();
}

// The first that starts; those that need hardware stand first where there is any.
Result<Ref<GstElement>> open_decoder(const GstCaps* caps) {
    GList* all = gst_element_factory_list_get_elements(
        GST_ELEMENT_FACTORY_TYPE_DECODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO | GST_ELEMENT_FACTORY_TYPE_MEDIA_IMAGE,
        GST_RANK_MARGINAL);
    GList* fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
    fit = g_list_sort(fit, gst_plugin_feature_rank_compare_func);
    Ref<GstElement> out;
    std::string why;
    for (GList* item = fit; item && !out; item = item->next) {
        const Ref<GstElement> made = sink(gst_element_factory_create(GST_ELEMENT_FACTORY(item->data), nullptr));
        if (!made)
            continue;
        set_if_there(made.get(), "thread-type", "slice");    // threads of whole frames hold pictures back
        set_if_there(made.get(), "output-corrupt", "false"); // grey blocks would look like a scene
        if (const Result<bool> ready = open_element(made.get()))
            out = made;
        else
            why += std::string("; ") + GST_OBJECT_NAME(item->data) + ": " + ready.error().text;
    }
    gst_plugin_feature_list_free(fit);
    gst_plugin_feature_list_free(all);
    if (out)
        return out;
    const std::string codec = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    return Error{ErrorKind::unavailable, why.empty()
                                             ? "no decoder for " + codec + " is installed (Debian: gstreamer1.0-libav)"
                                             : "no decoder for " + codec + " works" + why};
}

Result<bool> choose(SluiceDecode* self, GstCaps* caps) {
    if (self->inside) {
        const Ref<GstPad> pad = adopt(gst_element_get_static_pad(self->inside, "sink"));
        if (gst_pad_query_accept_caps(pad.get(), caps))
            return true;
        drop(self);
    }
    if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw")) {
        put_in(self, sink(gst_element_factory_make("identity", nullptr)));
        return true;
    }
    Result<Ref<GstElement>> decoder = open_decoder(caps);
    if (!decoder)
        return decoder.error();
    put_in(self, std::move(decoder).value());
    return true;
}

gboolean take_event(GstPad* pad, GstObject* parent, GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event, &caps);
        if (const Result<bool> chosen = choose(reinterpret_cast<SluiceDecode*>(parent), caps); !chosen) {
            gst_event_unref(event);
            GST_ELEMENT_ERROR(parent, STREAM, CODEC_NOT_FOUND, ("%s", chosen.error().text.c_str()), (nullptr));
            return FALSE;
        }
    }
    return gst_pad_event_default(pad, parent, event);
}

// What is inside now does not limit what may come next.
gboolean answer_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
        gst_query_set_accept_caps_result(query, TRUE);
        return TRUE;
    }
    if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
        GstCaps* filter = nullptr;
        gst_query_parse_caps(query, &filter);
        const Ref<GstCaps> any = adopt(gst_caps_new_any());
        gst_query_set_caps_result(query, filter ? filter : any.get());
        return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
    const GstStateChangeReturn result = GST_ELEMENT_CLASS(sluice_decode_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY)
        drop(reinterpret_cast<SluiceDecode*>(element));
    return result;
}

void dispose(GObject* object) {
    drop(reinterpret_cast<SluiceDecode*>(object));
    G_OBJECT_CLASS(sluice_decode_parent_class)->dispose(object);
}

void sluice_decode_class_init(SluiceDecodeClass* klass) {
    G_OBJECT_CLASS(klass)->dispose = dispose;
    GstElementClass* element = GST_ELEMENT_CLASS(klass);
    element->change_state = change_state;
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(element, "Decoder of what comes", "Codec/Decoder/Video",
                                          "Decodes pictures with the best decoder of this machine that takes them",
                                          "Sluice");
}

void sluice_decode_init(SluiceDecode* self) {
    self->sink = add_ghost_pad(GST_ELEMENT(self), "sink");
    self->src = add_ghost_pad(GST_ELEMENT(self), "src");
    gst_pad_set_event_function(self->sink, take_event);
    gst_pad_set_query_function(self->sink, answer_query);
}

} // namespace

namespace sluice::hw {

GType decoder_element_type() { return sluice_decode_get_type(); }

} // namespace sluice::hw
