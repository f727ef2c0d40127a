// SPDX-License-Identifier: LGPL-2.1-or-later
// One attempt to connect to one stream of a camera: the template's pipeline, from its start to its first failure.
#pragma once

#include "launcher/camera/camera_life.hpp"
#include "launcher/camera/track_offer.hpp"
#include "launcher/config/config.hpp"
#include "launcher/config/templates.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice {

class Teardown;

struct SourceFailure {
    FailureKind kind = FailureKind::transient;
    std::string reason;             // for people to read; no secrets, one line
    bool could_not_connect = false; // the TCP connection itself: a look at the network says more (Diagnosis)
};

// Called in the main context, never from within create() or start(), and not after its destruction (which they may cause).
struct SourceEvents {
    std::function<void()> handshake_done;
    std::function<void(const SourceFailure&)> failed; // once
};

class SourcePipeline {
public:
    // Error: the template does not fit GStreamer (an element is missing, a property unknown).
    static Result<std::unique_ptr<SourcePipeline>> create(const Templates& templates, const SourceConfig& source,
                                                          const std::string& channel, Teardown& teardown,
                                                          SourceEvents events);
    ~SourcePipeline(); // hands the pipeline to the Teardown
    SourcePipeline(const SourcePipeline&) = delete;
    SourcePipeline& operator=(const SourcePipeline&) = delete;

    void start();

private:
    SourcePipeline(Ref<GstElement> pipeline, std::string channel, Teardown& teardown, SourceEvents events,
                   bool has_credentials);
    void connect_source();
    static gboolean on_message(GstBus* bus, GstMessage* message, gpointer self);
    void handle(GstMessage* message);
    void fail(const SourceFailure& failure);

    Ref<GstElement> pipeline_;
    const std::string channel_;
    Teardown& teardown_;
    SourceEvents events_;
    const bool has_credentials_;
    const std::shared_ptr<TrackOffer> offer_; // nullptr: no camera that describes itself
    bool failed_ = false;
};

// What a GError of a source and its debug text mean to the person in front of the camera.
SourceFailure describe_source_error(const GError& error, const char* debug, bool has_credentials);

} // namespace sluice
