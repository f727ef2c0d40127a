// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>

namespace sluice {

// Running times for what a reader gets. A unit's own running time is kept wherever it can be. At a start, and where the
// reader went back in the channel, units are older than what the pipeline's time allows (the cached GOP was there before the
// pipeline played): these are squeezed, in order, into the first moment, so that muxers lose nothing, decoders see distinct
// stamps, and a few frames later everything is on the live edge with no latency added. Pure.
class Timeline {
public:
    // Within this everything old is squeezed; 40 ms keep the stamps of 3600 units apart at 90 kHz.
    static constexpr GstClockTime catch_up = 40 * GST_MSECOND;

    // The next unit is a new start: it may be older than those before, and still comes behind them.
    void restart() { fresh_ = true; }

    // running: the unit's running time, negative before the pipeline's start.
    GstClockTime map(GstClockTimeDiff running) {
        if (fresh_) {
            fresh_ = false;
            const GstClockTimeDiff from = any_ ? newest_ + GST_USECOND : 0;
            squeezing_ = running < from;
            anchor_ = running;
            from_ = from;
        }
        GstClockTimeDiff out = running;
        const auto until = from_ + GstClockTimeDiff(catch_up);
        if (squeezing_ && running < until)
            out = from_ + GstClockTimeDiff(gst_util_uint64_scale(std::max<GstClockTimeDiff>(running - anchor_, 0),
                                                                 catch_up, until - anchor_));
        out = std::max<GstClockTimeDiff>(out, 0);
        newest_ = any_ ? std::max(newest_, out) : out;
        any_ = true;
        return out;
    }

private:
    bool fresh_ = true, any_ = false, squeezing_ = false;
    GstClockTimeDiff anchor_ = 0; // running time of the unit that began the squeeze...
    GstClockTimeDiff from_ = 0;   // ...and where it was put
    GstClockTimeDiff newest_ = 0;
};

} // namespace sluice
