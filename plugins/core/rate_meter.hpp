// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>

namespace sluice {

// Units and bytes per second over the last whole seconds, in constant memory. Pure: time is a parameter.
class RateMeter {
public:
    void add(GstClockTime now, uint64_t bytes) {
        Slot& s = slots_[now / GST_SECOND % slots_.size()];
        if (s.second != now / GST_SECOND)
            s = {now / GST_SECOND, 0, 0};
        s.units++;
        s.bytes += bytes;
    }
    double units_per_second(GstClockTime now) const { return sum(now, &Slot::units); }
    double bytes_per_second(GstClockTime now) const { return sum(now, &Slot::bytes); }

private:
    static constexpr unsigned window = 4;
    struct Slot {
        uint64_t second = UINT64_MAX, units = 0, bytes = 0;
    };
    // The running second is left out: it is not over yet.
    double sum(GstClockTime now, uint64_t Slot::* field) const {
        const uint64_t second = now / GST_SECOND;
        uint64_t total = 0;
        unsigned counted = 0;
        for (const Slot& s : slots_)
            if (s.second < second && s.second + window >= second) {
                total += s.*field;
                counted++;
            }
        return counted ? double(total) / counted : 0;
    }
    std::array<Slot, window + 2> slots_;
};

} // namespace sluice
