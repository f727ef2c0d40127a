// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/transcode_source.hpp"

#include "launcher/worker/transcode_job.hpp"
#include "plugins/core/channel_access.hpp"

namespace sluice {

namespace {

// Longer than the time that ChannelStats::fps is of: what came before the last picture shall not count as what came behind it.
constexpr GstClockTime hang = 5 * GST_SECOND;

} // namespace

Transcode::Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const SourceConfig& config,
                     const Templates& templates, Transcoding& transcoding, TimerQueue& timers)
    : WorkerSource(pipeline, channel, transcoding), config_(config), templates_(templates),
      load_timer_(timers, [this] { look_at_load(); }), rate_(config.derived->bitrate * uint64_t(1000)),
      rate_timer_(timers, [this] { follow_rate(); }) {
    if (const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "fanout")))
        g_object_set(fanout.get(), "bitrate-requests", TRUE, nullptr);
}

Result<WorkerFeed::Task> Transcode::task() {
    const SourceTemplate* source_template = templates_.find(config_.source_template);
    if (!source_template)
        return Error{ErrorKind::bad_config, "there is no template " + config_.source_template};
    auto job = job_of(*source_template, config_);
    if (!job)
        return job.error();
    auto permit = transcoding().room().request(TimerQueue::Clock::now());
    refused_ = !permit;
    if (!permit)
        return permit.error();
    std::string named = named_encoder(*source_template, config_.parameters);
    if (named.empty() && uses_element(*source_template, chosen_encoder)) {
        const auto encoder = choose_encoder();
        if (!encoder)
            return encoder.error();
        named = job->encoder = encoder.value();
    }
    permit_ = std::move(permit).value();
    follows_rate_ = job->bitrate && transcoding().follows_rate(named);
    from_ = adopt(sluice_channel_get((channel().substr(0, channel().find('/') + 1) + config_.derived->from).c_str()));
    return WorkerFeed::Task{.name = channel(), .job = to_json(job.value()), .from = channel_of(from_.get())};
}

void Transcode::started() {
    const auto now = TimerQueue::Clock::now();
    permit_->runs(feed()->pid(), now);
    load_timer_.set(now + TranscodeRoom::look_interval);
    began_ = channel_now();
    const ChannelStats stats = channel_of(from_.get())->stats(began_);
    generation_ = stats.producer_present && stats.gop_complete ? stats.generation : 0;
}

// What the camera does not send is not the worker's fault, and who has given nothing yet must have been given something from the
// start.
bool Transcode::hangs(GstClockTime last) const {
    const std::shared_ptr<Channel> from = channel_of(from_.get());
    const ChannelTime now = channel_now();
    const ChannelStats stats = from->stats(now);
    const bool begun = GST_CLOCK_TIME_IS_VALID(last);
    return (begun || (generation_ && generation_ == stats.generation)) && from->unavailable().empty() &&
           stats.fps > 0 && now >= (begun ? last : began_) + hang;
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
    if (!feed() || !follows_rate_)
        return;
    if (const auto rate = rate_.step(TimerQueue::Clock::now()))
        feed()->set_bitrate(*rate);
    rate_timer_.set(rate_.next());
}

} // namespace sluice
