// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"
#include "plugins/fanout/timeline.hpp"

#include <gst/base/gstflowcombiner.h>

namespace sluice {

// The sometimes pads of a fanoutsrc: which track of the channel goes where. Used by the element's thread alone, and by the
// state change once that thread is gone.
class SrcPads {
public:
    // A track of the generation before that has brought nothing for so long has gone.
    static constexpr ChannelTime vanished_after = 2 * GST_SECOND;

    // video, audio: the kinds of tracks that get pads.
    SrcPads(GstElement* element, std::shared_ptr<Channel> channel, bool video, bool audio);
    ~SrcPads();
    SrcPads(const SrcPads&) = delete;
    SrcPads& operator=(const SrcPads&) = delete;

    // The reader starts anew: at its beginning, after a pause, after a flush.
    void restart();
    // running: the unit's running time. Returns the flow of all pads together.
    GstFlowReturn push(const AccessUnit& unit, bool skipped, GstClockTimeDiff running);
    void push_event(GstEvent* event); // [transfer full]
    void remove_all();
    bool any() const { return !pads_.empty(); }

private:
    struct Out {
        Ref<GstPad> pad;
        bool video = false;
        unsigned number = 0;
        TrackPtr track;          // whose caps were sent
        uint64_t generation = 0; // that this track is of
        bool discont = true;
    };
    Out* find(const Track& track, uint64_t generation);
    Out& claim(const TrackPtr& track, uint64_t generation);
    void send_caps(Out& out, const TrackPtr& track);
    void send_segment(Out& out);
    void expose(Out& out, const TrackPtr& track);
    void remove_vanished(const AccessUnit& unit);
    void remove(std::vector<std::unique_ptr<Out>>::iterator it);

    GstElement* const element_;
    const std::shared_ptr<Channel> channel_;
    const bool video_, audio_;
    const guint group_id_;
    std::vector<std::unique_ptr<Out>> pads_;
    GstFlowCombiner* const flows_;
    Timeline timeline_;
    uint64_t generation_ = 0;
    ChannelTime generation_start_ = 0;
    bool exposed_ = false, looks_for_vanished_ = false;
};

} // namespace sluice
