// SPDX-License-Identifier: LGPL-2.1-or-later
// What all workers that encode share: how many there may be, and which encoder is used. Lives in the main context.
#pragma once

#include "hw/encoder_ladder.hpp"
#include "hw/prober.hpp"
#include "hw/profiles.hpp"
#include "launcher/worker/transcode_room.hpp"
#include "plugins/core/result.hpp"

#include <memory>
#include <string>

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
    // Tries the hardware encoders, each in a process of its own, and removes those that do not work; in the background, later
    // than now. Until then, and without any, all is as before. In the main thread; prober: see EncoderTrials.
    void verify(hw::Prober prober);
    // What began then has ended well.
    void worked(const std::string& encoder, Time began) { encoders_.worked(encoder, began); }

private:
    void judge(const std::string& encoder, const hw::Probe& probe);

    hw::EncoderLadder encoders_;
    std::unique_ptr<EncoderTrials> trials_;
    TranscodeRoom room_;
};

// Of what is described, those whose plugin and device are here.
hw::EncoderLadder present_encoders(const hw::Profiles& profiles);

} // namespace sluice
