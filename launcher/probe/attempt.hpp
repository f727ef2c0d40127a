// SPDX-License-Identifier: LGPL-2.1-or-later
// One connection to a source as the launcher would make it, with a channel of its own, and everything that comes through it.
#pragma once

#include "launcher/camera/camera_life.hpp"
#include "launcher/camera/diagnosis.hpp"
#include "launcher/camera/source_pipeline.hpp"
#include "launcher/camera/teardown.hpp"
#include "launcher/config/url.hpp"
#include "launcher/probe/facts.hpp"
#include "launcher/probe/taps.hpp"
#include "plugins/core/channel_access.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::probe {

class Attempt {
public:
    using Time = CameraLife::Time;

    // limits: patience as of a camera that is served.
    Attempt(const Templates& templates, SourceConfig source, const LifeLimits& limits, Teardown& teardown);
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    // In the main context, again and again while it runs: what has come and what has not.
    void look();
    bool streaming() const { return !video_.empty(); }
    bool over() const { return failure_.kind != FailureClass::none; }
    // For people: "connecting", "connected, waiting for a key frame"...
    std::string stage() const;
    double watched() const; // seconds since the first picture
    unsigned pictures() const { return video_.pictures(); }
    unsigned key_units() const { return video_.key_units(); }
    bool encodes() const { return taps_ && taps_->encodes(); }

    // What is known by now.
    Facts facts() const;

private:
    class Inbox;
    using Actions = CameraLife::Actions;
    static Time now() { return CameraLife::Clock::now(); }

    void begin();
    void apply(const Actions& actions);
    void source_failed(const SourceFailure& failure);
    void fail(const Failure& failure);
    bool use_tcp();
    void take_units();
    VideoFacts video_facts(const ClockFigures* clock) const;

    const Templates& templates_;
    SourceConfig source_;
    const LifeLimits limits_;
    Teardown& teardown_;
    const std::optional<CameraUrl> url_;
    const Ref<SluiceChannel> held_;
    const std::shared_ptr<Channel> channel_;
    const std::shared_ptr<Inbox> inbox_;
    CameraLife life_;
    std::unique_ptr<SourcePipeline> pipeline_;
    std::shared_ptr<Taps> taps_;
    std::unique_ptr<Diagnosis> diagnosis_;
    bool fell_to_tcp_ = false, connected_ = false;
    StreamMeter video_;
    SoundMeter sound_;
    TrackPtr video_track_, sound_track_;
    std::optional<Time> first_video_, first_sound_;
    const Time began_ = now();
    bool sender_reports_ = false;
    Failure failure_;
};

} // namespace sluice::probe
