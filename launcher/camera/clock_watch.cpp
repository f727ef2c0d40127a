// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/clock_watch.hpp"

#include <utility>

namespace sluice {

namespace {

// Half of the clock's pace or less, as for the stamps that the channel gets (TimeMapper).
bool stands(const RtpTime& before, const RtpTime& now, std::chrono::duration<double> passed) {
    if (!now.clock_rate)
        return false;
    const auto moved = static_cast<int32_t>(now.timestamp - before.timestamp); // it wraps
    return moved >= 0 && 2.0 * moved / now.clock_rate <= passed.count();
}

} // namespace

void ClockWatch::look(Time now, const Look& seen) {
    const uint64_t units = seen.units - last_.units;
    const bool same = seen.connection == last_.connection, jumped = seen.jumps != last_.jumps;
    if (same && !jumped && units < least_units)
        return;
    const Look before = std::exchange(last_, seen);
    const Time since = std::exchange(at_, now);
    if (before.units == 0)
        return;
    const bool mended = units >= least_units && seen.clamped - before.clamped > units / 2;
    const bool still =
        same && units >= least_units && seen.rtp && before.rtp && stands(*before.rtp, *seen.rtp, now - since);
    if (!jumped && !mended && !still)
        return;
    until_ = now + keep;
    reason_ = jumped ? "the camera's clock has jumped; times are mended"
                     : "the camera's timestamps do not advance as pictures come; times are mended";
}

} // namespace sluice
