// SPDX-License-Identifier: LGPL-2.1-or-later
// The bit rate that an encoder is asked for when the viewers of what it makes have paths that carry less than is configured. Pure:
// time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice {

class RateFollower {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds interval{500}; // between two changes
    // Down at once, but not for the swing of an estimate.
    static constexpr uint64_t least_fall_percent = 5;
    // Up in steps that are worth a change, and no faster than this: what a path carries more is known by trying. Estimates grow 8 %
    // a second, so this is the limit only when the slowest viewer has left.
    static constexpr uint64_t least_rise_percent = 3;
    static constexpr double rise_per_second = 1.1;
    static constexpr std::chrono::milliseconds longest_rise{1000}; // no more than this much of a rise at once
    // One viewer whose path carries next to nothing must not take the picture from all: a tenth of what is configured, and what
    // 360 lines need to be worth looking at.
    static constexpr uint64_t least_rate = 100'000, least_part = 10;

    // full: what is configured, bit/s: the rate at first, and never more.
    explicit RateFollower(uint64_t full);

    // What the path of the slowest viewer carries, bit/s; 0: none has shown a limit.
    void carried(uint64_t bits_per_second) { carried_ = bits_per_second; }
    // The rate that the encoder is to be told now; nothing: the one it has.
    std::optional<uint64_t> step(Time now);
    uint64_t rate() const { return rate_; }
    uint64_t floor() const { return floor_; }
    // When to step again if nothing else is carried until then; nothing: never.
    std::optional<Time> next() const;

private:
    uint64_t wanted() const;
    bool worth_a_change(uint64_t target) const;

    const uint64_t full_, floor_;
    uint64_t rate_, carried_ = 0;
    std::optional<Time> changed_;
};

} // namespace sluice
