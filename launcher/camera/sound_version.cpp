// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/sound_version.hpp"

#include "launcher/camera/worker_source.hpp"
#include "launcher/log.hpp"
#include "plugins/core/channel_access.hpp"
#include "plugins/core/error_text.hpp"
#include "plugins/core/opus_chain.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

// Opus has a chain, too: a camera that comes back with other sound than that is then an error, and makes a new worker.
TranscodeJob sound_job() {
    return {.encoder = {},
            .chains = {{"audio/mpeg", opus_chain(Codec::aac)},
                       {"audio/x-mulaw", opus_chain(Codec::pcmu)},
                       {"audio/x-alaw", opus_chain(Codec::pcma)},
                       {"audio/x-opus", opus_chain(Codec::opus)}},
            .settings = {}};
}

SoundVersion::SoundVersion(const std::string& channel, Teardown& teardown, TimerQueue& timers)
    : from_(adopt(sluice_channel_get(channel.c_str()))),
      to_(adopt(sluice_channel_get((channel + opus_suffix).c_str()))), name_(channel + opus_suffix),
      teardown_(teardown), timer_(timers, [this] { due(); }) {
    if (to_)
        demand_.emplace(to_, [this] { settle(); });
}

SoundVersion::~SoundVersion() { stop(); }

void SoundVersion::start() {
    started_ = true;
    settle();
}

void SoundVersion::stop() {
    started_ = false;
    settle();
}

void SoundVersion::settle() {
    const bool wanted = started_ && demand_ && demand_->wanted();
    if (!wanted) {
        end();
        timer_.clear(); // the time of the next attempt stays: who goes and comes back cannot hurry it
    } else if (!run_) {
        next_attempt_ ? timer_.set(*next_attempt_) : begin();
    }
}

void SoundVersion::due() {
    if (run_)
        return look();
    next_attempt_.reset();
    settle();
}

void SoundVersion::begin() {
    const std::shared_ptr<Channel> from = channel_of(from_.get());
    if (const TrackPtr sound = from->audio_track(); sound && !has_opus_decoder(sound->codec))
        return failed(std::string("nothing here decodes ") + codec_name(sound->codec) +
                      "; install the Debian package gstreamer1.0-libav");
    auto pipeline = make_worker_pipeline(name_);
    if (!pipeline)
        return failed(pipeline.error().text);
    const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline->get()), "fanout"));
    auto feed = WorkerFeed::start(
        pipeline->get(), fanout.get(),
        {.name = name_, .job = to_json(sound_job()), .from = from, .media = UnitSource::Media::sound});
    if (!feed)
        return failed(feed.error().text);
    const Time now = TimerQueue::Clock::now();
    run_.emplace(Run{.pipeline = std::move(pipeline).value(),
                     .feed = std::move(feed).value(),
                     .source = from->attach(Channel::Start::live, false, true),
                     .began = now,
                     .made = channel_of(to_.get())->stats(channel_now()).last_unit});
    const auto bus = adopt(gst_element_get_bus(run_->pipeline.get()));
    gst_bus_add_watch(bus.get(), on_message, this);
    gst_element_set_state(run_->pipeline.get(), GST_STATE_PLAYING);
    timer_.set(now + look_interval);
}

void SoundVersion::end() {
    if (!run_)
        return;
    const auto bus = adopt(gst_element_get_bus(run_->pipeline.get()));
    gst_bus_remove_watch(bus.get());
    auto process = run_->feed->process();
    run_->feed.reset(); // it uses the pipeline
    teardown_.retire(std::move(run_->pipeline), name_, std::move(process));
    run_.reset();
}

// A process that hangs says nothing against itself.
void SoundVersion::look() {
    const Time now = TimerQueue::Clock::now();
    const bool heard = run_->source->backlog() > 0;
    run_->source->skip_all();
    const auto made = channel_of(to_.get())->stats(channel_now()).last_unit;
    const bool more = std::exchange(run_->made, made) != made;
    run_->proven = run_->proven || more;
    run_->silent = heard && !more ? run_->silent + 1 : 0;
    if (run_->silent >= (run_->proven ? silent_looks : first_looks))
        return failed("the worker process gets sound and gives none");
    timer_.set(now + look_interval);
}

void SoundVersion::failed(const std::string& reason) {
    const Time now = TimerQueue::Clock::now();
    if (run_ && now - run_->began >= worked)
        delay_ = {};
    end();
    log_warning("sound " + name_ + ": " + reason +
                (delay_.count() ? "; again in " + std::to_string(delay_.count()) + " s" : "; again at once"));
    next_attempt_ = now + delay_;
    delay_ = std::clamp(2 * delay_, shortest_delay, longest_delay);
    settle();
}

gboolean SoundVersion::on_message(GstBus*, GstMessage* message, gpointer self) {
    std::string reason;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        reason = error_text(message);
    } else if (gst_message_has_name(message, WorkerFeed::failed_message)) {
        const char* said = gst_structure_get_string(gst_message_get_structure(message), "reason");
        reason = said ? said : "";
    } else {
        return G_SOURCE_CONTINUE;
    }
    static_cast<SoundVersion*>(self)->failed(reason);
    return G_SOURCE_REMOVE;
}

} // namespace sluice
