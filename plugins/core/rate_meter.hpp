// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice {

// Units and bytes per second over the last whole seconds, in constant memory. Pure: time is a parameter.
class RateMeter {
public:
    void add(GstClockTime now, uint64_t bytes) {
        first_ = std::min(first_, now / GST_SECOND);
        Slot& s = slots_[now / GST_SECOND % slots_.size()];
        if (s.second != now / GST_SECOND)
            s = {now / GST_SECOND, 0, 0};
        s.units++;
        s.bytes += bytes;
    }
    double units_per_second(GstClockTime now) const { return sum(now, &Slot::units); }
    double bytes_per_second(GstClockTime now) const { return sum(now, &Slot::bytes); }
    // Of the fullest of those seconds.
    uint64_t peak_bytes(GstClockTime now) const {
        uint64_t most = 0;
        for (const Slot& s : slots_)
            if (within(s, now))
                most = std::max(most, s.bytes);
        return most;
    }

private:
    static constexpr unsigned window = 4;
    struct Slot {
        uint64_t second = UINT64_MAX, units = 0, bytes = 0;
    };
    // The running second is left out: it is not over yet.
    static bool within(const Slot& s, GstClockTime now) {
        return s.second < now / GST_SECOND && s.second + window >= now / GST_SECOND;
    }
    double sum(GstClockTime now, uint64_t Slot::*field) const {
        const uint64_t second = now / GST_SECOND;
        uint64_t total = 0;
        for (const Slot& s : slots_)
            if (within(s, now))
                total += s.*field;
        // Seconds without anything count, those before the very first unit do not.
        return first_ < second ? double(total) / double(std::min<uint64_t>(window, second - first_)) : 0;
    }
    uint64_t first_ = UINT64_MAX;
    std::array<Slot, window + 2> slots_;
};

} // namespace sluice
