// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/media.hpp"

namespace sluice {

// What one source has brought since it began, whether it was written or not. Pure.
struct SourceCounts {
    uint64_t video_units = 0, key_units = 0, audio_units = 0;
    uint64_t before_key = 0; // pictures that came before the first key unit: nobody can use them
    ChannelTime last_video = GST_CLOCK_TIME_NONE, last_audio = GST_CLOCK_TIME_NONE; // when they came
    ChannelTime first_audio = GST_CLOCK_TIME_NONE;
    bool announced = false; // that it can be watched

    void video(bool key, ChannelTime now) {
        ++video_units;
        key_units += key;
        before_key += key_units == 0;
        last_video = now;
    }
    void audio(ChannelTime now) {
        if (audio_units++ == 0)
            first_audio = now;
        last_audio = now;
    }
    // Sound has come for so long that a picture, if there was to be one, would have begun. Tracks of one stream do not begin in
    // the same moment.
    bool sound_settled(ChannelTime now) const { return audio_units > 0 && now >= first_audio + GST_SECOND; }
};

} // namespace sluice
