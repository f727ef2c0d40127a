// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/time_mapper.hpp"

#include <algorithm>

namespace sluice {

void TimeMapper::begin_generation() {
    for (const auto& [track, time] : newest_)
        floor_ = std::max(floor_, time);
    newest_.clear();
    offset_ = 0;
}

void TimeMapper::move_to(GstClockTime from, GstClockTime to) {
    offset_ += static_cast<int64_t>(to) - static_cast<int64_t>(from);
}

GstClockTime TimeMapper::map(unsigned track, GstClockTime pts, GstClockTime now, bool may_reorder) {
    // 2^62 ns is 146 years: beyond it only a broken stamp, and the sums below must not wrap.
    constexpr GstClockTime absurd = GstClockTime(1) << 62;
    if (!GST_CLOCK_TIME_IS_VALID(pts) || pts >= absurd)
        pts = static_cast<GstClockTime>(std::max<int64_t>(0, static_cast<int64_t>(now) - offset_));
    const int64_t shifted = static_cast<int64_t>(pts) + offset_;
    GstClockTime t = shifted > 0 ? static_cast<GstClockTime>(shifted) : 0;

    const auto last = newest_.find(track);
    const bool first = last == newest_.end();
    const GstClockTime newest = first ? floor_ : last->second;

    if (t > now) {
        // The whole mapping slides, so that the distances between frames stay what the camera says.
        ++(t - now > jump_limit ? repairs_.jumps : repairs_.clamped);
        move_to(t, now);
        t = now;
    } else if (now - t > max_lag || (t < newest && newest - t > std::max(jump_limit, reorder_window))) {
        ++repairs_.jumps;
        move_to(t, now);
        t = now;
    }
    const bool reordered = may_reorder && !first && t + reorder_window >= newest;
    if (t <= newest && !reordered && newest != 0) {
        // Equal stamps are common (two slices sent as two units) and still must advance for muxers and RTP.
        const GstClockTime fixed = std::min<GstClockTime>(newest + GST_USECOND, std::max(now, newest));
        if (t != newest)
            ++repairs_.clamped;
        if (first) // behind the generation before: keep that distance for the whole generation
            move_to(t, fixed);
        t = fixed;
    }
    GstClockTime& slot = newest_[track];
    slot = std::max(slot, t);
    return t;
}

} // namespace sluice
