// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/worker_source.hpp"

#include <utility>

namespace sluice {

Result<Ref<GstElement>> make_worker_pipeline(const std::string& channel) {
    Ref<GstElement> pipeline = sink(gst_pipeline_new(channel.c_str()));
    GstElement* fanout = gst_element_factory_make("fanoutsink", "fanout");
    if (!fanout)
        return Error{ErrorKind::unavailable, "the element fanoutsink cannot be made"};
    g_object_set(fanout, "channel", channel.c_str(), "key-unit-requests", TRUE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), fanout);
    return pipeline;
}

WorkerSource::~WorkerSource() {
    if (feed_ && !failed_ && !encoder_.empty() && GST_CLOCK_TIME_IS_VALID(last_picture()))
        transcoding_.worked(encoder_, began_);
}

// Not before a key unit.
GstClockTime WorkerSource::last_picture() const {
    const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"));
    GstStructure* raw = nullptr;
    g_object_get(fanout.get(), "source-stats", &raw, nullptr);
    const GstStructurePtr stats(raw);
    guint64 keys = 0, last = GST_CLOCK_TIME_NONE;
    if (stats)
        gst_structure_get(stats.get(), "key-units", G_TYPE_UINT64, &keys, "last-video-unit", G_TYPE_UINT64, &last,
                          nullptr);
    return keys > 0 ? last : GST_CLOCK_TIME_NONE;
}

// An encoder that hangs says nothing against itself.
bool WorkerSource::given_up() {
    if (!feed_ || failed_ || encoder_.empty() || !hangs(last_picture()))
        return false;
    failed_ = true;
    return transcoding_.lost(encoder_, channel_, "the worker process gets pictures and gives none");
}

void WorkerSource::start() {
    if (const auto begun = begin(); !begun)
        WorkerFeed::tell_failure(pipeline_.get(), {TranscodeFailure::Part::source, begun.error().text});
}

Result<bool> WorkerSource::begin() {
    auto wanted = task();
    if (!wanted)
        return wanted.error();
    const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"));
    auto feed = WorkerFeed::start(pipeline_.get(), fanout.get(), std::move(wanted).value());
    if (!feed)
        return feed.error();
    began_ = Transcoding::now();
    feed_ = std::move(feed).value();
    started();
    return true;
}

Result<std::string> WorkerSource::choose_encoder() {
    auto encoder = transcoding_.encoder();
    if (encoder) {
        encoder_ = encoder.value();
        use_ = std::make_unique<Transcoding::Use>(transcoding_, encoder_);
    }
    return encoder;
}

std::optional<SourceEvent> WorkerSource::read(const GstStructure* told) {
    using Part = TranscodeFailure::Part;
    std::optional<SourceEvent> out;
    bool of_process = false;
    if (gst_structure_has_name(told, WorkerFeed::failed_message)) {
        int number = 0;
        gst_structure_get_int(told, "part", &number);
        const auto part = static_cast<Part>(number);
        of_process = part == Part::process;
        const char* reason = gst_structure_get_string(told, "reason");
        out.emplace();
        out->failure.kind = part == Part::encoder || part == Part::decoder ? FailureClass::codec : FailureClass::ended;
        out->failure.reason = reason ? reason : "";
        out->failure.of_encoder = part == Part::encoder;
    } else if (const char* text = gst_structure_get_string(told, "text")) {
        std::vector<ConfigError> errors;
        const Json event = parse_json_text(text, errors);
        out = errors.empty() ? source_event(event) : std::nullopt;
    }
    if (out && out->kind == SourceEvent::Kind::failed)
        out->failure = judge(std::move(out->failure), of_process);
    return out;
}

// Said by a worker: of an encoder that it was never given it says nothing.
SourceFailure WorkerSource::judge(SourceFailure failure, bool of_process) {
    failure.of_encoder = failure.of_encoder && !encoder_.empty();
    if (failure.of_encoder && !failed_)
        failure.again = transcoding_.failed(encoder_, failure.reason);
    if (of_process && !failed_ && !encoder_.empty())
        failure.again = transcoding_.lost(encoder_, channel_, failure.reason);
    failure.no_room = refused();
    failed_ = true;
    return failure;
}

} // namespace sluice
