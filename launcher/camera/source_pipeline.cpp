// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_pipeline.hpp"

#include "launcher/camera/redirect_guard.hpp"
#include "launcher/camera/teardown.hpp"
#include "launcher/camera/template_source.hpp"
#include "launcher/camera/transcode_source.hpp"
#include "launcher/config/url.hpp"

#include <utility>

namespace sluice {

namespace {

constexpr const char* message_end = "sluice-end-of-stream";
constexpr const char* message_started = "sluice-started";
constexpr unsigned max_connections = 8; // of one attempt
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

// What an ERROR or a WARNING says.
struct Said {
    explicit Said(GstMessage* message) {
        GError* raw = nullptr;
        char* raw_debug = nullptr;
        (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR ? gst_message_parse_error
                                                        : gst_message_parse_warning)(message, &raw, &raw_debug);
        error.reset(raw);
        debug.reset(raw_debug);
    }
    GErrorPtr error;
    GString8 debug;
};

// Whether it is an element of that factory, or inside of one.
bool is_of(GstObject* object, const char* factory) {
    for (; object; object = GST_OBJECT_PARENT(object))
        if (GstElementFactory* made_by =
                GST_IS_ELEMENT(object) ? gst_element_get_factory(GST_ELEMENT(object)) : nullptr;
            made_by && g_str_equal(GST_OBJECT_NAME(made_by), factory))
            return true;
    return false;
}

} // namespace

Result<std::unique_ptr<SourcePipeline>> SourcePipeline::create(const Templates& templates, const SourceConfig& source,
                                                               const std::string& channel, Teardown& teardown,
                                                               SourceEvents events, Transcoding* transcoding,
                                                               TimerQueue* timers) {
    const SourceTemplate* found = templates.find(source.source_template);
    const bool of_worker = source.derived || (transcoding && found && !found->in_process);
    Result<Ref<GstElement>> pipeline =
        of_worker ? make_worker_pipeline(channel) : make_source_pipeline(templates, source, channel);
    if (!pipeline)
        return pipeline.error();
    std::unique_ptr<SourcePipeline> out(
        new SourcePipeline(std::move(pipeline).value(), channel, teardown, std::move(events), source));
    if (!of_worker || !transcoding || !timers)
        return out;
    if (source.derived)
        out->worker_ = std::make_unique<Transcode>(out->pipeline_, channel, source, templates, *transcoding, *timers);
    else
        out->worker_ = std::make_unique<TemplateSource>(out->pipeline_, channel, *found, source, *transcoding);
    out->slow_start_ = false;
    return out;
}

SourcePipeline::SourcePipeline(Ref<GstElement> pipeline, std::string channel, Teardown& teardown, SourceEvents events,
                               const SourceConfig& source)
    : pipeline_(std::move(pipeline)), fanout_(adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"))),
      channel_(std::move(channel)), teardown_(teardown), events_(std::move(events)),
      has_credentials_(!source.user.empty()), slow_start_(source.source_template == "srt"),
      offer_(TrackOffer::attach(pipeline_.get())) {
    connect_source();
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_add_watch(bus.get(), on_message, this);
}

SourcePipeline::~SourcePipeline() {
    {
        const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
        gst_bus_remove_watch(bus.get());
    }
    *gone_ = true;
    auto process = worker_ ? worker_->process() : nullptr;
    worker_.reset(); // it uses the pipeline
    fanout_ = nullptr;
    teardown_.retire(std::move(pipeline_), channel_, std::move(process));
}

void SourcePipeline::start(Mode mode) {
    if (mode != Mode::at_once)
        set_standby(true);
    if (worker_)
        worker_->start();
    if (!slow_start_)
        return play(pipeline_.get(), fanout_.get(), mode, !offer_ && !(worker_ && worker_->tells_progress()));
    struct Start {
        Ref<GstElement> fanout;
        Mode mode;
        std::shared_ptr<std::atomic<bool>> gone;
    };
    gst_element_call_async(
        pipeline_.get(),
        [](GstElement* pipeline, gpointer data) {
            const auto* start = static_cast<Start*>(data);
            if (!*start->gone)
                play(pipeline, start->fanout.get(), start->mode, true);
            if (*start->gone) // and the Teardown may have been faster
                gst_element_set_state(pipeline, GST_STATE_NULL);
        },
        new Start{fanout_, mode, gone_}, [](gpointer data) { delete static_cast<Start*>(data); });
}

void SourcePipeline::play(GstElement* pipeline, GstElement* fanout, Mode mode, bool silent) {
    // An error is on the bus already; without one the state change would be silent.
    if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        post(pipeline, message_end);
    else if (silent)
        post(pipeline, message_started); // it says nothing of how far it is
    if (mode == Mode::at_key_unit)       // only now: a standby that ends before the start would be none
        g_object_set(fanout, "standby", FALSE, nullptr);
}

void SourcePipeline::set_standby(bool standby) { g_object_set(fanout_.get(), "standby", gboolean(standby), nullptr); }

SourcePipeline::Progress SourcePipeline::progress() const {
    GstStructure* raw = nullptr;
    g_object_get(fanout_.get(), "source-stats", &raw, nullptr);
    const GstStructurePtr stats(raw);
    Progress out;
    out.last_video = worker_data_; // until there is a key unit no more than this comes from a worker
    if (!stats)
        return out;
    guint64 keys = 0, last = GST_CLOCK_TIME_NONE;
    gboolean writing = FALSE;
    gst_structure_get(stats.get(), "key-units", G_TYPE_UINT64, &keys, "last-video-unit", G_TYPE_UINT64, &last,
                      "writing", G_TYPE_BOOLEAN, &writing, nullptr);
    out.key_unit = keys > 0;
    out.writing = writing;
    if (GST_CLOCK_TIME_IS_VALID(last)) // both clocks are the system's monotonic one
        out.last_video = Time(std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(last)));
    return out;
}

std::optional<RtpTime> SourcePipeline::rtp_time() {
    if (!depayloader_ && offer_) // nobody else describes tracks, which come by RTP
        depayloader_ = picture_depayloader(pipeline_.get());
    return depayloader_ ? rtp_time_of(depayloader_.get()) : std::nullopt;
}

bool SourcePipeline::given_up() { return !failed_ && worker_ && worker_->given_up(); }

std::optional<uint64_t> SourcePipeline::target_bitrate() const {
    return worker_ && worker_->bitrate() ? std::optional(worker_->bitrate()) : std::nullopt;
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
    case GST_MESSAGE_ERROR: handle_error(message); return;
    case GST_MESSAGE_WARNING:
        // Before the first packet there is no pad that an end of stream could travel through: only this is said.
        if (detail_of(Said(message).debug.get()).find("server closed the connection") != std::string::npos)
            fail({FailureClass::ended, closed_by_camera});
        return;
    case GST_MESSAGE_PROGRESS: handle_progress(message); return;
    case GST_MESSAGE_EOS: fail({FailureClass::ended, closed_by_camera}); return;
    case GST_MESSAGE_APPLICATION:
        if (gst_message_has_name(message, message_end))
            fail({FailureClass::ended, closed_by_camera});
        else if (gst_message_has_name(message, redirected_message))
            redirected_to_ = gst_structure_get_string(gst_message_get_structure(message), "host");
        else if (worker_ && (gst_message_has_name(message, WorkerFeed::failed_message) ||
                             gst_message_has_name(message, WorkerFeed::event_message)))
            take_from_worker(gst_message_get_structure(message));
        else if (worker_ && gst_message_has_name(message, WorkerFeed::carried_message))
            worker_->carried(gst_message_get_structure(message));
        else if (gst_message_has_name(message, message_started) && !failed_)
            tell(events_.connected);
        return;
    case GST_MESSAGE_ELEMENT:
        if (failed_ || GST_MESSAGE_SRC(message) != GST_OBJECT(fanout_.get()))
            return;
        if (gst_message_has_name(message, "sluice-source-key-unit"))
            tell(events_.key_unit);
        else if (gst_message_has_name(message, "sluice-source-writing"))
            tell(events_.writing);
        return;
    default: return;
    }
}

