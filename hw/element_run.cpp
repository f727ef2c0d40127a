// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/element_run.hpp"

#include "plugins/core/error_text.hpp"

namespace sluice::hw {

namespace {

constexpr guint64 most_waiting = 4; // buffers in front of the element: what is pushed has nearly been taken

} // namespace

Result<ElementRun> ElementRun::start(Ref<GstElement> element, const std::string& caps_text) {
    ElementRun out;
    out.element_ = std::move(element);
    out.pipeline_ = sink(gst_pipeline_new(nullptr));
    out.source_ = sink(gst_element_factory_make("appsrc", nullptr));
    out.sink_ = sink(gst_element_factory_make("appsink", nullptr));
    if (!out.source_ || !out.sink_)
        return Error{ErrorKind::unavailable,
                     "there is no element appsrc or appsink; gstreamer1.0-plugins-base has them"};
    const Ref<GstCaps> caps = adopt(gst_caps_from_string(caps_text.c_str()));
    g_object_set(out.source_.get(), "caps", caps.get(), "format", GST_FORMAT_TIME, "block", TRUE, "max-buffers",
                 most_waiting, "max-bytes", guint64(0), nullptr);
    g_object_set(out.sink_.get(), "sync", FALSE, nullptr);
    gst_bin_add_many(GST_BIN(out.pipeline_.get()), out.source_.get(), out.element_.get(), out.sink_.get(), nullptr);
    if (!gst_element_link_many(out.source_.get(), out.element_.get(), out.sink_.get(), nullptr))
        return Error{ErrorKind::unavailable, "it cannot be linked"};
    if (gst_element_set_state(out.pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return Error{ErrorKind::unavailable, out.error().value_or("it does not start")};
    return out;
}

ElementRun::~ElementRun() {
    if (pipeline_)
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

bool ElementRun::push(Ref<GstBuffer> buffer) {
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name(source_.get(), "push-buffer", buffer.get(), &flow);
    return flow == GST_FLOW_OK;
}

Ref<GstBuffer> ElementRun::pull(GstClockTime wait) {
    Ref<GstSample> sample;
    g_signal_emit_by_name(sink_.get(), "try-pull-sample", wait, sample.out());
    return sample ? ref(gst_sample_get_buffer(sample.get())) : Ref<GstBuffer>();
}

void ElementRun::end() {
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name(source_.get(), "end-of-stream", &flow);
}

void ElementRun::request_key_unit() {
    const Ref<GstPad> pad = adopt(gst_element_get_static_pad(sink_.get(), "sink"));
    GstStructure* asked = gst_structure_new("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME, GST_CLOCK_TIME_NONE,
                                            "all-headers", G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 0u, nullptr);
    gst_pad_push_event(pad.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, asked));
}

std::optional<std::string> ElementRun::error() {
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    const Ref<GstMessage> message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message)
        return std::nullopt;
    return error_text(message.get());
}

} // namespace sluice::hw
