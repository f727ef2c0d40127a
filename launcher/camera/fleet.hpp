// SPDX-License-Identifier: LGPL-2.1-or-later
// All cameras of the configuration.
#pragma once

#include "launcher/camera/camera_stream.hpp"
#include "launcher/camera/main_timer.hpp"
#include "launcher/camera/teardown.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct CameraStatus {
    std::string name;
    bool webrtc = true;
    std::vector<StreamStatus> streams; // main first
    std::string quality = "auto";
};

class Fleet {
public:
    Fleet(const std::vector<CameraConfig>& cameras, const Templates& templates, StreamMemory& memory,
          Transcoding& transcoding, const LifeLimits& limits = {});
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    void start();
    // From now on these cameras. Streams that are described as before are not touched; the others end, or begin anew on
    // the same channel, so that their readers stay.
    void apply(const std::vector<CameraConfig>& cameras);
    // All sources are on their way down; true if they were within the time.
    bool stop(std::chrono::milliseconds time);
    std::vector<CameraStatus> status() const;
    std::optional<CameraStatus> status(const std::string& name) const;
    // Called in the main context when a camera has come or gone, or its state or its reason is another one.
    void on_change(std::function<void()> callback) { changed_ = std::move(callback); }
    size_t zombies() const { return teardown_.zombies(); }

private:
    struct Camera {
        std::string name;
        WebrtcOutput webrtc;
        std::vector<std::unique_ptr<CameraStream>> streams;
    };
    void report();
    static CameraStatus status_of(const Camera& camera);
    Camera make(const CameraConfig& config, std::vector<std::unique_ptr<CameraStream>> before);

    const Templates& templates_;
    StreamMemory& memory_;
    Transcoding& transcoding_;
    const LifeLimits limits_;
    bool started_ = false;
    Teardown teardown_;
    TimerQueue timers_;
    MainTimer main_timer_{timers_};
    TimerQueue::Timer trial_timer_; // of encoders
    AttemptGate gate_;
    std::function<void()> changed_;
    std::vector<Camera> cameras_; // told of by changed_ until they are gone
};

} // namespace sluice
