// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

#include <cstdint>

namespace sluice {

// Which of several tracks of sound is heard: the first one of each generation that is asked about.
class HeardTrack {
public:
    bool is(const AccessUnit& unit) {
        if (unit.generation != generation_) {
            generation_ = unit.generation;
            track_ = unit.track->index;
        }
        return unit.track->index == track_;
    }
    // From now on units come from another channel, whose generations have the same numbers.
    void forget() { generation_ = 0; }

private:
    uint64_t generation_ = 0;
    unsigned track_ = 0;
};

} // namespace sluice
