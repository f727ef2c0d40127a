// SPDX-License-Identifier: LGPL-2.1-or-later
// What all workers that encode share: how many there may be, and which encoder is used. Lives in the main context.
#pragma once

#include "hw/encoder_ladder.hpp"
#include "hw/prober.hpp"
#include "hw/profiles.hpp"
#include "plugins/core/result.hpp"

#include <memory>
#include <string>

namespace sluice {

class EncoderTrials;

class Transcoding {
public:
    // at_once: so many transcodes may run.
    Transcoding(hw::EncoderLadder encoders, unsigned at_once);
    ~Transcoding();
    Transcoding(const Transcoding&) = delete;
    Transcoding& operator=(const Transcoding&) = delete;

    // One transcode; given back when it is let go.
    class Permit {
    public:
        explicit Permit(std::shared_ptr<unsigned> running) : running_(std::move(running)) { ++*running_; }
        ~Permit() { --*running_; }
        Permit(const Permit&) = delete;
        Permit& operator=(const Permit&) = delete;

    private:
        const std::shared_ptr<unsigned> running_;
    };
    // Error: there are as many as there may be.
    Result<std::unique_ptr<Permit>> request();

    // The name of the one to be used now. Error: none works.
    Result<std::string> encoder() const;
    using Time = hw::EncoderLadder::Time;
    static Time now();
    // It could not go on. True: there is another one.
    bool failed(const std::string& encoder, const std::string& reason);
    // Tries the hardware encoders, each in a process of its own, and removes those that do not work; in the background, later
    // than now. Until then, and without any, all is as before. In the main thread; prober: see EncoderTrials.
    void verify(hw::Prober prober);
    // What began then has ended well.
    void worked(const std::string& encoder, Time began) { encoders_.worked(encoder, began); }

private:
    void judge(const std::string& encoder, const hw::Probe& probe);

    hw::EncoderLadder encoders_;
    std::unique_ptr<EncoderTrials> trials_;
    const unsigned at_once_;
    const std::shared_ptr<unsigned> running_ = std::make_shared<unsigned>(0);
};

// Of what is described, those whose plugin and device are here.
hw::EncoderLadder present_encoders(const hw::Profiles& profiles);

} // namespace sluice
