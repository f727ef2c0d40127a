// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <map>
#include <mutex>
#include <string>

namespace sluice {

// The request pads of webrtcserversink: video_N and audio_N are tracks of one stream, each stream has a fanoutsink in the bin.
// video_0 and audio_0 are the stream `main`, video_1 and audio_1 `sub`, the others have their own names. Thread-safe.
class InputPads {
public:
    static void add_templates(GstElementClass* klass);

    // name: as the application wants it, or NULL. NULL with an error message: no fanoutsink; without: the name is taken.
    GstPad* request(GstBin* bin, GstPadTemplate* templ, const char* name, const std::string& camera);
    void release(GstBin* bin, GstPad* pad);

private:
    struct Input {
        guint index = 0;
        Ref<GstElement> fanoutsink;
        Ref<GstPad> target;
    };
    Ref<GstElement> input_of(GstBin* bin, guint index, const std::string& camera);

    std::mutex mutex_;
    std::map<GstPad*, Input> inputs_; // by ghost pad
};

} // namespace sluice
