// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {

// What a sender thread serves.
class Sendable {
public:
    virtual ~Sendable() = default;
    // Sends what is due; never blocks for long. Returns when to come back (channel time), 0: when one of listening() has news.
    virtual GstClockTime run() = 0;
    // The channels that wake it now. Called by the sender thread, after run().
    virtual std::vector<std::shared_ptr<Channel>> listening() = 0;
};

// A few threads send for all viewers: woken by channels and deadlines, they never sleep to pace and hold no lock while they push.
class SenderPool {
public:
    explicit SenderPool(unsigned threads);
    ~SenderPool();
    SenderPool(const SenderPool&) = delete;
    SenderPool& operator=(const SenderPool&) = delete;

    // One pool per process, made with the first viewer's server and ended with the last.
    static std::shared_ptr<SenderPool> shared();

    void add(const std::shared_ptr<Sendable>& s);
    // Runs it soon (something changed that no channel tells of).
    void kick(const std::shared_ptr<Sendable>& s);
    // After this no thread is inside s->run() and none will be. Not from a sender thread.
    void remove(const std::shared_ptr<Sendable>& s);

private:
    class Worker;
    std::vector<std::unique_ptr<Worker>> workers_;
};

} // namespace sluice
