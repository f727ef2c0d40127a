// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "launcher/camera/rtp_time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

// Whether a camera's clock jumps, or does not advance as pictures come. A jump is worth a word, and so is a clock that has to be
// mended picture after picture; now and then it happens to all. Pure: time and what was seen come in.
class ClockWatch {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds keep{10}; // trouble is told for so long after it was seen
    static constexpr uint64_t least_units = 10;     // fewer say nothing

    struct Look {
        uint64_t units = 0, clamped = 0, jumps = 0; // that the channel has counted since it is there
        uint64_t connection = 0;                    // another one has another RTP clock
        // rtspsrc mends a clock that stands still before the channel can see it, but not always.
        std::optional<RtpTime> rtp;
    };
    void look(Time now, const Look& seen);
    // Empty: nothing is known against it.
    std::string trouble(Time now) const { return now < until_ ? reason_ : std::string(); }

private:
    Look last_;
    Time at_{}, until_{};
    std::string reason_;
};

} // namespace sluice
