// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel_access.hpp"

namespace sluice {

// A pipeline's clock beside the channels' clock, both read in the same moment. The two are usually the same object;
// a pipeline that follows a sound card or the network has another, and its rate may differ: measure anew each time.
class ClockBridge {
public:
    // pipeline: may be NULL (no clock was given to the element yet): then it counts as the channels' clock.
    explicit ClockBridge(GstClock* pipeline) {
        const auto channel = channel_clock();
        const GstClockTime before = gst_clock_get_time(channel.get());
        now_ = before;
        if (!pipeline || pipeline == channel.get())
            return;
        const GstClockTime theirs = gst_clock_get_time(pipeline);
        now_ = gst_clock_get_time(channel.get());
        // The thread may have been interrupted between two readings: the middle halves that error.
        difference_ =
            static_cast<GstClockTimeDiff>(before + (now_ - before) / 2) - static_cast<GstClockTimeDiff>(theirs);
    }

    ChannelTime now() const { return now_; } // of the channels' clock
    // GST_CLOCK_TIME_NONE for what the other clock cannot express.
    ChannelTime to_channel(GstClockTime pipeline_time) const { return shift(pipeline_time, difference_); }
    GstClockTime to_pipeline(ChannelTime channel_time) const { return shift(channel_time, -difference_); }

private:
    static GstClockTime shift(GstClockTime t, GstClockTimeDiff by) {
        if (by < 0 && t < static_cast<GstClockTime>(-by))
            return GST_CLOCK_TIME_NONE;
        return t + by;
    }
    ChannelTime now_ = 0;
    GstClockTimeDiff difference_ = 0;
};

} // namespace sluice
