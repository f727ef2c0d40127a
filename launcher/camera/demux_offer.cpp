// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/demux_offer.hpp"

#include "plugins/core/refs.hpp"

#include <string>

namespace sluice {

namespace {

constexpr size_t max_offer = 100; // characters

// In the demuxer's thread. Links to a pad are made when it is added, before this.
void all_known(GstElement* demuxer, gpointer) {
    struct Found {
        bool linked = false;
        std::string names;
    } found;
    GstIterator* it = gst_element_iterate_src_pads(demuxer);
    gst_iterator_foreach(
        it,
        [](const GValue* item, gpointer data) {
            auto* pad = GST_PAD(g_value_get_object(item));
            auto* all = static_cast<Found*>(data);
            all->linked = all->linked || gst_pad_is_linked(pad);
            const Ref<GstCaps> caps = adopt(gst_pad_query_caps(pad, nullptr));
            if (!gst_caps_is_any(caps.get()) && !gst_caps_is_empty(caps.get()) && all->names.size() < max_offer)
                all->names += (all->names.empty() ? "" : ", ") +
                              std::string(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)));
        },
        &found);
    gst_iterator_free(it);
    if (!found.linked)
        GST_ELEMENT_ERROR(demuxer, STREAM, CODEC_NOT_FOUND,
                          ("there is no track that can be passed on (there is %s)",
                           found.names.empty() ? "none at all" : found.names.c_str()),
                          (nullptr));
}

bool finds_tracks(GstElement* element) {
    for (const GList* item = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(element)); item;
         item = item->next) {
        const auto* pads = static_cast<const GstPadTemplate*>(item->data);
        if (pads->direction == GST_PAD_SRC && pads->presence == GST_PAD_SOMETIMES)
            return true;
    }
    return false;
}

} // namespace

void watch_demuxers(GstElement* pipeline) {
    GstIterator* it = gst_bin_iterate_elements(GST_BIN(pipeline));
    gst_iterator_foreach(
        it,
        [](const GValue* item, gpointer) {
            auto* element = GST_ELEMENT(g_value_get_object(item));
            if (!finds_tracks(element) || g_signal_lookup("select-stream", G_OBJECT_TYPE(element)))
                return;
            g_signal_connect(element, "no-more-pads", G_CALLBACK(all_known), nullptr);
            if (g_signal_lookup("drained", G_OBJECT_TYPE(element))) // parsebin does not say when it knows all
                g_signal_connect(element, "drained", G_CALLBACK(all_known), nullptr);
        },
        nullptr);
    gst_iterator_free(it);
}

} // namespace sluice
