// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/connection_table.hpp"

namespace sluice {

void ConnectionTable::start_waiting(Id id, Connection& c, Time now) {
    if (c.since)
        return;
    c.since = now;
    waiting_.emplace(now, id);
    ++waiting_by_address_[c.address];
}

void ConnectionTable::stop_waiting(Id id, Connection& c) {
    if (!c.since)
        return;
    waiting_.erase({*c.since, id});
    c.since.reset();
    const auto count = waiting_by_address_.find(c.address);
    if (--count->second == 0)
        waiting_by_address_.erase(count);
}

ConnectionTable::Admission ConnectionTable::admit(const std::string& address, Time now, bool for_many) {
    const auto mine = waiting_by_address_.find(address);
    if (!for_many && mine != waiting_by_address_.end() && mine->second >= limits_.waiting_per_address)
        return {};
    Admission out;
    if (all_.size() >= limits_.connections) {
        out.evicted = oldest_waiting();
        if (!out.evicted)
            return {};
        gone(*out.evicted);
    }
    out.id = next_++;
    start_waiting(*out.id, all_.emplace(*out.id, Connection{address, {}}).first->second, now);
    return out;
}

void ConnectionTable::request_read(Id id) {
    if (const auto it = all_.find(id); it != all_.end())
        stop_waiting(id, it->second);
}

void ConnectionTable::answered(Id id, Time now) {
    if (const auto it = all_.find(id); it != all_.end())
        start_waiting(id, it->second, now);
}

void ConnectionTable::gone(Id id) {
    const auto it = all_.find(id);
    if (it == all_.end())
        return;
    stop_waiting(id, it->second);
    all_.erase(it);
}

std::optional<ConnectionTable::Id> ConnectionTable::oldest_waiting() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->second);
}

std::vector<ConnectionTable::Id> ConnectionTable::overdue(Time now) const {
    std::vector<Id> out;
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first + limits_.request <= now; ++it)
        out.push_back(it->second);
    return out;
}

std::optional<ConnectionTable::Time> ConnectionTable::next_deadline() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first + limits_.request);
}

} // namespace sluice
