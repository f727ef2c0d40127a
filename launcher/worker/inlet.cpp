// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/inlet.hpp"

#include "plugins/core/channel_access.hpp"

#include <gst/app/gstappsrc.h>

#include <string>
#include <utility>

namespace sluice {

Ref<GstBuffer> take_body(WireMessage& message) {
    uint8_t* data = message.body.release();
    const size_t size = message.header.size;
    return adopt(gst_buffer_new_wrapped_full(GstMemoryFlags(0), data, size, 0, size, data,
                                             [](gpointer p) { delete[] static_cast<uint8_t*>(p); }));
}

namespace {

Ref<GstBuffer> buffer_of(WireMessage& message) {
    const WireHeader& h = message.header;
    auto buffer = take_body(message);
    GST_BUFFER_PTS(buffer.get()) = h.time;
    if (!(h.flags & WireHeader::key))
        GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    if (h.flags & WireHeader::discont)
        GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    if (h.capture_time) {
        const auto reference = adopt(gst_caps_new_empty_simple("timestamp/x-unix"));
        gst_buffer_add_reference_timestamp_meta(buffer.get(), reference.get(), h.capture_time, GST_CLOCK_TIME_NONE);
    }
    return buffer;
}

} // namespace

Inlet::Inlet(GstElement* pipeline, Link link) : pipeline_(pipeline), link_(std::move(link)) {
    use_channel_time(pipeline);
}

Result<bool> Inlet::take(WireMessage& message) {
    const auto it = tracks_.find(message.header.track);
    const std::string which = "track " + std::to_string(message.header.track);
    if (message.header.type == WireType::unit) {
        if (it == tracks_.end())
            return Error{ErrorKind::internal, which + ": a unit before its caps"};
        if (it->second)
            gst_app_src_push_buffer(GST_APP_SRC(it->second.get()), buffer_of(message).release());
        return true;
    }
    const auto caps = adopt(gst_caps_from_string(std::string(message.text()).c_str()));
    if (!caps || !gst_caps_is_fixed(caps.get()))
        return Error{ErrorKind::internal, which + ": its caps are none"};
    if (it != tracks_.end()) {
        if (it->second)
            gst_app_src_set_caps(GST_APP_SRC(it->second.get()), caps.get());
        return true;
    }
    Ref<GstElement> source = ref(gst_element_factory_make("appsrc", nullptr));
    if (!source)
        return Error{ErrorKind::unavailable, "the element appsrc is not installed (Debian: gstreamer1.0-plugins-base)"};
    g_object_set(source.get(), "caps", caps.get(), "format", GST_FORMAT_TIME, "is-live", TRUE, "max-bytes", guint64(0),
                 "emit-signals", FALSE, nullptr);
    gst_bin_add(GST_BIN(pipeline_), source.get());
    if (!link_(source.get(), caps.get())) {
        gst_bin_remove(GST_BIN(pipeline_), source.get());
        source = nullptr;
    } else {
        gst_element_sync_state_with_parent(source.get());
    }
    tracks_.emplace(message.header.track, std::move(source));
    return true;
}

bool Inlet::wants_more() const {
    for (const auto& [index, source] : tracks_)
        if (source && gst_app_src_get_current_level_time(GST_APP_SRC(source.get())) > most_waiting)
            return false;
    return true;
}

} // namespace sluice
