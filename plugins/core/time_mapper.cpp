// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/time_mapper.hpp"

#include <algorithm>

namespace sluice {

namespace {
// 2^62 ns is 146 years: beyond it only a broken stamp, and the sums below must not wrap.
constexpr GstClockTime absurd = GstClockTime(1) << 62;

int64_t difference(GstClockTime a, GstClockTime b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); }
// Behind `newest` if time allows it, and never in the future.
GstClockTime behind(GstClockTime newest, GstClockTime now) {
    return std::min<GstClockTime>(newest + GST_USECOND, std::max(now, newest));
}
} // namespace

void TimeMapper::begin_generation() {
    for (const auto& [index, track] : tracks_)
        floor_ = std::max(floor_, track.newest);
    tracks_.clear();
    offset_ = 0;
}

void TimeMapper::move_to(GstClockTime from, GstClockTime to) { offset_ += difference(to, from); }

bool TimeMapper::stands(Track& t, GstClockTime pts, GstClockTime now, bool may_reorder, bool& moves) {
    const int64_t moved = difference(pts, t.pts), passed = difference(now, t.seen);
    moves = 2 * moved >= passed && passed >= 0;
    if (moved == 0 && passed < static_cast<int64_t>(same_picture))
        return t.creeps;
    if (moves && moved != 0) {
        t.slow = 0;
        if (t.creeps && ++t.steady >= steady_units)
            t.creeps = false;
        return t.creeps;
    }
    moves = false;
    if (t.slow++ == 0)
        t.slow_since = t.seen;
    else
        t.steady = 0; // one alone is the head of a clump, as links that doze make them
    if (t.slow >= creeping_units && now >= t.slow_since + (may_reorder ? reorder_window : creeping_time))
        t.creeps = true;
    return t.creeps || moved == 0;
}

GstClockTime TimeMapper::map_by_stamp(Track& track, GstClockTime pts, GstClockTime now, bool may_reorder) {
    const int64_t shifted = static_cast<int64_t>(pts) + offset_;
    GstClockTime t = shifted > 0 ? static_cast<GstClockTime>(shifted) : 0;
    const GstClockTime newest = track.any ? track.newest : floor_;

    if (t > now) {
        // The whole mapping slides, so that the distances between frames stay what the camera says.
        ++(t - now > jump_limit ? repairs_.jumps : repairs_.clamped);
        offset_ = difference(now, pts);
        t = now;
    } else if (now - t > max_lag || (t < newest && newest - t > std::max(jump_limit, reorder_window))) {
        ++repairs_.jumps;
        offset_ = difference(now, pts); // not from t: that is cut off at zero
        t = now;
    }
    const bool reordered = may_reorder && track.any && t + reorder_window >= newest;
    if (t <= newest && !reordered && newest != 0) {
        GstClockTime fixed = behind(newest, now);
        if (t != newest)
            ++repairs_.clamped;
        if (!track.any) { // behind the generation before: keep that distance for the whole generation
            move_to(t, fixed);
        } else if (newest - t > jitter_limit) { // to wait for it would hold the picture up
            fixed = std::max(fixed, now - std::min(track.lag, now));
            move_to(t, fixed);
        }
        t = fixed;
    }
    return reordered ? std::max(t, floor_) : t; // never among the units of the generation before
}

GstClockTime TimeMapper::map(unsigned index, GstClockTime pts, GstClockTime now, bool may_reorder) {
    Track& track = tracks_[index];
    const bool stamped = GST_CLOCK_TIME_IS_VALID(pts) && pts < absurd;
    bool moves = true;
    GstClockTime t = 0;
    if (stamped && GST_CLOCK_TIME_IS_VALID(track.pts) && stands(track, pts, now, may_reorder, moves)) {
        t = std::max(behind(track.newest, now), now - std::min(track.lag, now));
        ++repairs_.clamped;
    } else {
        t = map_by_stamp(track,
                         stamped ? pts : static_cast<GstClockTime>(std::max<int64_t>(0, difference(now, 0) - offset_)),
                         now, may_reorder);
        if (moves) // the least so far: what the network adds comes and goes, and must not add up from repair to repair
            track.lag = std::min(track.lag, now - std::min(t, now));
    }
    // Behind rtspsrc and a parser frozen stamps look so: the second of two equal ones is taken off.
    if (!stamped && track.stamps)
        ++repairs_.clamped;
    track.stamps = track.stamps || stamped;
    track.any = true;
    track.newest = std::max(track.newest, t);
    track.pts = stamped ? pts : GST_CLOCK_TIME_NONE;
    track.seen = now;
    return t;
}

} // namespace sluice
