// SPDX-License-Identifier: LGPL-2.1-or-later
// A source that is another stream of the same camera, decoded and encoded by a worker process.
#pragma once

#include "launcher/camera/source_pipeline.hpp"
#include "launcher/camera/timer_queue.hpp"
#include "launcher/worker/feed.hpp"
#include "launcher/worker/rate_follower.hpp"
#include "launcher/worker/transcoding.hpp"
#include "plugins/core/sluicechannel.h"

namespace sluice {

constexpr const char* transcoded_caps =
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";

// What the worker's tracks come into: a fanoutsink named "fanout" and nothing else, in the state NULL.
Result<Ref<GstElement>> make_transcode_pipeline(const std::string& channel);

class Transcode {
public:
    // channel: of the derived stream, "front/web". config: has what it is made of.
    Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const SourceConfig& config,
              const Templates& templates, Transcoding& transcoding, TimerQueue& timers);

    ~Transcode();
    Transcode(const Transcode&) = delete;
    Transcode& operator=(const Transcode&) = delete;

    // What cannot begin is told like everything that fails, by a message.
    void start();
    // Of a message WorkerFeed::failed_message.
    SourceFailure failure(const GstStructure* told);
    // Of a message WorkerFeed::carried_message.
    void carried(const GstStructure* told);
    // That the encoder is asked for now, bit/s; 0: what the template says.
    uint64_t bitrate() const { return rate_.rate(); }

private:
    Result<bool> begin();
    void follow_rate();
    void look_at_load();

    const Ref<GstElement> pipeline_;
    const std::string channel_;
    const SourceConfig config_;
    const Templates& templates_;
    Transcoding& transcoding_;
    std::unique_ptr<TranscodeRoom::Permit> permit_;
    TimerQueue::Timer load_timer_;
    std::string encoder_;
    Transcoding::Time began_{};
    bool failed_ = false, refused_ = false;
    Ref<SluiceChannel> from_;
    std::unique_ptr<WorkerFeed> feed_;
    RateFollower rate_;
    bool follows_rate_ = false;
    TimerQueue::Timer rate_timer_;
};

} // namespace sluice
