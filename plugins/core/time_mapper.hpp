// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/api.hpp"

#include <gst/gst.h>

#include <cstdint>
#include <map>

namespace sluice {

// Producer time -> channel time: one mapping (one offset) for all tracks of a generation, so that repairing one track never
// moves it against the others. What comes out is never in the future, and in decode order never goes back by more than
// the reorder window. Pure: the clock's time comes in as a parameter.
class SLUICE_API TimeMapper {
public:
    static constexpr GstClockTime jump_limit = GST_SECOND;     // more than this at once is a jump, not jitter
    static constexpr GstClockTime max_lag = 10 * GST_SECOND;   // older than this although it came just now: a jump
    static constexpr GstClockTime reorder_window = GST_SECOND; // how far B-frames may reach back

    struct Repairs {
        uint64_t clamped = 0; // small corrections: a little ahead of now, a little backwards
        uint64_t jumps = 0;   // the producer's clock was set
    };

    // A new producer: continues behind the last time of every track of the one before.
    void begin_generation();

    // pts: producer's time on the channel's clock, GST_CLOCK_TIME_NONE if it gave none (then: now).
    GstClockTime map(unsigned track, GstClockTime pts, GstClockTime now, bool may_reorder);

    const Repairs& repairs() const { return repairs_; }

private:
    void move_to(GstClockTime from, GstClockTime to);

    int64_t offset_ = 0;
    GstClockTime floor_ = 0;                  // end of the generation before
    std::map<unsigned, GstClockTime> newest_; // per track: the latest time given out
    Repairs repairs_;
};

} // namespace sluice
