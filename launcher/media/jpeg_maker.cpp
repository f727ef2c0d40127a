// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/jpeg_maker.hpp"

#include "hw/optional_property.hpp"
#include "launcher/log.hpp"

#include <vector>

namespace sluice {

namespace {

struct Decoder {
    const char *element, *package;
};

// No parser in front of it: units of a channel are whole access units with their parameter sets, and h265parse hands the SPS
// of a camera to a library that has been overrun by such before (docs/gotchas.md).
Decoder decoder_for(Codec codec) {
    constexpr const char* package = "gstreamer1.0-libav";
    if (codec == Codec::jpeg)
        return {"jpegdec", "gstreamer1.0-plugins-good"};
    return codec == Codec::h265 ? Decoder{"avdec_h265", package} : Decoder{"avdec_h264", package};
}

Result<Ref<GstElement>> make_element(const char* name, const char* package) {
    Ref<GstElement> element = sink(gst_element_factory_make(name, nullptr));
    if (!element)
        return Error{ErrorKind::unavailable, std::string("snapshots need the element ") + name +
                                                 ", which is not installed (Debian: " + package + ")"};
    return element;
}

// As it is shown, and as large as wanted.
Ref<GstCaps> shown_caps(unsigned width) {
    Ref<GstCaps> caps = adopt(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "BGRx", nullptr));
    if (width) // the height follows from it, so the samples have to be square
        gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, static_cast<gint>(width), "pixel-aspect-ratio",
                            GST_TYPE_FRACTION, 1, 1, nullptr);
    return caps;
}

// JPEG is full range with BT.601's matrix, whatever the camera sends: unconverted, pictures look pale. The converter does that by
// way of RGB only: from one YUV to another with the same matrix it leaves the range as it was.
Ref<GstCaps> encoder_caps() {
    return adopt(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "colorimetry", G_TYPE_STRING,
                                     "1:4:7:1", nullptr));
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

Result<JpegMaker> JpegMaker::create(Codec codec, GstCaps* caps, unsigned width) {
    const Decoder decoder = decoder_for(codec);
    JpegMaker out;
    out.pipeline_ = sink(gst_pipeline_new("snapshot"));
    out.result_ = std::make_shared<Ref<GBytes>>();
    std::vector<Ref<GstElement>> chain;
    constexpr const char *core = "libgstreamer1.0-0", *base = "gstreamer1.0-plugins-base";
    for (const auto& [name, package] :
         {Decoder{"appsrc", base}, decoder, Decoder{"videoconvertscale", base}, Decoder{"capsfilter", core},
          Decoder{"videoconvert", base}, Decoder{"capsfilter", core}, Decoder{"jpegenc", "gstreamer1.0-plugins-good"},
          Decoder{"fakesink", core}}) {
        auto element = make_element(name, package);
        if (!element)
            return element.error();
        gst_bin_add(GST_BIN(out.pipeline_.get()), GST_ELEMENT(gst_object_ref(element->get())));
        if (!chain.empty() && !gst_element_link(chain.back().get(), element->get()))
            return Error{ErrorKind::internal, std::string("snapshots: ") + name + " cannot be linked"};
        chain.push_back(std::move(element).value());
    }
    g_object_set(chain[0].get(), "caps", caps, "format", GST_FORMAT_TIME, nullptr);
    hw::set_if_there(chain[1].get(), "max-threads", "1");        // more of them hold pictures back
    hw::set_if_there(chain[1].get(), "output-corrupt", "false"); // grey blocks would look like a scene
    const Ref<GstCaps> shown = shown_caps(width), encoded = encoder_caps();
    g_object_set(chain[3].get(), "caps", shown.get(), nullptr);
    g_object_set(chain[5].get(), "caps", encoded.get(), nullptr);
    GstElement* end = chain.back().get();
    g_object_set(end, "sync", FALSE, "async", FALSE, "signal-handoffs", TRUE, nullptr);
    g_signal_connect_data(
        end, "handoff", G_CALLBACK(+[](GstElement* e, GstBuffer* b, GstPad* p, gpointer user) {
            take_result(e, b, p, static_cast<std::shared_ptr<Ref<GBytes>>*>(user)->get());
        }),
        new std::shared_ptr<Ref<GBytes>>(out.result_),
        [](gpointer user, GClosure*) { delete static_cast<std::shared_ptr<Ref<GBytes>>*>(user); }, GConnectFlags(0));
    out.source_ = chain[0];
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
    if (!end) {
        log_warning("snapshot: the decoder has not answered within " + std::to_string(time.count()) + " ms");
        return Error{ErrorKind::unavailable, "the picture was not decoded in time"};
    }
    if (GST_MESSAGE_TYPE(end.get()) != GST_MESSAGE_EOS || !*result_)
        return broken;
    return *result_;
}

} // namespace sluice
