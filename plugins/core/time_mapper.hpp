// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/api.hpp"

#include <gst/gst.h>

#include <cstdint>
#include <map>

namespace sluice {

// Producer time -> channel time: one mapping (one offset) for all tracks of a generation, so that repairing one track never
// moves it against the others. What comes out is never in the future, and in decode order never goes back by more than
// the reorder window. Stamps that stand still, or creep, while units keep coming say nothing: such a track goes by the arrival
// of its units, as far behind it as it was before, and the mapping stays what it is for the others. Pure: the clock's time
// comes in as a parameter.
class SLUICE_API TimeMapper {
public:
    static constexpr GstClockTime jump_limit = GST_SECOND;     // more than this at once is a jump, not jitter
    static constexpr GstClockTime max_lag = 10 * GST_SECOND;   // older than this although it came just now: a jump
    static constexpr GstClockTime reorder_window = GST_SECOND; // how far B-frames may reach back
    // Back by no more than this is jitter of the stamps: time waits for them. More: the camera's clock was set back a little.
    static constexpr GstClockTime jitter_limit = 100 * GST_MSECOND;
    // Units of one stamp that come closer together than this are parts of one picture.
    static constexpr GstClockTime same_picture = 5 * GST_MSECOND;
    // Stamps that do half of the clock's pace or less, so many units and so long on end, creep. No burst looks like that:
    // there the clock is the slower one. (B-frames: beyond the window, for they go back and forth.)
    static constexpr unsigned creeping_units = 4;
    static constexpr GstClockTime creeping_time = 250 * GST_MSECOND;
    // Trusted again after so many units in a row that keep pace: who sets stamps right once a second, and then lets them creep
    // on, is not.
    static constexpr unsigned steady_units = 8;

    struct Repairs {
        // Small corrections: a little ahead of now, a little backwards, standing still, none any more.
        uint64_t clamped = 0;
        uint64_t jumps = 0; // the producer's clock was set
    };

    // A new producer: continues behind the last time of every track of the one before.
    void begin_generation();

    // pts: producer's time on the channel's clock, GST_CLOCK_TIME_NONE if it gave none (then: now).
    GstClockTime map(unsigned track, GstClockTime pts, GstClockTime now, bool may_reorder);

    const Repairs& repairs() const { return repairs_; }

private:
    struct Track {
        bool any = false, stamps = false;       // units, units with stamps have come
        GstClockTime newest = 0;                // the latest time given out
        GstClockTime pts = GST_CLOCK_TIME_NONE; // of the last unit, as it came...
        GstClockTime seen = 0;                  // ...and when that was
        // How far behind now units were whose stamps could be trusted, at least.
        GstClockTime lag = GST_CLOCK_TIME_NONE;
        unsigned slow = 0, steady = 0; // units on end
        GstClockTime slow_since = 0;
        bool creeps = false;
    };

    // The stamp says nothing. moves: it keeps pace with the clock.
    static bool stands(Track& track, GstClockTime pts, GstClockTime now, bool may_reorder, bool& moves);
    GstClockTime map_by_stamp(Track& track, GstClockTime pts, GstClockTime now, bool may_reorder);
    void move_to(GstClockTime from, GstClockTime to);

    int64_t offset_ = 0;
    GstClockTime floor_ = 0; // end of the generation before
    std::map<unsigned, Track> tracks_;
    Repairs repairs_;
};

} // namespace sluice
