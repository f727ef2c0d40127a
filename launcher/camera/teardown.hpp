// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes pipelines to NULL on worker threads: rtspsrc waits for the camera there, and may hang.
#pragma once

#include "plugins/core/refs.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice {

class Teardown {
public:
    using Clock = std::chrono::steady_clock;

    // A teardown that takes longer than the deadline counts as a zombie until it is over.
    explicit Teardown(std::chrono::milliseconds deadline = std::chrono::seconds(5));
    ~Teardown(); // does not wait: see wait_all()

    // Takes the last reference. The bus is flushed: messages in it would keep elements alive.
    // then: let go when the pipeline is down; may take its time, too.
    void retire(Ref<GstElement> pipeline, const std::string& name, std::shared_ptr<void> then = {});

    size_t pending() const;
    size_t zombies() const;
    size_t zombies(const std::string& name) const;

    // True if all were done before the time was over.
    bool wait_all(std::chrono::milliseconds time);

private:
    struct Job {
        std::string name;
        Clock::time_point begun;
    };
    // Outlives the Teardown as long as a thread hangs in a pipeline.
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        std::map<uint64_t, Job> jobs;
        uint64_t next = 0, done = 0;
    };
    std::shared_ptr<Shared> shared_;
    const std::chrono::milliseconds deadline_;
};

} // namespace sluice
