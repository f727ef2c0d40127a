// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_pipeline.hpp"

#include "launcher/camera/teardown.hpp"
#include "launcher/config/url.hpp"

#include <gst/sdp/sdp.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <mutex>

namespace sluice {

namespace {

constexpr const char* message_end = "sluice-end-of-stream";
constexpr const char* closed_by_camera = "the camera closed the connection";

void post(GstElement* source, const char* name) {
    gst_element_post_message(source, gst_message_new_application(GST_OBJECT(source), gst_structure_new_empty(name)));
}

// Only for properties that are not texts: gst_util_set_object_arg() would unquote those.
Result<bool> set_property(GstElement* pipeline, const PropertySetting& setting) {
    const Ref<GstElement> element = adopt(gst_bin_get_by_name(GST_BIN(pipeline), setting.element.c_str()));
    if (!element)
        return Error{ErrorKind::bad_config, "the template has no element named " + setting.element};
    const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), setting.property.c_str());
    if (!spec || !(spec->flags & G_PARAM_WRITABLE))
        return Error{ErrorKind::bad_config,
                     "the element " + setting.element + " has no property " + setting.property + " that can be set"};
    if (const auto* text = std::get_if<std::string>(&setting.value)) {
        if (spec->value_type == G_TYPE_STRING)
            g_object_set(element.get(), setting.property.c_str(), text->c_str(), nullptr);
        else
            gst_util_set_object_arg(G_OBJECT(element.get()), setting.property.c_str(), text->c_str());
    } else {
        GValue value = G_VALUE_INIT;
        if (const auto* number = std::get_if<int64_t>(&setting.value)) {
            g_value_init(&value, G_TYPE_INT64);
            g_value_set_int64(&value, *number);
        } else {
            g_value_init(&value, G_TYPE_BOOLEAN);
            g_value_set_boolean(&value, std::get<bool>(setting.value));
        }
        g_object_set_property(G_OBJECT(element.get()), setting.property.c_str(), &value);
        g_value_unset(&value);
    }
    return true;
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

namespace {

bool is_one_of(const char* name, std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [name](const char* n) { return !g_strcmp0(name, n); });
}
bool is_usable_video(const char* encoding) { return is_one_of(encoding, {"H264", "H265"}); }
bool is_usable_sound(const char* encoding) {
    return is_one_of(encoding, {"OPUS", "PCMU", "PCMA", "MPEG4-GENERIC", "MP4A-LATM"});
}

} // namespace

// What the camera's description (SDP) says, and what is taken of it: one video stream and, beside it, one of sound.
struct SourcePipeline::Offer {
    std::mutex mutex;
    std::string refused; // "JPEG, PCMU"
    bool video_comes = false, selected = false, sound_selected = false;

    void read(const GstSDPMessage* sdp) {
        const std::lock_guard lock(mutex);
        for (guint i = 0; i < gst_sdp_message_medias_len(sdp); i++) {
            const GstSDPMedia* media = gst_sdp_message_get_media(sdp, i);
            const char* map = gst_sdp_media_get_attribute_val(media, "rtpmap"); // "96 H264/90000"
            const std::string text = map ? map : "";
            const size_t from = text.find(' ');
            if (g_strcmp0(gst_sdp_media_get_media(media), "video") || from == std::string::npos)
                continue;
            const GString8 name(g_ascii_strup(text.substr(from + 1, text.find('/') - from - 1).c_str(), -1));
            video_comes = video_comes || is_usable_video(name.get());
        }
    }

    bool select(const GstCaps* caps) {
        const GstStructure* s = gst_caps_is_empty(caps) ? nullptr : gst_caps_get_structure(caps, 0);
        const char* media = s ? gst_structure_get_string(s, "media") : nullptr;
        const char* encoding = s ? gst_structure_get_string(s, "encoding-name") : nullptr;
        const std::lock_guard lock(mutex);
        if (g_strcmp0(media, "video") == 0 && !selected && is_usable_video(encoding))
            return selected = true;
        // Sound alone would make a source that runs and shows nothing, without an error.
        if (g_strcmp0(media, "audio") == 0 && video_comes && !sound_selected && is_usable_sound(encoding))
            return sound_selected = true;
        if (refused.size() < 100)
            refused += (refused.empty() ? "" : ", ") + std::string(media ? media : "unknown") + " " +
                       (encoding ? encoding : "unknown");
        return false;
    }

