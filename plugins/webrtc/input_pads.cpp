// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/input_pads.hpp"

#include <cstdio>

namespace sluice {

namespace {

GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; "
                                            "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au"));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS("audio/x-opus; audio/x-mulaw, rate=(int)8000, channels=(int)1; "
                                            "audio/x-alaw, rate=(int)8000, channels=(int)1; "
                                            "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"));

std::string stream_name(guint index) {
    return index == 0 ? "main" : index == 1 ? "sub" : "video" + std::to_string(index);
}

bool has_pad(GstBin* bin, const std::string& name) {
    return bool(adopt(gst_element_get_static_pad(GST_ELEMENT(bin), name.c_str())));
}

} // namespace

void InputPads::add_templates(GstElementClass* klass) {
    gst_element_class_add_static_pad_template(klass, &video_template);
    gst_element_class_add_static_pad_template(klass, &audio_template);
}

// The fanoutsink of a stream; a new one if no pad of it is there.
Ref<GstElement> InputPads::input_of(GstBin* bin, guint index, const std::string& camera) {
    {
        std::lock_guard lock(mutex_);
        for (const auto& [pad, input] : inputs_)
            if (input.index == index)
                return input.fanoutsink;
    }
    auto fanoutsink = ref(gst_element_factory_make("fanoutsink", nullptr));
    if (!fanoutsink) {
        GST_ELEMENT_ERROR(bin, CORE, MISSING_PLUGIN, ("the element fanoutsink is missing (plugin sluicefanout)"),
                          (nullptr));
        return nullptr;
    }
    g_object_set(fanoutsink.get(), "channel", (camera + "/" + stream_name(index)).c_str(), nullptr);
    gst_bin_add(bin, fanoutsink.get());
    return fanoutsink;
}

GstPad* InputPads::request(GstBin* bin, GstPadTemplate* templ, const char* name, const std::string& camera) {
    const bool audio = g_str_has_prefix(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "audio");
    const std::string kind = audio ? "audio_" : "video_";
    guint index = 0;
    if (!name || std::sscanf(name, audio ? "audio_%u" : "video_%u", &index) != 1)
        while (has_pad(bin, kind + std::to_string(index)))
            ++index;
    const std::string pad_name = kind + std::to_string(index);
    if (has_pad(bin, pad_name))
        return nullptr;
    const auto fanoutsink = input_of(bin, index, camera);
    if (!fanoutsink)
        return nullptr;
    const auto target = adopt(gst_element_request_pad_simple(fanoutsink.get(), audio ? "sink_1" : "sink_0"));
    GstPad* ghost = gst_ghost_pad_new_from_template(pad_name.c_str(), target.get(), templ);
    {
        std::lock_guard lock(mutex_);
        inputs_[ghost] = {index, fanoutsink, target};
    }
    gst_pad_set_active(ghost, TRUE);
    gst_element_add_pad(GST_ELEMENT(bin), ghost);
    gst_element_sync_state_with_parent(fanoutsink.get());
    return ghost;
}

void InputPads::release(GstBin* bin, GstPad* pad) {
    Input input;
    bool shared = false;
    {
        std::lock_guard lock(mutex_);
        const auto it = inputs_.find(pad);
        if (it == inputs_.end())
            return;
        input = it->second;
        inputs_.erase(it);
        for (const auto& [other, i] : inputs_)
            shared = shared || i.index == input.index;
    }
    gst_pad_set_active(pad, FALSE);
    gst_element_remove_pad(GST_ELEMENT(bin), pad);
    if (shared) {
        gst_element_release_request_pad(input.fanoutsink.get(), input.target.get());
        return;
    }
    gst_element_set_locked_state(input.fanoutsink.get(), TRUE);
    gst_element_set_state(input.fanoutsink.get(), GST_STATE_NULL);
    // A bin that is disposed of lets its children go before its pads.
    if (gst_object_has_as_parent(GST_OBJECT(input.fanoutsink.get()), GST_OBJECT(bin)))
        gst_bin_remove(bin, input.fanoutsink.get());
}

} // namespace sluice
