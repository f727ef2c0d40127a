// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream of a camera: its sources, which of them is shown, its channel. Lives in the main context.
#pragma once

#include "launcher/camera/attempt_gate.hpp"
#include "launcher/camera/camera_life.hpp"
#include "launcher/camera/clock_watch.hpp"
#include "launcher/camera/demand_watch.hpp"
#include "launcher/camera/diagnosis.hpp"
#include "launcher/camera/sound_version.hpp"
#include "launcher/camera/source_choice.hpp"
#include "launcher/camera/source_pipeline.hpp"
#include "launcher/camera/stream_memory.hpp"
#include "launcher/camera/timer_queue.hpp"
#include "launcher/config/config.hpp"
#include "launcher/config/url.hpp"
#include "launcher/worker/transcode_room.hpp"
#include "plugins/core/sluicechannel.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

// For the API.
struct StreamStatus {
    std::string name, channel;
    LifeState state = LifeState::idle;
    FailureClass failure = FailureClass::none;
    std::string reason;
    double state_seconds = 0;           // how long it has been so
    std::optional<double> next_attempt; // seconds until then, in backoff
    size_t source = 0, sources = 1;     // which one plays or is tried, of how many
    bool on_demand = false;
    uint64_t attempts = 0, losses = 0;
    size_t zombies = 0; // connections that hang while they are closed
    std::string codec;  // "H264"; empty: not known yet
    unsigned width = 0, height = 0;
    double fps = 0;
    uint64_t bitrate = 0;                   // bit/s
    std::optional<uint64_t> target_bitrate; // that an encoder is asked for now, if there is one
    std::string derived_from;               // empty: from the camera
};

// What all streams of a fleet share. Outlives them.
struct StreamTools {
    const Templates& templates;
    Transcoding& transcoding;
    Teardown& teardown;
    AttemptGate& gate;
    TimerQueue& timers;
    StreamMemory& memory;
    const LifeLimits& limits;
};

class CameraStream {
public:
    CameraStream(const std::string& camera, StreamConfig config, const StreamTools& tools);
    ~CameraStream();
    CameraStream(const CameraStream&) = delete;
    CameraStream& operator=(const CameraStream&) = delete;

    void start();
    // reason: what viewers who ask meanwhile are told; empty: only not now.
    void stop(const std::string& reason = {});
    const StreamConfig& config() const { return config_; }
    StreamStatus status() const;
    // Called in the main context when the state or its reason is another one.
    void on_change(std::function<void()> callback) { changed_ = std::move(callback); }

private:
    using Time = CameraLife::Time;
    static Time now() { return CameraLife::Clock::now(); }

    struct Source {
        Source(CameraStream& stream, size_t index);
        const size_t index;
        SourceConfig config; // with the transport that works
        const std::optional<CameraUrl> url;
        CameraLife life;
        std::unique_ptr<AttemptGate::Permit> permit;
        std::unique_ptr<SourcePipeline> pipeline;
        std::unique_ptr<Diagnosis> diagnosis;
        std::unique_ptr<TranscodeRoom::Waiting> waiting;
        bool standby = false;
        TimerQueue::Timer timer;
    };

    void apply(Source& source, const CameraLife::Actions& actions);
    void hurry(const Source& lost);
    void begin_attempt(Source& source);
    void source_failed(Source& source, const SourceFailure& failure);
    void look(Source& source);
    void tick(Source& source);
    void look_at_clock();
    bool use_tcp(Source& source);
    void wait_for_room(Source& source);
    bool stands_by(const Source& source) const;
    void look_again();
    void settle();
    void choose();
    void choose_once();
    const Source& shown() const;
    Failure failure() const;
    void remember();
    void learn();
    void report();
    void log_state(const Source& source, const Failure& failure);

    const StreamConfig config_;
    const std::string channel_name_;
    const StreamTools tools_;
    Ref<SluiceChannel> channel_;
    std::vector<std::unique_ptr<Source>> sources_;
    SourceChoice choice_;
    std::optional<size_t> active_;
    TimerQueue::Timer choose_timer_;
    std::optional<DemandWatch> demand_; // of a stream that runs while it is wanted
    SoundVersion sound_;
    bool started_ = false;
    bool choosing_ = false, choose_again_ = false;
    ClockWatch clock_;
    struct Told { // to on_change
        LifeState state = LifeState::idle;
        FailureClass failure = FailureClass::none;
        std::string reason;
        size_t source = 0;
        std::optional<Time> next_attempt;
        bool operator==(const Told&) const = default;
    } told_;
    struct Logged {
        std::string text;
        Time at{};
    } logged_;
    std::function<void()> changed_;
};

} // namespace sluice