    // What there was, if nothing of it can be used; empty: something can, or nothing was offered yet.
    std::string nothing_usable() {
        const std::lock_guard lock(mutex);
        return selected ? std::string() : refused;
    }
};

Result<std::unique_ptr<SourcePipeline>> SourcePipeline::create(const SourceTemplate& source_template,
                                                               const StreamConfig& stream, const std::string& channel,
                                                               Teardown& teardown, SourceEvents events) {
    GError* parse_error = nullptr;
    Ref<GstElement> pipeline = sink(
        gst_parse_launch_full(source_template.pipeline.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &parse_error));
    const GErrorPtr error(parse_error);
    if (!pipeline || !GST_IS_PIPELINE(pipeline.get()))
        return Error{ErrorKind::bad_config, "template " + source_template.name + ": " +
                                                (error ? error->message : "it makes no pipeline of several elements")};
    std::map<std::string, ParameterValue> values = {
        {"url", stream.url},
        {"transport", std::string(stream.transport == Transport::udp ? "udp" : "tcp")},
        {"latency", static_cast<int64_t>(stream.latency_ms)},
        {"channel", channel},
    };
    if (!stream.user.empty())
        values["user"] = stream.user;
    if (!stream.password.empty())
        values["password"] = stream.password.reveal();
    const Result<std::vector<PropertySetting>> settings = bind_parameters(source_template, values);
    if (!settings)
        return settings.error();
    for (const PropertySetting& setting : settings.value())
        if (const Result<bool> set = set_property(pipeline.get(), setting); !set)
            return set.error();
    // All pipelines live on one clock, which is the channels' too.
    const Ref<GstClock> clock = adopt(gst_system_clock_obtain());
    gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
    gst_object_set_name(GST_OBJECT(pipeline.get()), channel.c_str());
    return std::unique_ptr<SourcePipeline>(
        new SourcePipeline(std::move(pipeline), channel, teardown, std::move(events), !stream.user.empty()));
}

SourcePipeline::SourcePipeline(Ref<GstElement> pipeline, std::string channel, Teardown& teardown, SourceEvents events,
                               bool has_credentials)
    : pipeline_(std::move(pipeline)), channel_(std::move(channel)), teardown_(teardown), events_(std::move(events)),
      has_credentials_(has_credentials), offer_(std::make_shared<Offer>()) {
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

// Callbacks run in rtspsrc's threads and may still do so while the pipeline goes down: they hold what they touch.
void SourcePipeline::connect_source() {
    const Ref<GstElement> source = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    if (!source || !g_signal_lookup("select-stream", G_OBJECT_TYPE(source.get())))
        return;
    using Holder = std::shared_ptr<Offer>;
    const auto drop = +[](gpointer data, GClosure*) { delete static_cast<Holder*>(data); };
    g_signal_connect_data(source.get(), "select-stream",
                          G_CALLBACK(+[](GstElement*, guint, GstCaps* caps, gpointer data) -> gboolean {
                              return (*static_cast<Holder*>(data))->select(caps);
                          }),
                          new Holder(offer_), drop, GConnectFlags(0));
    g_signal_connect_data(source.get(), "on-sdp", G_CALLBACK(+[](GstElement*, const GstSDPMessage* sdp, gpointer data) {
                              (*static_cast<Holder*>(data))->read(sdp);
                          }),
                          new Holder(offer_), drop, GConnectFlags(0));
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
        if (const std::string refused = offer_->nothing_usable(); !refused.empty())
            // Nothing will change soon: somebody has to set up the camera.
            fail({FailureKind::denied, "the camera offers no video that can be passed on (it offers " +
                                           redact_urls(refused) + "; supported are H264 and H265)"});
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
