// SPDX-License-Identifier: LGPL-2.1-or-later
// What a camera's description (SDP) offers, and what is taken of it: one video track and, beside it, one of sound, both such
// as the pipeline behind rtspsrc takes. A track that nobody takes would end the whole pipeline.
#pragma once

#include "launcher/config/source_template.hpp"
#include "plugins/core/refs.hpp"

#include <gst/sdp/sdp.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice {

class TrackOffer {
public:
    using Branches = std::vector<SourceTemplate::Branch>;

    // takes: what RTP the pipeline has an open end for. branches: what else can be made.
    TrackOffer(const Ref<GstCaps>& takes, Branches branches);

    // What attach() finds.
    static void set_branches(GstElement* pipeline, const Branches& branches);

    // Connects the element "source" of a pipeline to a new one; nullptr if it is no rtspsrc. Its signals come from its
    // threads and may still do so while the pipeline goes down.
    static std::shared_ptr<TrackOffer> attach(GstElement* pipeline);

    // Also names the codecs that a camera leaves to the payload type (26 for JPEG, 0 for PCMU...).
    void read(GstSDPMessage* sdp);
    // In rtspsrc's thread, before the track is set up.
    bool select(GstElement* source, const GstCaps* caps);

    // "the camera offers no video that can be passed on (it offers ...; supported are ...)", if nothing of what it offers
    // can be used; empty: something can, or nothing was offered yet.
    std::string nothing_usable();

private:
    bool usable(const GstCaps* rtp, const char* media) const;
    void make_branch(GstElement* source, const GstCaps* rtp) const;

    const Ref<GstCaps> open_ends_;
    const Branches branches_;
    Ref<GstCaps> takes_; // both
    std::mutex mutex_;
    std::string refused_; // "video JPEG, audio PCMU"
    bool video_comes_ = false, video_selected_ = false, sound_selected_ = false;
};

} // namespace sluice
