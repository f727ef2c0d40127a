// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

// Which connections of an HTTP server may stay. A connection waits as long as its client has not sent a whole request;
// such ones cost a client nothing and us a descriptor each, so they have a time limit and give way first. Pure: time is a
// parameter.
class ConnectionTable {
public:
    using Id = uint64_t;
    using Time = std::chrono::nanoseconds; // of any monotonic clock
    struct Limits {
        size_t connections = 256;        // at once, all together
        size_t waiting_per_address = 64; // of one peer address; a browser opens six
        Time request = std::chrono::seconds(15);
    };

    explicit ConnectionTable(Limits limits) : limits_(limits) {}

    struct Admission {
        std::optional<Id> id;      // none: refused
        std::optional<Id> evicted; // the oldest waiting one, to be closed for it
    };
    // When full, the connection that waits longest is closed for the new one; if none waits, the new one is refused. An
    // address that has its share of waiting ones is refused, unless it speaks for many (a proxy).
    Admission admit(const std::string& address, Time now, bool for_many = false);
    void request_read(Id id);       // waits no more
    void answered(Id id, Time now); // kept alive: waits for the next request
    void gone(Id id);
    std::optional<Id> oldest_waiting() const;
    std::vector<Id> overdue(Time now) const;
    std::optional<Time> next_deadline() const;
    size_t size() const { return all_.size(); }
    size_t waiting() const { return waiting_.size(); }

private:
    struct Connection {
        std::string address;
        std::optional<Time> since; // waiting
    };
    void stop_waiting(Id id, Connection& c);
    void start_waiting(Id id, Connection& c, Time now);

    const Limits limits_;
    Id next_ = 1;
    std::map<Id, Connection> all_;
    std::set<std::pair<Time, Id>> waiting_;
    std::map<std::string, size_t> waiting_by_address_;
};

} // namespace sluice
