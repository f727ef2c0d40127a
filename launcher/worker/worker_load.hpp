// SPDX-License-Identifier: LGPL-2.1-or-later
// What worker processes use of the machine's processors. Main context only; time is given.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

namespace sluice {

// The CPU time, of user and system, in the text of a /proc/PID/stat; nothing: it is none.
std::optional<std::chrono::milliseconds> cpu_time(std::string_view stat, long ticks_per_second);
// Of a process of this machine; nothing: there is none.
std::optional<std::chrono::milliseconds> cpu_time_of(pid_t pid);

class WorkerLoad {
public:
    using Time = std::chrono::steady_clock::time_point;
    using CpuTimeOf = std::function<std::optional<std::chrono::milliseconds>(pid_t)>;

    // What counts is the time between the newest look and one so long ago.
    static constexpr std::chrono::seconds window{6};
    // Looks that follow sooner are none; what is known of less time than that is nothing.
    static constexpr std::chrono::milliseconds least{500};

    // processors: that the machine has.
    explicit WorkerLoad(unsigned processors, CpuTimeOf cpu_time_of = sluice::cpu_time_of)
        : processors_(processors), cpu_time_of_(std::move(cpu_time_of)) {}

    void add(pid_t pid, Time now);
    void remove(pid_t pid) { workers_.erase(pid); }
    void look(Time now);

    // Percent of the whole machine. Of all workers; those of which nothing is known yet count as the mean of the others.
    double all() const;
    // That one more is likely to use: the mean. 0: nothing is known.
    double one_more() const;

private:
    struct Look {
        Time at;
        std::chrono::milliseconds used;
    };
    void look(pid_t pid, std::deque<Look>& looks, Time now);
    std::optional<double> used(const std::deque<Look>& looks) const;

    const unsigned processors_;
    const CpuTimeOf cpu_time_of_;
    std::map<pid_t, std::deque<Look>> workers_;
};

} // namespace sluice