void SourcePipeline::take_from_worker(const GstStructure* told) {
    const auto event = failed_ ? std::nullopt : worker_->read(told);
    if (!event)
        return;
    switch (event->kind) {
    case SourceEvent::Kind::connected: return tell(events_.connected);
    case SourceEvent::Kind::handshake_done: return tell(events_.handshake_done);
    case SourceEvent::Kind::data: worker_data_ = Time::clock::now(); return;
    case SourceEvent::Kind::failed: return fail(event->failure);
    }
}

void SourcePipeline::handle_error(GstMessage* message) {
    if (const std::string refused = offer_ ? offer_->nothing_usable() : std::string(); !refused.empty())
        fail({FailureClass::codec, refused});
    else if (const Said said(message);
             said.error && !redirected_to_.empty() &&
             g_error_matches(said.error.get(), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED))
        fail({FailureClass::unauthorised, "the camera redirects to " + redirected_to_ +
                                              ", which wants a user and password; they are given to no other host"});
    else if (said.error && is_of(GST_MESSAGE_SRC(message), chosen_encoder))
        fail({.kind = FailureClass::codec, .reason = said.error->message, .of_encoder = true});
    else if (said.error)
        fail(describe_source_error(*said.error, said.debug.get(), has_credentials_));
}

// rtspsrc: "open" goes on when the host has taken the connection, "request" is over when PLAY is answered.
void SourcePipeline::handle_progress(GstMessage* message) {
    GstProgressType type = GST_PROGRESS_TYPE_ERROR;
    char* raw_code = nullptr;
    gst_message_parse_progress(message, &type, &raw_code, nullptr);
    const GString8 code(raw_code);
    if (failed_)
        return;
    if (g_strcmp0(code.get(), "connect") == 0 && ++connections_ > max_connections)
        fail({FailureClass::protocol, "the camera redirects again and again"});
    else if (type == GST_PROGRESS_TYPE_CONTINUE && g_strcmp0(code.get(), "open") == 0)
        tell(events_.connected);
    else if (type == GST_PROGRESS_TYPE_COMPLETE && g_strcmp0(code.get(), "request") == 0)
        tell(events_.handshake_done);
}

