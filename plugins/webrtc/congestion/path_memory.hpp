// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/least_round_trip.hpp"

#include <gst/gst.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice {

// What the paths to the networks of earlier viewers carried: where the next one from there begins. A network is an IPv4 /24 or an
// IPv6 /56. Thread-safe; time is a parameter.
class PathMemory {
public:
    static constexpr size_t most_networks = 1000;
    static constexpr GstClockTime life = 3600 * GST_SECOND;
    static constexpr GstClockTime half_life = 1200 * GST_SECOND;
    // What a shorter session has learnt does not replace more.
    static constexpr GstClockTime sound_session = 5 * GST_SECOND;

    // Empty: no address that names a network (a host name, a candidate hidden behind .local).
    static std::string network_of(const std::string& address);

    // estimate: StreamChooser::carries(), at the end of a session or now and then; lasted: how long media has flowed.
    void learn(const std::string& address, uint64_t estimate, GstClockTime lasted, GstClockTime now);
    // Bit/s, the less the older; 0: nothing known.
    uint64_t estimate(const std::string& address, GstClockTime now) const;
    // Of the network, for as long as somebody there has it.
    std::shared_ptr<LeastRoundTrip> round_trip(const std::string& address);
    size_t size() const;

private:
    struct Entry {
        uint64_t estimate = 0;
        GstClockTime at = 0;
        std::list<std::string>::iterator age;
    };
    static uint64_t worth(const Entry& entry, GstClockTime now);

    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
    std::map<std::string, std::weak_ptr<LeastRoundTrip>> round_trips_; // of those with viewers, about
    std::list<std::string> ages_;                                      // networks, the one learnt of last in front
};

} // namespace sluice
