// SPDX-License-Identifier: LGPL-2.1-or-later
// A source whose pictures come from a worker process: what all kinds of them have in common. Lives in the main context.
#pragma once

#include "launcher/camera/source_job.hpp"
#include "launcher/worker/feed.hpp"
#include "launcher/worker/transcoding.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice {

// What the worker's tracks come into: a fanoutsink named "fanout" and nothing else, in the state NULL.
Result<Ref<GstElement>> make_worker_pipeline(const std::string& channel);

class WorkerSource {
public:
    virtual ~WorkerSource();
    WorkerSource(const WorkerSource&) = delete;
    WorkerSource& operator=(const WorkerSource&) = delete;

    // What cannot begin is told like everything that fails, by a message.
    void start();
    // Of a message WorkerFeed::failed_message or event_message. Nothing: it makes no sense.
    std::optional<SourceEvent> read(const GstStructure* told);
    // Of a message WorkerFeed::carried_message.
    virtual void carried(const GstStructure*) {}
    // That the encoder is asked for now, bit/s; 0: nothing is asked for.
    virtual uint64_t bitrate() const { return 0; }
    // It is ended because no picture comes. True: its encoder is held to be the cause, and there is another one.
    bool given_up();
    // Whether the worker says how far it is.
    virtual bool tells_progress() const { return false; }
    // May be nullptr.
    std::shared_ptr<void> process() const { return feed_ ? feed_->process() : nullptr; }

protected:
    // channel: what it makes.
    WorkerSource(Ref<GstElement> pipeline, const std::string& channel, Transcoding& transcoding)
        : pipeline_(std::move(pipeline)), channel_(channel), transcoding_(transcoding) {}
    const std::string& channel() const { return channel_; }
    Transcoding& transcoding() { return transcoding_; }
    // The one that is to be used; when the worker says that it has failed, the next is tried at once.
    Result<std::string> choose_encoder();
    const std::string& encoder() const { return encoder_; }
    // nullptr: it has not been started.
    WorkerFeed* feed() const { return feed_.get(); }

private:
    virtual Result<WorkerFeed::Task> task() = 0;
    virtual void started() {} // there is a feed
    // It could not begin because others use what there is.
    virtual bool refused() const { return false; }
    // No picture comes although the worker has all that it needs. last: when the last one came, on the clock of channels, or
    // GST_CLOCK_TIME_NONE.
    virtual bool hangs(GstClockTime) const { return false; }
    Result<bool> begin();
    GstClockTime last_picture() const;
    SourceFailure judge(SourceFailure failure, bool of_process);

    const Ref<GstElement> pipeline_;
    const std::string channel_;
    Transcoding& transcoding_;
    std::string encoder_; // empty: none
    std::unique_ptr<Transcoding::Use> use_;
    Transcoding::Time began_{};
    bool failed_ = false;
    std::unique_ptr<WorkerFeed> feed_;
};

} // namespace sluice
