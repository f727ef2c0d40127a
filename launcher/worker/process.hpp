// SPDX-License-Identifier: LGPL-2.1-or-later
// A child process of this program that does what may crash: decoders, encoders, drivers.
#pragma once

#include "plugins/core/result.hpp"

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

// Where a worker finds its end of the socket.
constexpr int worker_fd = 3;

// Of a child that runs what may crash: this process', without secrets and without a look at every plugin file of the system.
std::vector<std::string> worker_environment();

class WorkerProcess {
public:
    // name: of what it works for, shown by ps. In the main thread, for the worker ends with the thread that began it.
    // fd: our end of the socket, the caller's from now on. grace: what it has to end by itself when that is closed.
    static Result<std::unique_ptr<WorkerProcess>> start(const std::string& name, int& fd,
                                                        std::chrono::milliseconds grace = {});
    // Any thread. Waits for the grace, then kills; the rest is waited for by the main context.
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    pid_t pid() const { return pid_; }
    // "killed by SIGSEGV", "ended with code 1", if it ends in that time; else empty. Any thread.
    std::string ended(std::chrono::milliseconds time) const;
    // It has ended by a signal that only somebody else sends: SIGKILL, SIGTERM. Any thread.
    bool was_killed() const;

private:
    struct Child;
    WorkerProcess(std::shared_ptr<Child> child, pid_t pid, std::chrono::milliseconds grace);

    const std::shared_ptr<Child> child_;
    const pid_t pid_;
    const std::chrono::milliseconds grace_;
};

} // namespace sluice
