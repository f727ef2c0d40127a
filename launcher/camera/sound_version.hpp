// SPDX-License-Identifier: LGPL-2.1-or-later
// The sound of a stream as Opus, made by a worker process while somebody listens who cannot take it as it is.
#pragma once

#include "launcher/camera/demand_watch.hpp"
#include "launcher/camera/teardown.hpp"
#include "launcher/camera/timer_queue.hpp"
#include "launcher/worker/feed.hpp"
#include "launcher/worker/transcode_job.hpp"
#include "plugins/core/channel.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

// What the worker is asked for: of a stream's sound alone (UnitSource::Media::sound).
TranscodeJob sound_job();

// What it makes goes into the channel whose name has the suffix of plugins/core/opus_chain.hpp. Lives in the main context.
class SoundVersion {
public:
    // channel: of the stream, "front/main".
    SoundVersion(const std::string& channel, Teardown& teardown, TimerQueue& timers);
    ~SoundVersion();
    SoundVersion(const SoundVersion&) = delete;
    SoundVersion& operator=(const SoundVersion&) = delete;

    void start();
    void stop();

private:
    using Time = TimerQueue::Time;
    // Of the next attempt: none at first, then each twice the one before.
    static constexpr std::chrono::seconds shortest_delay{1}, longest_delay{30};
    static constexpr std::chrono::seconds worked{10}; // so long, and the next failure is the first one
    static constexpr std::chrono::seconds look_interval{2};
    // With sound to be made and none made so often in a row it hangs; before the first it may just start slowly.
    static constexpr unsigned silent_looks = 2, first_looks = 5;

    struct Run {
        Ref<GstElement> pipeline;
        std::unique_ptr<WorkerFeed> feed;
        std::unique_ptr<Channel::Reader> source; // of the stream's sound: does any come?
        Time began;
        std::optional<ChannelTime> made; // the newest unit, at the last look
        bool proven = false;             // it has made some
        unsigned silent = 0;             // looks in a row
    };
    void settle();
    void due();
    void begin();
    void end();
    void look();
    void failed(const std::string& reason);
    static gboolean on_message(GstBus* bus, GstMessage* message, gpointer self);

    const Ref<SluiceChannel> from_, to_; // the second is NULL: its name would be too long
    const std::string name_;             // of the second
    Teardown& teardown_;
    std::optional<DemandWatch> demand_;
    TimerQueue::Timer timer_; // of the next look, or of the next attempt
    bool started_ = false;
    std::optional<Run> run_;
    std::optional<Time> next_attempt_; // none before
    std::chrono::seconds delay_{};
};

} // namespace sluice
