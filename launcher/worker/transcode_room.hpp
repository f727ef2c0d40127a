// SPDX-License-Identifier: LGPL-2.1-or-later
// How many transcodes may run at once, how much of the machine they may use, and who waits for one to end. Main context only.
#pragma once

#include "launcher/worker/worker_load.hpp"
#include "plugins/core/result.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace sluice {

class TranscodeRoom {
    struct State;

public:
    using Time = WorkerLoad::Time;
    struct Limits {
        unsigned at_once = 1;
        unsigned cpu_percent = 80; // of the whole machine, by all together
    };
    // So often each running transcode is looked at.
    static constexpr std::chrono::seconds look_interval{2};
    // later: calls what it is given from the main context, when nobody else is on the way.
    using Later = std::function<void(std::function<void()>)>;
    TranscodeRoom(const Limits& limits, WorkerLoad load, Later later);

    // One transcode; given back when it is let go.
    class Permit {
    public:
        explicit Permit(std::shared_ptr<State> state);
        ~Permit();
        Permit(const Permit&) = delete;
        Permit& operator=(const Permit&) = delete;
        // The process that does the work.
        void runs(pid_t pid, Time now);
        // What they use is another amount by now.
        void look(Time now);

    private:
        const std::shared_ptr<State> state_;
        pid_t pid_ = 0;
    };
    // Error: there are as many as there may be, or they use as much as they may.
    Result<std::unique_ptr<Permit>> request(Time now);

    // Who was refused is called when there may be room again, in the order in which they came, as long as this is held; soon, if
    // there is room already, unless it waits anew from within its call. It may be refused again.
    class Waiting {
    public:
        Waiting(std::weak_ptr<State> state, uint64_t number) : state_(std::move(state)), number_(number) {}
        ~Waiting();
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

    private:
        const std::weak_ptr<State> state_;
        const uint64_t number_;
    };
    std::unique_ptr<Waiting> wait(std::function<void()> room);

private:
    const std::shared_ptr<State> state_;
};

} // namespace sluice
