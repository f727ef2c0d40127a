// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/jpeg_maker.hpp"

#include "launcher/worker/template_property.hpp"

#include <string>
#include <string_view>

namespace sluice {

namespace {

// Where the elements of the template that is shipped come from; a user's own may have others.
constexpr struct {
    std::string_view element;
    const char* package; // of Debian
} packages[] = {{"avdec_h264", "gstreamer1.0-libav"},
                {"avdec_h265", "gstreamer1.0-libav"},
                {"jpegdec", "gstreamer1.0-plugins-good"},
                {"jpegenc", "gstreamer1.0-plugins-good"},
                {"videoconvertscale", "gstreamer1.0-plugins-base"},
                {"videoconvert", "gstreamer1.0-plugins-base"},
                {"appsrc", "gstreamer1.0-plugins-base"},
                {"capsfilter", "libgstreamer1.0-0"},
                {"fakesink", "libgstreamer1.0-0"}};

Error not_installed(const std::string& element) {
    std::string text = "snapshots need the element " + element + ", which is not installed";
    for (const auto& known : packages)
        if (known.element == element)
            text += std::string(" (Debian: ") + known.package + ")";
    return {ErrorKind::unavailable, text};
}

Error unusable(const std::string& why) { return {ErrorKind::unavailable, "snapshots: " + why}; }

Result<Ref<GstElement>> make_element(const char* name) {
    Ref<GstElement> element = sink(gst_element_factory_make(name, nullptr));
    if (!element)
        return not_installed(name);
    return element;
}

void take_result(GstElement*, GstBuffer* buffer, GstPad*, gpointer user) {
    auto& out = *static_cast<Ref<GBytes>*>(user);
    if (out)
        return;
    gpointer copy = nullptr;
    gsize size = 0;
    gst_buffer_extract_dup(buffer, 0, G_MAXSIZE, &copy, &size);
    out = adopt(g_bytes_new_take(copy, size));
}

} // namespace

Result<JpegMaker> JpegMaker::create(const TemplateChains& job, GstCaps* caps) {
    const TemplateChain* chain = chain_for(job.chains, caps);
    if (!chain)
        return unusable(std::string("the template takes no ") +
                        gst_structure_get_name(gst_caps_get_structure(caps, 0)));
    auto source = make_element("appsrc"), end = make_element("fakesink");
    if (!source || !end)
        return source ? end.error() : source.error();
    std::string missing;
    const auto bin = make_chain(*chain, job.settings, &missing);
    if (!bin)
        return missing.empty() ? unusable(bin.error().text) : not_installed(missing);
    JpegMaker out;
    out.pipeline_ = sink(gst_pipeline_new("snapshot"));
    out.result_ = std::make_shared<Ref<GBytes>>();
    out.source_ = source.value();
    for (const Ref<GstElement>& element : {source.value(), bin.value(), end.value()})
        gst_bin_add(GST_BIN(out.pipeline_.get()), element.get());
    if (!gst_element_link_pads(source.value().get(), "src", bin.value().get(), "sink") ||
        !gst_element_link_pads(bin.value().get(), "src", end.value().get(), "sink"))
        return unusable("the template's chain does not begin or does not end with an open pad");
    g_object_set(source.value().get(), "caps", caps, "format", GST_FORMAT_TIME, nullptr);
    g_object_set(end.value().get(), "sync", FALSE, "async", FALSE, "signal-handoffs", TRUE, nullptr);
    g_signal_connect_data(
        end.value().get(), "handoff", G_CALLBACK(+[](GstElement* e, GstBuffer* b, GstPad* p, gpointer user) {
            take_result(e, b, p, static_cast<std::shared_ptr<Ref<GBytes>>*>(user)->get());
        }),
        new std::shared_ptr<Ref<GBytes>>(out.result_),
        [](gpointer user, GClosure*) { delete static_cast<std::shared_ptr<Ref<GBytes>>*>(user); }, GConnectFlags(0));
    out.bus_ = adopt(gst_element_get_bus(out.pipeline_.get()));
    return Result<JpegMaker>(std::move(out));
}

JpegMaker::~JpegMaker() {
    if (pipeline_)
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

Result<Ref<GBytes>> JpegMaker::make(GstBuffer* picture, std::chrono::milliseconds time) {
    const Error broken{ErrorKind::unavailable, "the camera's picture cannot be decoded"};
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return Error{ErrorKind::unavailable, "the decoder cannot be started"};
    Ref<GstBuffer> buffer = adopt(gst_buffer_copy(picture)); // shares the memory; times are ours
    GST_BUFFER_PTS(buffer.get()) = 0;
    GstFlowReturn flow = GST_FLOW_OK;
    g_signal_emit_by_name(source_.get(), "push-buffer", buffer.get(), &flow);
    g_signal_emit_by_name(source_.get(), "end-of-stream", &flow);
    const Ref<GstMessage> end =
        adopt(gst_bus_timed_pop_filtered(bus_.get(), static_cast<GstClockTime>(time.count()) * GST_MSECOND,
                                         static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS)));
    if (!end)
        return Error{ErrorKind::unavailable, "the picture was not decoded in time"};
    if (GST_MESSAGE_TYPE(end.get()) != GST_MESSAGE_EOS || !*result_)
        return broken;
    return *result_;
}

} // namespace sluice
