// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/rtp_time.hpp"

#include "plugins/core/codec.hpp"

namespace sluice {

namespace {

bool is_picture_depayloader(GstElement* element) {
    GstElementFactory* factory = gst_element_get_factory(element);
    if (!factory || !gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_DEPAYLOADER))
        return false;
    const auto pad = adopt(gst_element_get_static_pad(element, "src"));
    const auto caps = adopt(pad ? gst_pad_get_current_caps(pad.get()) : nullptr);
    return caps && is_video(codec_from_caps(caps.get()));
}

} // namespace

Ref<GstElement> picture_depayloader(GstElement* pipeline) {
    Ref<GstElement> found;
    GstIterator* all = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(
        all,
        [](const GValue* item, gpointer data) {
            auto* element = GST_ELEMENT(g_value_get_object(item));
            auto& out = *static_cast<Ref<GstElement>*>(data);
            if (!out && is_picture_depayloader(element))
                out = ref(element);
        },
        &found);
    gst_iterator_free(all);
    return found;
}

std::optional<RtpTime> rtp_time_of(GstElement* depayloader) {
    GstStructure* raw = nullptr;
    g_object_get(depayloader, "stats", &raw, nullptr);
    const GstStructurePtr stats(raw);
    guint timestamp = 0, rate = 0;
    if (!stats || !gst_structure_get(stats.get(), "timestamp", G_TYPE_UINT, &timestamp, "clock_rate", G_TYPE_UINT,
                                     &rate, nullptr))
        return std::nullopt;
    return RtpTime{timestamp, rate};
}

} // namespace sluice
