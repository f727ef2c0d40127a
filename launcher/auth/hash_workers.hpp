// SPDX-License-Identifier: LGPL-2.1-or-later
// A few threads for work that is slow on purpose. The results come back into the main context.
#pragma once

#include <glib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {

class HashWorkers {
public:
    // Belongs to the main context, which calls everything but `work`.
    explicit HashWorkers(unsigned threads = 2);
    ~HashWorkers(); // waits for the work that is being done; what has not begun is dropped, and no `done` is called
    HashWorkers(const HashWorkers&) = delete;
    HashWorkers& operator=(const HashWorkers&) = delete;

    // work runs in a thread, then done in the main context. first: before what waits already. The caller bounds how many
    // there are.
    void submit(std::function<void()> work, std::function<void()> done, bool first = false);

private:
    struct Job {
        std::function<void()> work, done;
    };
    void run();
    void deliver();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> waiting_, finished_;
    bool stopping_ = false;
    int event_ = -1; // an eventfd: tells the main context that something is finished
    guint watch_ = 0;
    std::vector<std::thread> threads_;
};

} // namespace sluice
