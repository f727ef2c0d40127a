// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_pipeline.hpp"

#include "launcher/camera/pipeline_factory.hpp"
#include "launcher/camera/teardown.hpp"
#include "launcher/config/url.hpp"

namespace sluice {

namespace {

constexpr const char* message_end = "sluice-end-of-stream";
constexpr const char* closed_by_camera = "the camera closed the connection";

void post(GstElement* source, const char* name) {
    gst_element_post_message(source, gst_message_new_application(GST_OBJECT(source), gst_structure_new_empty(name)));
}

// The last line of a debug text is what the element had to say; the ones before name source files and elements.
std::string detail_of(const char* debug) {
    std::string_view text = debug ? debug : "";
    while (!text.empty() && text.back() == '\n')
        text.remove_suffix(1);
    const size_t line = text.rfind('\n');
    return line == std::string_view::npos ? std::string() : std::string(text.substr(line + 1));
}

} // namespace

Result<std::unique_ptr<SourcePipeline>> SourcePipeline::create(const Templates& templates, const SourceConfig& source,
                                                               const std::string& channel, Teardown& teardown,
                                                               SourceEvents events) {
    Result<Ref<GstElement>> pipeline = make_source_pipeline(templates, source, channel);
    if (!pipeline)
        return pipeline.error();
    return std::unique_ptr<SourcePipeline>(
        new SourcePipeline(std::move(pipeline).value(), channel, teardown, std::move(events), !source.user.empty()));
}

SourcePipeline::SourcePipeline(Ref<GstElement> pipeline, std::string channel, Teardown& teardown, SourceEvents events,
                               bool has_credentials)
    : pipeline_(std::move(pipeline)), channel_(std::move(channel)), teardown_(teardown), events_(std::move(events)),
      has_credentials_(has_credentials), offer_(TrackOffer::attach(pipeline_.get())) {
    connect_source();
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_add_watch(bus.get(), on_message, this);
}

SourcePipeline::~SourcePipeline() {
    {
        const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
        gst_bus_remove_watch(bus.get());
    }
    teardown_.retire(std::move(pipeline_), channel_);
}

void SourcePipeline::start() {
    // An error is on the bus already; without one the state change would be silent.
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        post(pipeline_.get(), message_end);
}

void SourcePipeline::connect_source() {
    const Ref<GstElement> source = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    if (!source || !offer_)
        return;
    // The camera's end must not travel on: rtspsrc calls a closed connection the end of the stream.
    g_signal_connect(source.get(), "pad-added", G_CALLBACK(+[](GstElement* element, GstPad* pad, gpointer) {
                         gst_pad_add_probe(
                             pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                             [](GstPad*, GstPadProbeInfo* info, gpointer data) {
                                 if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
                                     return GST_PAD_PROBE_OK;
                                 post(GST_ELEMENT(data), message_end);
                                 return GST_PAD_PROBE_DROP;
                             },
                             element, nullptr);
                     }),
                     nullptr);
}

gboolean SourcePipeline::on_message(GstBus*, GstMessage* message, gpointer self) {
    static_cast<SourcePipeline*>(self)->handle(message);
    return G_SOURCE_CONTINUE;
}

void SourcePipeline::handle(GstMessage* message) {
    switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR: {
        GError* raw = nullptr;
        char* raw_debug = nullptr;
        gst_message_parse_error(message, &raw, &raw_debug);
        const GErrorPtr error(raw);
        const GString8 debug(raw_debug);
        if (const std::string refused = offer_ ? offer_->nothing_usable() : std::string(); !refused.empty())
            // Nothing will change soon: somebody has to set up the camera.
            fail({FailureKind::denied, refused});
        else
            fail(describe_source_error(*error, debug.get(), has_credentials_));
        return;
    }
    case GST_MESSAGE_WARNING: {
        // Before the first packet there is no pad that an end of stream could travel through: only this is said.
        GError* raw = nullptr;
        char* raw_debug = nullptr;
        gst_message_parse_warning(message, &raw, &raw_debug);
        const GErrorPtr error(raw);
        const GString8 debug(raw_debug);
        if (detail_of(debug.get()).find("server closed the connection") != std::string::npos)
            fail({FailureKind::transient, closed_by_camera});
        return;
    }
    case GST_MESSAGE_PROGRESS: {
        GstProgressType type = GST_PROGRESS_TYPE_ERROR;
        char* raw_code = nullptr;
        gst_message_parse_progress(message, &type, &raw_code, nullptr);
        const GString8 code(raw_code);
        // "open" is over when the streams are set up, "request" when PLAY is answered.
        if (type == GST_PROGRESS_TYPE_COMPLETE && g_strcmp0(code.get(), "request") == 0 && !failed_ &&
            events_.handshake_done)
            events_.handshake_done();
        return;
    }
    case GST_MESSAGE_EOS: fail({FailureKind::transient, closed_by_camera}); return;
    case GST_MESSAGE_APPLICATION:
        if (gst_message_has_name(message, message_end))
            fail({FailureKind::transient, closed_by_camera});
        return;
    default: return;
    }
}

void SourcePipeline::fail(const SourceFailure& failure) {
    if (failed_)
        return;
    failed_ = true;
    const auto failed = events_.failed; // the call may destroy this object
    failed(failure);
}

SourceFailure describe_source_error(const GError& error, const char* debug, bool has_credentials) {
    SourceFailure out;
    const std::string detail = detail_of(debug);
    const auto said = [&](const char* words) { return detail.find(words) != std::string::npos; };
    if (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_NOT_AUTHORIZED) {
        out.kind = FailureKind::denied;
        out.reason = has_credentials ? "the camera refuses this user and password"
                                     : "the camera wants a user and password, and none are configured";
    } else if (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_NOT_FOUND) {
        out.reason = "the camera knows no stream at this address (404)";
    } else if (said("(403)")) {
        out.kind = FailureKind::denied;
        out.reason = "the camera forbids access (403)";
    } else if (said("SDP contains no streams")) {
        out.reason = "the camera's description of the stream (SDP) is broken or names no media";
    } else if (said("Failed to connect")) {
        out.could_not_connect = true;
        out.reason = "the camera cannot be reached";
    } else if (said("Parse error")) {
        out.reason = "what answers there does not speak RTSP";
    } else {
        // Elements put their own words last; without any the general ones have to do.
        out.reason = redact_urls(detail.empty() ? error.message : std::string(error.message) + " " + detail);
    }
    return out;
}

} // namespace sluice
