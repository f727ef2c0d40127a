// SPDX-License-Identifier: LGPL-2.1-or-later
// In the launcher: a worker process whose tracks come into a pipeline.
#pragma once

#include "launcher/worker/inlet.hpp"
#include "launcher/worker/link.hpp"
#include "launcher/worker/process.hpp"
#include "launcher/worker/transcode_job.hpp"

#include <chrono>
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
    // And what else it says this, with the field `text`: JSON, which nobody has looked at.
    static constexpr const char* event_message = "sluice-worker-event";
    static constexpr size_t max_event = 8192;   // bytes
    static constexpr unsigned max_events = 100; // in a second; whoever says more is broken

    struct Task {
        std::string name;                                 // of what it works for
        Json job;                                         // to_json(...)
        std::shared_ptr<Channel> from;                    // what the worker gets; may be NULL
        std::chrono::milliseconds grace{};                // see WorkerProcess
        UnitSource::Media media = UnitSource::Media::all; // of it
    };
    // pipeline: a GstPipeline with the fanoutsink `fanout`, which outlives the feed. In the main thread.
    static Result<std::unique_ptr<WorkerFeed>> start(GstElement* pipeline, GstElement* fanout, Task task);
    ~WorkerFeed();
    WorkerFeed(const WorkerFeed&) = delete;
    WorkerFeed& operator=(const WorkerFeed&) = delete;
    // Ends with its last reference: whoever closes connections in the background may wait for it.
    std::shared_ptr<void> process() const { return process_; }

    // What its encoder is to make from now on, bit/s.
    void set_bitrate(uint64_t bits_per_second) {
        link_.send(wire_text(WireType::bitrate, std::to_string(bits_per_second)));
    }

    pid_t pid() const { return process_->pid(); }

private:
    struct Upstream;
    WorkerFeed(GstElement* pipeline, GstElement* fanout, Task task, std::unique_ptr<WorkerProcess> process, int fd);
    bool link_track(GstElement* source);
    void take(WireMessage& message);
    void take_event(std::string_view text);
    bool too_many_events();
    void fail(const TranscodeFailure& failure) { tell_failure(pipeline_, failure); }

    GstElement *const pipeline_, *const fanout_;
    const std::shared_ptr<Upstream> upstream_; // also the pads', which may be asked when this is gone
    std::shared_ptr<WorkerProcess> process_;
    Inlet inlet_;
    std::chrono::steady_clock::time_point second_{}; // the link's thread; so is
    unsigned events_ = 0;                            // in that second
    WorkerLink link_;                                // its thread uses all the others
};

} // namespace sluice
