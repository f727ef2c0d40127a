// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/teardown.hpp"

#include "launcher/log.hpp"

#include <malloc.h>

#include <system_error>
#include <thread>
#include <utility>

namespace sluice {

// Each pipeline's threads leave their arenas half full behind: 64 cameras that came and went grew a process from 100 to 124 MB.
constexpr uint64_t trim_after = 64;

Teardown::Teardown(std::chrono::milliseconds deadline) : shared_(std::make_shared<Shared>()), deadline_(deadline) {}

Teardown::~Teardown() = default;

void Teardown::retire(Ref<GstElement> pipeline, const std::string& name, std::shared_ptr<void> then) {
    uint64_t id = 0;
    {
        const std::lock_guard lock(shared_->mutex);
        id = shared_->next++;
        shared_->jobs[id] = {name, Clock::now()};
    }
    const auto work = [shared = shared_, id, deadline = deadline_](Ref<GstElement> element,
                                                                   const std::shared_ptr<std::shared_ptr<void>>& rest) {
        const auto begun = Clock::now();
        {
            const Ref<GstBus> bus = adopt(gst_element_get_bus(element.get()));
            gst_bus_set_flushing(bus.get(), TRUE);
            gst_element_set_state(element.get(), GST_STATE_NULL);
            element = nullptr;
        }
        rest->reset();
        const auto took = Clock::now() - begun;
        std::string job_name;
        bool trim = false;
        {
            const std::lock_guard lock(shared->mutex);
            trim = ++shared->done % trim_after == 0;
            job_name = shared->jobs[id].name;
            shared->jobs.erase(id);
        }
        shared->changed.notify_all();
        if (trim)
            malloc_trim(0);
        if (took > deadline)
            log_warning(job_name + ": closing the connection took " +
                        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(took).count()) + " s");
    };
    // Let go of by the work alone, wherever that is done.
    const auto held = std::make_shared<std::shared_ptr<void>>(std::move(then));
    try {
        // A thread of its own for each: one that hangs must not hold up another. Their number is bounded by the owners,
        // who make no new attempt while too many of their old ones hang.
        std::thread(work, pipeline, held).detach();
    } catch (const std::system_error&) {
        work(std::move(pipeline), held); // no more threads: better late than never
    }
}

size_t Teardown::pending() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->jobs.size();
}

size_t Teardown::zombies() const {
    const std::lock_guard lock(shared_->mutex);
    size_t n = 0;
    for (const auto& [id, job] : shared_->jobs)
        n += Clock::now() - job.begun > deadline_;
    return n;
}

size_t Teardown::zombies(const std::string& name) const {
    const std::lock_guard lock(shared_->mutex);
    size_t n = 0;
    for (const auto& [id, job] : shared_->jobs)
        n += job.name == name && Clock::now() - job.begun > deadline_;
    return n;
}

bool Teardown::wait_all(std::chrono::milliseconds time) {
    std::unique_lock lock(shared_->mutex);
    return shared_->changed.wait_for(lock, time, [&] { return shared_->jobs.empty(); });
}

} // namespace sluice
