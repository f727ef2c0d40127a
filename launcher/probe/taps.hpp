// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks into a source pipeline at what never gets as far as its channel: the RTP of the video, the description of the camera,
// what a decoder is given before Sluice encodes it anew.
#pragma once

#include "launcher/probe/facts.hpp"

#include <gst/gst.h>
#include <gst/sdp/sdp.h>

#include <memory>
#include <mutex>

namespace sluice::probe {

class Taps {
public:
    // pipeline: of a template, not started yet. What is attached lives as long as the pipeline.
    static std::shared_ptr<Taps> attach(GstElement* pipeline);

    // Any thread.
    std::optional<ClockFigures> clock() const; // nothing: no RTP of video
    std::vector<TrackFacts> tracks() const;
    // Pictures are encoded in the pipeline.
    bool encodes() const;
    // What they come as: codec ("raw": no decoder), and how many, how large.
    VideoFacts decoded() const;

private:
    using Holder = std::shared_ptr<Taps>;
    void look_at(GstElement* element, const Holder& self);
    void read(const GstSDPMessage* sdp);
    void take_rtp(GstBuffer* buffer);
    void take_encoded(GstPad* pad, GstBuffer* buffer);
    static void probe_pad(GstPad* pad, const Holder& self, void (*take)(Taps&, GstPad*, GstBuffer*));

    mutable std::mutex mutex_;
    std::optional<RtpClock> clock_;
    std::vector<TrackFacts> tracks_;
    bool encodes_ = false, decodes_ = false;
    std::string codec_; // that the decoder gets
    StreamMeter meter_;
};

} // namespace sluice::probe
