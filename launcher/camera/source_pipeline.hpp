// SPDX-License-Identifier: LGPL-2.1-or-later
// One attempt to get pictures from one source: the template's pipeline, from its start to its first failure.
#pragma once

#include "launcher/camera/failure.hpp"
#include "launcher/camera/pipeline_factory.hpp"
#include "launcher/camera/rtp_time.hpp"
#include "launcher/camera/track_offer.hpp"
#include "launcher/config/config.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

class Teardown;
class Transcoding;
class TimerQueue;
class WorkerSource;

// Called in the main context, never from within create() or start(), and not after its destruction (which they may cause).
struct SourceEvents {
    std::function<void()> connected;
    std::function<void()> handshake_done;
    std::function<void()> key_unit;                   // the first one has come
    std::function<void()> writing;                    // after standby
    std::function<void(const SourceFailure&)> failed; // once
};

class SourcePipeline {
public:
    using Time = std::chrono::steady_clock::time_point;

    // What fanoutsink has seen of this attempt.
    struct Progress {
        std::optional<Time> last_video;
        bool key_unit = false, writing = false;
    };

    // With `transcoding` (the launcher) derived streams and templates that are not `in-process` are made by a worker process,
    // without it everything here. Error: the template does not fit GStreamer (an element is missing, a property unknown); a
    // worker says so later.
    static Result<std::unique_ptr<SourcePipeline>> create(const Templates& templates, const SourceConfig& source,
                                                          const std::string& channel, Teardown& teardown,
                                                          SourceEvents events, Transcoding* transcoding = nullptr,
                                                          TimerQueue* timers = nullptr);
    ~SourcePipeline(); // hands the pipeline to the Teardown
    SourcePipeline(const SourcePipeline&) = delete;
    SourcePipeline& operator=(const SourcePipeline&) = delete;

    // standby: runs beside the source that writes to the channel, and writes nothing itself. From the moment it is told
    // otherwise it takes over at its next key unit. A source that never was in standby takes over at once.
    enum class Mode { at_once, at_key_unit, standby };
    void start(Mode mode);
    void set_standby(bool standby);
    Progress progress() const;
    // To be called before it is ended because no picture comes. True: what is held to be the cause is not used any more.
    bool given_up();
    // bit/s that an encoder is asked for now; nothing: there is none.
    std::optional<uint64_t> target_bitrate() const;
    // Of the camera's pictures; nothing: they do not come by RTP to this process.
    std::optional<RtpTime> rtp_time();
    // For who looks at what happens inside (sluice probe); it is there as long as this object.
    GstElement* element() const { return pipeline_.get(); }

private:
    SourcePipeline(Ref<GstElement> pipeline, std::string channel, Teardown& teardown, SourceEvents events,
                   const SourceConfig& source);
    void connect_source();
    static gboolean on_message(GstBus* bus, GstMessage* message, gpointer self);
    void handle(GstMessage* message);
    void handle_progress(GstMessage* message);
    void handle_error(GstMessage* message);
    void take_from_worker(const GstStructure* told);
    static void play(GstElement* pipeline, GstElement* fanout, Mode mode, bool silent);
    static void tell(const std::function<void()>& event);
    void fail(const SourceFailure& failure);

    Ref<GstElement> pipeline_;
    Ref<GstElement> fanout_;
    const std::string channel_;
    Teardown& teardown_;
    SourceEvents events_;
    const bool has_credentials_;
    bool slow_start_; // srtsrc waits for the name's address while it changes its state
    const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
    Ref<GstElement> depayloader_;             // of the pictures, once it was looked for and found
    std::unique_ptr<WorkerSource> worker_;    // nullptr: the media come from this process
    std::optional<Time> worker_data_;         // when it told that data come
    const std::shared_ptr<TrackOffer> offer_; // nullptr: no camera that describes itself
    bool failed_ = false;
    std::string redirected_to_; // another host, which gets no password
    unsigned connections_ = 0;  // rtspsrc has made: more than one means that it is sent elsewhere
};

// What a GError of a source and its debug text mean to the person in front of the camera.
SourceFailure describe_source_error(const GError& error, const char* debug, bool has_credentials);

} // namespace sluice
