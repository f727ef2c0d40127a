// SPDX-License-Identifier: LGPL-2.1-or-later
// What the plugins see of a SluiceChannel beyond its public face.
#pragma once

#include "plugins/core/channel.hpp"
#include "plugins/core/sluicechannel.h"

#include <vector>

namespace sluice {

SLUICE_API std::shared_ptr<Channel> channel_of(SluiceChannel* channel);
// With the face that the channel is found by: as long as somebody reads it, the next producer of its name comes to it.
inline std::shared_ptr<Channel> hold_channel(const Ref<SluiceChannel>& face) {
    struct Held {
        Ref<SluiceChannel> face;
        std::shared_ptr<Channel> channel;
    };
    auto held = std::make_shared<Held>(Held{face, channel_of(face.get())});
    return {held, held->channel.get()};
}
// All channels that exist, by name.
SLUICE_API std::vector<Ref<SluiceChannel>> all_channels();
// The clock of all channels: GstSystemClock, unless a test set another before any channel was made.
SLUICE_API Ref<GstClock> channel_clock();
SLUICE_API void set_channel_clock_for_testing(GstClock* clock);
inline GstClockTime channel_now() {
    const auto clock = channel_clock();
    return gst_clock_get_time(clock.get());
}
// Its running time is the time of channels: what a channel says of a unit is the unit's timestamp there.
inline void use_channel_time(GstElement* pipeline) {
    const auto clock = channel_clock();
    gst_pipeline_use_clock(GST_PIPELINE(pipeline), clock.get());
    gst_element_set_start_time(pipeline, GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(pipeline, 0);
}

} // namespace sluice
