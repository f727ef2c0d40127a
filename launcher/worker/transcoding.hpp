// SPDX-License-Identifier: LGPL-2.1-or-later
// What all workers that encode share: how many there may be, and which encoder is used. Lives in the main context.
#pragma once

#include "hw/encoder_ladder.hpp"
#include "hw/prober.hpp"
#include "hw/profiles.hpp"
#include "hw/trial_plan.hpp"
#include "launcher/worker/transcode_room.hpp"
#include "plugins/core/result.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class EncoderTrials;

class Transcoding {
public:
    Transcoding(hw::EncoderLadder encoders, const TranscodeRoom::Limits& limits);
    ~Transcoding();
    Transcoding(const Transcoding&) = delete;
    Transcoding& operator=(const Transcoding&) = delete;

    // Who may run, and who waits.
    TranscodeRoom& room() { return room_; }

    // The name of the one to be used now. Error: none works.
    Result<std::string> encoder() const;
    // Whether it takes another bit rate while it plays.
    bool follows_rate(const std::string& encoder) const;
    using Time = hw::EncoderLadder::Time;
    static Time now();
    // It could not go on. True: there is another one.
    bool failed(const std::string& encoder, const std::string& reason);
    // The worker that made `stream` with it has crashed or hung (EncoderLadder::lost). True: it is held against the encoder, and
    // there is another one.
    bool lost(const std::string& encoder, const std::string& stream, const std::string& reason);
    // Tries the hardware encoders, each in a process of its own, and removes those that do not work; in the background, later
    // than now. Until then, and without any, all is as before. In the main thread; prober: see EncoderTrials.
    void verify(hw::Prober prober);
    // What has failed its trial is to be tried again then. Nothing: all work, or are on trial now.
    std::optional<hw::TrialPlan::Time> next_trial() const;
    // Called when that is another time.
    std::function<void(std::optional<hw::TrialPlan::Time>)> on_next_trial;
    // Its time has come. What a worker uses is put off: that it works is known, and the trial might take its last session.
    void try_again();
    // What began then has ended well.
    void worked(const std::string& encoder, Time began) { encoders_.worked(encoder, began); }

    // Of a worker that may encode with it, as long as it does.
    class Use {
    public:
        Use(Transcoding& transcoding, const std::string& encoder);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

    private:
        Transcoding& transcoding_;
        const std::string encoder_;
    };

private:
    bool run_trials(std::vector<hw::EncoderProfile> encoders);
    void judge(const std::string& encoder, const hw::Probe& probe);
    void tell_next_trial() const;

    hw::EncoderLadder encoders_;
    std::map<std::string, unsigned> uses_;
    hw::Prober prober_;
    hw::TrialPlan plan_;
    size_t on_trial_ = 0; // their results are still to come
    std::unique_ptr<EncoderTrials> trials_;
    TranscodeRoom room_;
};

// Of what is described, those whose plugin and device are here.
hw::EncoderLadder present_encoders(const hw::Profiles& profiles);

} // namespace sluice
