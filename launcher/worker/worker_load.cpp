// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/worker_load.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace sluice {

std::optional<std::chrono::milliseconds> cpu_time(std::string_view stat, long ticks_per_second) {
    // The name, in brackets, may hold anything; the fields behind it are the third and those that follow.
    constexpr int first = 3, user = 14, system = 15;
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos || ticks_per_second <= 0)
        return std::nullopt;
    std::string_view rest = stat.substr(name_end + 1);
    uint64_t ticks = 0;
    for (int field = first; field <= system; field++) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
        if (word.empty())
            return std::nullopt;
        rest.remove_prefix(word.size());
        if (field < user)
            continue;
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size())
            return std::nullopt;
        ticks += value;
    }
    return std::chrono::milliseconds(ticks * 1000 / static_cast<uint64_t>(ticks_per_second));
}

std::optional<std::chrono::milliseconds> cpu_time_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(file, line))
        return std::nullopt;
    return cpu_time(line, sysconf(_SC_CLK_TCK));
}

void WorkerLoad::add(pid_t pid, Time now) { look(pid, workers_[pid] = {}, now); }

void WorkerLoad::look(Time now) {
    for (auto& [pid, looks] : workers_)
        look(pid, looks, now);
}

void WorkerLoad::look(pid_t pid, std::deque<Look>& looks, Time now) {
    if (!looks.empty() && now < looks.back().at + least)
        return;
    const auto used = cpu_time_of_(pid);
    if (!used)
        return; // it has ended, and is about to be removed
    looks.push_back({now, *used});
    while (looks.size() > 2 && looks[1].at + window <= now)
        looks.pop_front();
}

std::optional<double> WorkerLoad::used(const std::deque<Look>& looks) const {
    if (looks.size() < 2)
        return std::nullopt;
    const std::chrono::duration<double> time = looks.back().at - looks.front().at,
                                        cpu = looks.back().used - looks.front().used;
    return cpu / time / std::max(1u, processors_) * 100;
}

double WorkerLoad::one_more() const {
    double sum = 0;
    unsigned known = 0;
    for (const auto& [pid, looks] : workers_)
        if (const auto share = used(looks)) {
            sum += *share;
            known++;
        }
    return known ? sum / known : 0;
}

double WorkerLoad::all() const {
    const double mean = one_more();
    double sum = 0;
    for (const auto& [pid, looks] : workers_)
        sum += used(looks).value_or(mean);
    return sum;
}

} // namespace sluice
