// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/hash_workers.hpp"

#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice {

HashWorkers::HashWorkers(unsigned threads) : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0)
        throw std::system_error(errno, std::generic_category(), "eventfd");
    watch_ = g_unix_fd_add(
        event_, G_IO_IN,
        [](int, GIOCondition, gpointer self) -> gboolean {
            static_cast<HashWorkers*>(self)->deliver();
            return G_SOURCE_CONTINUE;
        },
        this);
    for (unsigned i = 0; i < threads; i++)
        threads_.emplace_back([this] { run(); });
}

HashWorkers::~HashWorkers() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
    g_source_remove(watch_);
    close(event_);
}

void HashWorkers::submit(std::function<void()> work, std::function<void()> done, bool first) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.insert(first ? waiting_.begin() : waiting_.end(), Job{std::move(work), std::move(done)});
    }
    changed_.notify_one();
}

void HashWorkers::run() {
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (stopping_)
                return;
            job = std::move(waiting_.front());
            waiting_.pop_front();
        }
        job.work();
        {
            const std::lock_guard lock(mutex_);
            finished_.push_back(std::move(job));
        }
        eventfd_write(event_, 1);
    }
}

void HashWorkers::deliver() {
    eventfd_t count = 0;
    eventfd_read(event_, &count);
    std::deque<Job> finished;
    {
        const std::lock_guard lock(mutex_);
        finished.swap(finished_);
    }
    for (const Job& job : finished)
        job.done();
}

} // namespace sluice
