// SPDX-License-Identifier: LGPL-2.1-or-later
// In the launcher: a worker process whose tracks come into a pipeline.
#pragma once

#include "launcher/worker/inlet.hpp"
#include "launcher/worker/link.hpp"
#include "launcher/worker/process.hpp"
#include "launcher/worker/transcode_job.hpp"

#include <memory>
#include <string>

namespace sluice {

class WorkerFeed {
public:
    // A worker that has failed or ended posts this from the pipeline, an application message with the fields `part`
    // (TranscodeFailure::Part as int) and `reason`.
    static constexpr const char* failed_message = "sluice-worker-failed";
    // ...and this is posted when what the path of the slowest viewer carries is another rate: `bitrate`, guint64, bit/s, 0: any.
    static constexpr const char* carried_message = "sluice-viewers-carry";
    static void tell_failure(GstElement* pipeline, const TranscodeFailure& failure);

    // pipeline: a GstPipeline with the fanoutsink `fanout`, which outlives the feed. from: what the worker gets.
    static Result<std::unique_ptr<WorkerFeed>> start(GstElement* pipeline, GstElement* fanout,
                                                     std::shared_ptr<Channel> from, const TranscodeJob& job,
                                                     const std::string& name);

    // What its encoder is to make from now on, bit/s.
    void set_bitrate(uint64_t bits_per_second) {
        link_.send(wire_text(WireType::bitrate, std::to_string(bits_per_second)));
    }

    pid_t pid() const { return process_->pid(); }

private:
    WorkerFeed(GstElement* pipeline, GstElement* fanout, std::shared_ptr<Channel> from,
               std::unique_ptr<WorkerProcess> process, int fd);
    bool link_track(GstElement* source);
    void take(WireMessage& message);
    void fail(const TranscodeFailure& failure) { tell_failure(pipeline_, failure); }

    GstElement *const pipeline_, *const fanout_;
    std::unique_ptr<WorkerProcess> process_; // ends behind the link
    Inlet inlet_;
    WorkerLink link_; // its thread uses all the others
};

} // namespace sluice
