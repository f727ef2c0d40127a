// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/transcode_source.hpp"

#include "plugins/core/channel_access.hpp"

namespace sluice {

Result<Ref<GstElement>> make_transcode_pipeline(const std::string& channel) {
    Ref<GstElement> pipeline = sink(gst_pipeline_new(channel.c_str()));
    GstElement* fanout = gst_element_factory_make("fanoutsink", "fanout");
    if (!fanout)
        return Error{ErrorKind::unavailable, "the element fanoutsink cannot be made"};
    g_object_set(fanout, "channel", channel.c_str(), "key-unit-requests", TRUE, "bitrate-requests", TRUE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), fanout);
    return pipeline;
}

Transcode::Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const SourceConfig& config,
                     const Templates& templates, Transcoding& transcoding, TimerQueue& timers)
    : pipeline_(pipeline), channel_(channel), config_(config), templates_(templates), transcoding_(transcoding),
      load_timer_(timers, [this] { look_at_load(); }), rate_(config.derived->bitrate * uint64_t(1000)),
      rate_timer_(timers, [this] { follow_rate(); }) {}

Transcode::~Transcode() {
    if (feed_ && !failed_)
        transcoding_.worked(encoder_, began_);
}

Result<bool> Transcode::begin() {
    const SourceTemplate* source_template = templates_.find(config_.source_template);
    if (!source_template)
        return Error{ErrorKind::bad_config, "there is no template " + config_.source_template};
    auto job = job_of(*source_template, config_);
    if (!job)
        return job.error();
    auto permit = transcoding_.room().request(TimerQueue::Clock::now());
    refused_ = !permit;
    if (!permit)
        return permit.error();
    auto encoder = transcoding_.encoder();
    if (!encoder)
        return encoder.error();
    encoder_ = std::move(encoder).value();
    job->encoder = encoder_;
    from_ = adopt(sluice_channel_get((channel_.substr(0, channel_.find('/') + 1) + config_.derived->from).c_str()));
    const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"));
    auto feed = WorkerFeed::start(pipeline_.get(), fanout.get(), channel_of(from_.get()), job.value(), channel_);
    if (!feed)
        return feed.error();
    began_ = Transcoding::now();
    follows_rate_ = job->bitrate && transcoding_.follows_rate(encoder_);
    permit_ = std::move(permit).value();
    feed_ = std::move(feed).value();
    permit_->runs(feed_->pid(), TimerQueue::Clock::now());
    load_timer_.set(TimerQueue::Clock::now() + TranscodeRoom::look_interval);
    return true;
}

void Transcode::start() {
    if (const auto begun = begin(); !begun)
        WorkerFeed::tell_failure(pipeline_.get(), {TranscodeFailure::Part::source, begun.error().text});
}

void Transcode::look_at_load() {
    const auto now = TimerQueue::Clock::now();
    permit_->look(now);
    load_timer_.set(now + TranscodeRoom::look_interval);
}

void Transcode::carried(const GstStructure* told) {
    guint64 bitrate = 0;
    gst_structure_get_uint64(told, "bitrate", &bitrate);
    rate_.carried(bitrate);
    follow_rate();
}

void Transcode::follow_rate() {
    if (!feed_ || !follows_rate_)
        return;
    if (const auto rate = rate_.step(TimerQueue::Clock::now()))
        feed_->set_bitrate(*rate);
    rate_timer_.set(rate_.next());
}

SourceFailure Transcode::failure(const GstStructure* told) {
    failed_ = true;
    int part = 0;
    gst_structure_get_int(told, "part", &part);
    const char* reason = gst_structure_get_string(told, "reason");
    SourceFailure out{.kind = FailureClass::ended, .reason = reason ? reason : "", .no_room = refused_};
    if (part == static_cast<int>(TranscodeFailure::Part::encoder)) {
        out.kind = FailureClass::codec;
        out.again = transcoding_.failed(encoder_, out.reason); // with another one
    } else if (part == static_cast<int>(TranscodeFailure::Part::decoder)) {
        out.kind = FailureClass::codec;
    }
    return out;
}

} // namespace sluice
