// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace sluice {

// The sticky events that were in force when an item came, in the order in which they go out.
using StickyEvents = std::vector<Ref<GstEvent>>;

// What a keyframefanout keeps: the newest GOP, and a little before it for branches that lag. Not thread-safe, no clock, no
// threads: positions are sequence numbers, and whoever is behind what is kept is told so.
class UnitRing {
public:
    struct Limits {
        uint64_t bytes = 16 * 1024 * 1024;
        uint64_t buffers = 3000;
        GstClockTime time = 30 * GST_SECOND; // between the timestamps of the first and the last
    };
    // Kept before the newest key unit, the larger of both: what a branch may lag without missing anything.
    static constexpr GstClockTime slack_time = 500 * GST_MSECOND;
    static constexpr uint64_t slack_items = 100;

    struct Item {
        Ref<GstBuffer> buffer; // or
        Ref<GstEvent> event;   // serialized, not sticky, or EOS
        std::shared_ptr<const StickyEvents> sticky;
        bool key = false;
        GstClockTime time = GST_CLOCK_TIME_NONE;
        uint64_t bytes = 0;
    };

    void set_limits(const Limits& limits);
    const Limits& limits() const { return limits_; }

    void push(Item item);
    void clear(); // sequence numbers go on: everybody is behind then
    uint64_t begin() const { return first_; }
    uint64_t end() const { return first_ + items_.size(); }
    // NULL: it is gone (seq < begin()) or not there yet.
    const Item* at(uint64_t seq) const;
    // Where a decoder may start now; nothing: the GOP was larger than the limits, or none has begun.
    std::optional<uint64_t> newest_key() const { return newest_key_; }
    uint64_t bytes() const { return bytes_; }
    uint64_t dropped_gops() const { return dropped_gops_; } // that did not fit

private:
    void pop();
    bool too_much() const;
    void trim();

    Limits limits_;
    std::deque<Item> items_;
    uint64_t first_ = 0, bytes_ = 0, dropped_gops_ = 0;
    std::optional<uint64_t> newest_key_;
};

} // namespace sluice
