// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream of a camera: its life, its present source pipeline, its channel. Lives in the main context.
#pragma once

#include "launcher/camera/camera_life.hpp"
#include "launcher/camera/diagnosis.hpp"
#include "launcher/camera/failure.hpp"
#include "launcher/camera/source_pipeline.hpp"
#include "launcher/config/config.hpp"
#include "plugins/core/sluicechannel.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

// For the API.
struct StreamStatus {
    std::string name, channel;
    LifeState state = LifeState::idle;
    FailureClass failure = FailureClass::none;
    std::string reason;
    double state_seconds = 0;           // how long it has been so
    std::optional<double> next_attempt; // seconds, in backoff only
    uint64_t attempts = 0, losses = 0;
    std::string codec; // "H264"; empty: not known yet
    unsigned width = 0, height = 0;
    double fps = 0;
    uint64_t bitrate = 0; // bit/s
    unsigned readers = 0;
    unsigned source = 0, sources = 1; // the one that plays or is being tried, counted from 0; how many there are
    bool on_demand = false;
    unsigned zombies = 0; // connections that hang while they are closed
};

class CameraStream {
public:
    CameraStream(const std::string& camera, StreamConfig config, const Templates& templates, Teardown& teardown,
                 const LifeLimits& limits);
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
    void apply(const CameraLife::Actions& actions);
    void begin_attempt();
    void source_failed(const SourceFailure& failure);
    void poll();
    void arm();
    void report();
    struct Progress { // of the channel: units written, and units dropped because no key unit had come
        uint64_t units = 0, before_key = 0;
    };
    Progress progress() const;

    const StreamConfig config_;
    const std::string channel_name_;
    const Templates& templates_;
    Teardown& teardown_;
    CameraLife life_;
    Ref<SluiceChannel> channel_;
    std::unique_ptr<SourcePipeline> source_;
    std::unique_ptr<Diagnosis> diagnosis_;
    Progress seen_;
    guint timer_ = 0;
    gulong producer_signal_ = 0;
    std::shared_ptr<CameraStream*> self_; // for calls that arrive from other threads; empty inside: gone
    std::string logged_reason_;
    Time logged_at_{};
    std::function<void()> changed_;
};

} // namespace sluice