// The call may destroy this object.
void SourcePipeline::tell(const std::function<void()>& event) {
    const auto call = event;
    if (call)
        call();
}

void SourcePipeline::fail(const SourceFailure& failure) {
    if (std::exchange(failed_, true))
        return;
    const auto failed = events_.failed; // the call may destroy this object
    failed(failure);
}

SourceFailure describe_source_error(const GError& error, const char* debug, bool has_credentials) {
    const std::string detail = detail_of(debug);
    // Most say it in the details, some elements in the message itself.
    const auto said = [&](const char* words) {
        return detail.find(words) != std::string::npos ||
               std::string_view(error.message).find(words) != std::string_view::npos;
    };
    const auto resource = [&](int code) { return error.domain == GST_RESOURCE_ERROR && error.code == code; };
    if (resource(GST_RESOURCE_ERROR_NOT_AUTHORIZED))
        return {FailureClass::unauthorised, has_credentials
                                                ? "the camera refuses this user and password"
                                                : "the camera wants a user and password, and none are configured"};
    if (resource(GST_RESOURCE_ERROR_NOT_FOUND) && said("(404)"))
        return {FailureClass::not_found, "the camera knows no stream at this address (404)"};
    if (said("(403)"))
        return {FailureClass::unauthorised, "the camera forbids access (403)"};
    if (said("(453)"))
        return {FailureClass::refused, "the camera has no room for another connection (453)"};
    if (said("(503)"))
        return {FailureClass::refused, "the camera says that it is not available now (503)"};
    if (said("(461)") || said("allow more transport protocols"))
        return {
            .kind = FailureClass::protocol, .reason = "the camera does not offer this transport", .wants_tcp = true};
    if (said("SDP contains no streams"))
        return {FailureClass::protocol, "the camera's description of the stream (SDP) is broken or names no media"};
    if (said("Failed to connect") || said("streaming stopped, reason error")) // all that souphttpsrc says
        return {FailureClass::unreachable, "the camera cannot be reached", true};
    if (said("streaming stopped, reason not-linked"))
        return {FailureClass::codec, "there is no track that can be passed on"};
    if (resource(GST_RESOURCE_ERROR_BUSY) && said("taken over"))
        return {.kind = FailureClass::ended, .reason = "another source has taken over", .taken_over = true};
    if (said("Parse error"))
        return {FailureClass::protocol, "what answers there does not speak RTSP"};
    if (resource(GST_RESOURCE_ERROR_READ) && said("Could not receive message"))
        return {FailureClass::ended, "the camera has reset the connection"};
    // Elements put their own words last; without any the general ones have to do.
    const std::string words =
        hide_queries(redact_urls(detail.empty() ? error.message : std::string(error.message) + " " + detail));
    if (resource(GST_RESOURCE_ERROR_NOT_FOUND)) // a file, a device
        return {FailureClass::not_found, words};
    if (said("Failed to authenticate")) // SRT
        return {FailureClass::unauthorised, words};
    if (said("SRT socket: Connection timeout"))
        return {FailureClass::timed_out, words};
    if (error.domain == GST_STREAM_ERROR)
        return {FailureClass::codec, words};
    return {FailureClass::protocol, words};
}

} // namespace sluice
