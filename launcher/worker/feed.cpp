// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/feed.hpp"

#include <gst/video/video.h>

#include <unistd.h>

#include <mutex>
#include <system_error>
#include <utility>

namespace sluice {

namespace {

constexpr std::chrono::milliseconds last_breath{100}; // from the end of the connection to the end of the process

} // namespace

Result<std::unique_ptr<WorkerFeed>> WorkerFeed::start(GstElement* pipeline, GstElement* fanout, Task task) {
    WireText job = wire_text(WireType::job, {});
    try {
        job = wire_text(WireType::job, task.job.dump());
    } catch (const Json::exception&) {
        return Error{ErrorKind::bad_config,
                     "what is described here (address, user, password, parameters) is not UTF-8, "
                     "which a worker process has to be told in"};
    }
    if (job.body.size() > max_wire_text)
        return Error{ErrorKind::bad_config,
                     "what is described here is too long for a worker process: " + std::to_string(job.body.size()) +
                         " bytes, allowed: at most " + std::to_string(max_wire_text)};
    int fd = -1;
    auto process = WorkerProcess::start(task.name, fd, task.grace);
    if (!process)
        return process.error();
    std::unique_ptr<WorkerFeed> feed;
    try { // neither a descriptor nor a thread need be left
        feed.reset(new WorkerFeed(pipeline, fanout, std::move(task), std::move(process).value(), fd));
        feed->link_.send(std::move(job));
        feed->link_.start();
    } catch (const std::system_error& error) {
        if (!feed)
            close(fd);
        return Error{ErrorKind::unavailable, std::string("a worker process: ") + error.what()};
    }
    return feed;
}

// Readers of the channel ask from threads of their own, as long as the pipeline has not been taken down.
struct WorkerFeed::Upstream {
    std::mutex mutex;
    WorkerFeed* feed = nullptr; // guarded; NULL: gone

    void take(GstEvent* event) {
        guint64 bitrate = 0;
        const bool key = gst_video_event_is_force_key_unit(event);
        if (!key && !(gst_event_has_name(event, "sluice-bitrate") &&
                      gst_structure_get_uint64(gst_event_get_structure(event), "bitrate", &bitrate)))
            return;
        Ref<GstElement> pipeline;
        {
            const std::lock_guard lock(mutex);
            if (!feed)
                return;
            if (key)
                feed->link_.send(wire_text(WireType::key_unit, {}));
            else
                pipeline = ref(feed->pipeline_);
        }
        if (pipeline)
            gst_element_post_message(pipeline.get(),
                                     gst_message_new_application(GST_OBJECT(pipeline.get()),
                                                                 gst_structure_new(carried_message, "bitrate",
                                                                                   G_TYPE_UINT64, bitrate, nullptr)));
    }
};

WorkerFeed::~WorkerFeed() {
    const std::lock_guard lock(upstream_->mutex);
    upstream_->feed = nullptr;
}

WorkerFeed::WorkerFeed(GstElement* pipeline, GstElement* fanout, Task task, std::unique_ptr<WorkerProcess> process,
                       int fd)
    : pipeline_(pipeline), fanout_(fanout), upstream_(std::make_shared<Upstream>()), process_(std::move(process)),
      inlet_(pipeline, [this](GstElement* source, const GstCaps*) { return link_track(source); }),
      link_(fd, std::move(task.from),
            {.message = [this](WireMessage& message) { take(message); },
             .wants_more = {}, // a fanoutsink takes everything at once
             .closed =
                 [this](const std::string& why) {
                     const std::string how = process_->ended(last_breath);
                     fail({TranscodeFailure::Part::process,
                           "the worker process is gone (" + (how.empty() ? why : how) + ")"});
                 }},
            task.media) {
    upstream_->feed = this;
}

// Whoever reads the channel asks for a key unit, and for the bits that it can take, through the pipeline, as of any encoder.
bool WorkerFeed::link_track(GstElement* source) {
    const auto pad = adopt(gst_element_get_static_pad(source, "src"));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
        [](GstPad*, GstPadProbeInfo* info, gpointer data) {
            (*static_cast<std::shared_ptr<Upstream>*>(data))->take(GST_PAD_PROBE_INFO_EVENT(info));
            return GST_PAD_PROBE_OK;
        },
        new std::shared_ptr<Upstream>(upstream_),
        [](gpointer data) { delete static_cast<std::shared_ptr<Upstream>*>(data); });
    return gst_element_link_pads(source, "src", fanout_, "sink_%u");
}

void WorkerFeed::take(WireMessage& message) {
    if (message.header.type == WireType::track || message.header.type == WireType::unit) {
        if (const auto taken = inlet_.take(message); !taken)
            fail({TranscodeFailure::Part::source, taken.error().text});
        return;
    }
    if (message.header.type == WireType::event)
        take_event(message.text());
}

bool WorkerFeed::too_many_events() {
    if (const auto now = std::chrono::steady_clock::now(); now - second_ > std::chrono::seconds(1)) {
        second_ = now;
        events_ = 0;
    }
    if (++events_ == max_events + 1)
        fail({TranscodeFailure::Part::source, "the worker process talks without end"});
    return events_ > max_events;
}

void WorkerFeed::take_event(std::string_view text) {
    if (too_many_events() || text.size() > max_event)
        return;
    std::vector<ConfigError> errors;
    const Json event = parse_json_text(text, errors);
    if (!errors.empty())
        return;
    if (const auto failure = transcode_failure(event))
        return fail(*failure);
    gst_element_post_message(
        pipeline_,
        gst_message_new_application(GST_OBJECT(pipeline_), gst_structure_new(event_message, "text", G_TYPE_STRING,
                                                                             std::string(text).c_str(), nullptr)));
}

void WorkerFeed::tell_failure(GstElement* pipeline, const TranscodeFailure& failure) {
    gst_element_post_message(
        pipeline,
        gst_message_new_application(
            GST_OBJECT(pipeline), gst_structure_new(failed_message, "part", G_TYPE_INT, static_cast<int>(failure.part),
                                                    "reason", G_TYPE_STRING, failure.reason.c_str(), nullptr)));
}

} // namespace sluice
