// SPDX-License-Identifier: LGPL-2.1-or-later
// In a worker process: pictures of whatever codec -> H.264 that every browser plays; sound as it is. A channel of the process
// takes the result.
#pragma once

#include "hw/encoder_profile.hpp"
#include "launcher/worker/inlet.hpp"
#include "launcher/worker/transcode_job.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace sluice {

class TranscodePipeline {
public:
    // In whatever thread, perhaps more than once.
    using Failed = std::function<void(const TranscodeFailure&)>;
    static Result<std::unique_ptr<TranscodePipeline>> create(const TranscodeJob& job, const std::string& channel,
                                                             Failed failed);
    ~TranscodePipeline();
    TranscodePipeline(const TranscodePipeline&) = delete;
    TranscodePipeline& operator=(const TranscodePipeline&) = delete;

    // Of type track, unit or bitrate. In one thread.
    void take(WireMessage& message);
    bool wants_more() const { return inlet_->wants_more(); }

private:
    TranscodePipeline(const TranscodeJob& job, hw::EncoderProfile profile, Ref<GstElement> pipeline,
                      Ref<GstElement> fanout, Failed failed);
    void take_caps(const WireMessage& message);
    void take_bitrate(const WireMessage& message);
    bool link_track(GstElement* source, const GstCaps* caps);
    Result<bool> link_video(GstElement* source, const GstCaps* caps);
    Result<GstElement*> add(GstElement* behind, Ref<GstElement> element);
    Result<GstElement*> add(GstElement* behind, const std::string& text);
    void drop_past(GstElement* decoder);
    void handle(GstMessage* message);
    void fail(TranscodeFailure::Part part, const std::string& reason) { failed_({part, reason}); }

    const TranscodeJob job_;
    const hw::EncoderProfile profile_;
    const Ref<GstElement> pipeline_, fanout_;
    const Failed failed_;
    Ref<GstElement> decoder_, encoder_; // set before data flows
    std::optional<unsigned> video_;     // the track
    unsigned bitrate_;                  // bit/s, asked for last
    std::string codec_;                 // its caps' name
    std::unique_ptr<Inlet> inlet_;
    std::mutex mutex_;
    std::set<GstClockTime> past_; // guarded: pictures that are decoded for the sake of newer ones only
};

} // namespace sluice
