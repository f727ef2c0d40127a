// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>

namespace sluice {

// When the next access unit of a backlog (start burst, repeat, switch) may leave. Nobody sleeps: the sender comes back at the
// deadline. What is live is never held back. Pure: time is a parameter.
class Pacer {
public:
    // Unpaced bursts of 10 s froze Chromium on the first picture in 2 of 35 joins, with 2 ms per unit in none of 25; the rate keeps
    // a big GOP from overrunning socket buffers and switches.
    static constexpr GstClockTime unit_gap = 2 * GST_MSECOND;
    static constexpr uint64_t bytes_per_second = 60'000'000 / 8;

    bool ready(GstClockTime now) const { return now >= next_; }
    GstClockTime deadline() const { return next_; }
    void sent(GstClockTime now, uint64_t bytes) {
        // From the deadline, not from now: a late wake-up does not make the burst slower; two units at most catch up.
        const GstClockTime from = std::max(next_, now > 2 * unit_gap ? now - 2 * unit_gap : 0);
        next_ = from + std::max(unit_gap, gst_util_uint64_scale(bytes, GST_SECOND, bytes_per_second));
    }
    void live() { next_ = 0; }

private:
    GstClockTime next_ = 0;
};

} // namespace sluice
