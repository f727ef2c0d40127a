// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of a stream's sources run and which one is shown. Pure. Sources are in order of preference:
//  - the first one always runs; the next begins when those before it fail, stall, or do not come to life in time;
//  - whoever has a picture is shown while there is no other;
//  - a better one is taken back when it has run well beside the one that is shown for a while, and what is worse ends.
#pragma once

#include "launcher/camera/camera_life.hpp"

#include <optional>
#include <vector>

namespace sluice {

class SourceChoice {
public:
    using Time = CameraLife::Time;
    static constexpr std::chrono::milliseconds prove{
        10'000}; // a source that comes back runs so long before it is shown
    static constexpr std::chrono::milliseconds patience{2000}; // for a connection to come to life before another begins

    struct Decision {
        size_t running = 1;           // so many, from the first, run
        std::optional<size_t> active; // the one to be shown; nothing: whoever has a picture first
        std::optional<Time> look_again;
    };

    explicit SourceChoice(size_t sources) : sources_(sources) {}

    // lives: of all sources, in order.
    Decision decide(Time now, const std::vector<const CameraLife*>& lives);
    void reset() { active_.reset(), reach_ = 1; }

private:
    const size_t sources_;
    std::optional<size_t> active_;
    size_t reach_ = 1; // so many have been called since there was a picture
};

} // namespace sluice
