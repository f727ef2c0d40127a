// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/packet_groups.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace sluice {

// How much longer packets take now than at best in the last minutes: those who share a path with others may not see it empty for long.
// Clocks may differ, and drift apart by so much as is allowed for. Pure: all times are those of the packets.
class QueueDelay {
public:
    // `forced`: sent so fast on purpose that the path's jitter does not show in it.
    void add(const PacketGroup& group, bool forced = false);
    void reset();
    // What stands now is the path's own delay, until that is taken back.
    void rebase() { floor_ = std::max(base(), slow_); }
    void take_back() { floor_.reset(); }
    // What was best is so much less than was seen.
    void lower(double ms);
    bool rebased() const { return floor_ && *floor_ > base_; }

    double now_ms() const;      // smoothed little: what a packet that leaves now will wait for
    double held_ms() const;     // at least this throughout the last 0.2 s: a key frame's own queue is shorter
    double standing_ms() const; // over 0.4 s: what jitter alone does not do
    double jitter_ms() const;   // mean deviation of a packet's delay
    bool known() const { return known_; }

private:
    // A first guess; a path that jitters shows it within a second.
    static constexpr double first_jitter = 4;
    static constexpr GstClockTime slot = GST_SECOND;
    static constexpr double drift = 0.1; // ms per slot, 100 ppm

    std::array<double, 200> least_; // per second, of the slow mean
    uint64_t head_ = 0;             // the second that is being filled
    std::array<double, 8> recent_;  // least of each 25 ms; infinite: nothing arrived
    uint64_t recent_head_ = 0;
    double base() const { return std::max(base_, floor_.value_or(base_)); }

    double base_ = 0;
    std::optional<double> floor_;
    double quick_ = 0, slow_ = 0, jitter_ = first_jitter;
    GstClockTime last_ = 0, origin_ = 0;
    bool known_ = false;
};

} // namespace sluice
