// SPDX-License-Identifier: LGPL-2.1-or-later
// In a worker process: each track goes through the chain that the job has for its caps, sound that has none as it is. A channel
// of the process takes the result. In a chain the element "decoder" is where pictures become raw (those that are decoded for the
// sake of newer ones are dropped behind it), and the element "encoder" is the one that a ladder's encoder is for.
#pragma once

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
    TranscodePipeline(const TranscodeJob& job, Ref<GstElement> pipeline, Ref<GstElement> fanout, Failed failed);
    void take_caps(const WireMessage& message);
    void take_bitrate(const WireMessage& message);
    bool link_track(GstElement* source, const GstCaps* caps);
    Result<bool> link_chain(GstElement* source, const GstCaps* caps, const TemplateChain& chain);
    void set_up(GstElement* bin, const GstCaps* caps);
    void drop_past(GstElement* decoder);
    void handle(GstMessage* message);
    void fail(TranscodeFailure::Part part, const std::string& reason) { failed_({part, reason}); }

    const TranscodeJob job_;
    const Ref<GstElement> pipeline_, fanout_;
    const Failed failed_;
    Ref<GstElement> decoder_;       // set before data flows
    Ref<GstElement> encoder_;       // likewise; only if it is the job's
    Ref<GstElement> rated_;         // likewise; the one that follows a bit rate
    uint64_t bitrate_;              // bit/s, asked for last; 0: as the template says
    std::optional<unsigned> video_; // the track
    std::string codec_;             // its caps' name
    std::unique_ptr<Inlet> inlet_;
    std::mutex mutex_;
    std::set<GstClockTime> past_; // guarded: pictures that are decoded for the sake of newer ones only
};

} // namespace sluice
