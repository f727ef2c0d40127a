// SPDX-License-Identifier: LGPL-2.1-or-later
// In a worker process: the pipeline of a template. A channel of the process takes what it brings.
#pragma once

#include "launcher/camera/main_timer.hpp"
#include "launcher/camera/source_job.hpp"
#include "launcher/camera/source_pipeline.hpp"
#include "launcher/camera/teardown.hpp"
#include "launcher/config/templates.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice {

// Lives in the main context.
class SourceRunner {
public:
    using Tell = std::function<void(const SourceEvent&)>;
    // watchable: called once, when a reader of the channel has something to begin with.
    SourceRunner(SourceJob job, const std::string& channel, Tell tell, std::function<void()> watchable);
    // Says goodbye to the camera, as long as that does not take long.
    ~SourceRunner();
    SourceRunner(const SourceRunner&) = delete;
    SourceRunner& operator=(const SourceRunner&) = delete;

private:
    struct Choice;
    void begin(const std::string& channel);
    void fail(const std::string& reason);
    void look();

    const SourceJob job_;
    const std::shared_ptr<Choice> choice_; // elements of the pipeline keep it
    const Tell tell_;
    const std::function<void()> watchable_;
    TimerQueue timers_;
    MainTimer runs_timers_{timers_};
    TimerQueue::Timer look_timer_{timers_, [this] { look(); }}; // until it can be watched
    std::optional<SourcePipeline::Time> data_;                  // that were told
    Templates templates_;                                       // the one
    Teardown teardown_;
    std::unique_ptr<SourcePipeline> pipeline_;
};

} // namespace sluice
