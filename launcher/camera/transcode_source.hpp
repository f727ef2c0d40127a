// SPDX-License-Identifier: LGPL-2.1-or-later
// A source that is another stream of the same camera, decoded and encoded by a worker process.
#pragma once

#include "launcher/camera/timer_queue.hpp"
#include "launcher/camera/worker_source.hpp"
#include "launcher/config/templates.hpp"
#include "launcher/worker/rate_follower.hpp"
#include "plugins/core/sluicechannel.h"

namespace sluice {

constexpr const char* transcoded_caps =
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";

class Transcode final : public WorkerSource {
public:
    // channel: of the derived stream, "front/web". config: has what it is made of.
    Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const SourceConfig& config,
              const Templates& templates, Transcoding& transcoding, TimerQueue& timers);

    void carried(const GstStructure* told) override;
    uint64_t bitrate() const override { return rate_.rate(); }

private:
    Result<WorkerFeed::Task> task() override;
    void started() override;
    bool refused() const override { return refused_; }
    bool hangs(GstClockTime last) const override;
    void follow_rate();
    void look_at_load();

    const SourceConfig config_;
    const Templates& templates_;
    std::unique_ptr<TranscodeRoom::Permit> permit_;
    bool refused_ = false;
    TimerQueue::Timer load_timer_;
    Ref<SluiceChannel> from_;
    GstClockTime began_ = 0;  // on the clock of channels
    uint64_t generation_ = 0; // of what it is made of, then; 0: there was nothing to begin with
    RateFollower rate_;
    bool follows_rate_ = false;
    TimerQueue::Timer rate_timer_;
};

} // namespace sluice
