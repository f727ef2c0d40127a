// SPDX-License-Identifier: LGPL-2.1-or-later
// What a stream is like, from its access units: pace, bits, where decoding can begin, order. Pure.
#pragma once

#include "plugins/core/media.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::probe {

struct MeteredUnit {
    double time = 0; // seconds: when it is shown
    uint32_t bytes = 0;
    bool key = false;      // IDR or IRAP; each of JPEG
    bool recovery = false; // decoding may begin here without an IDR (recovery point, all of I slices)
    bool b = false;        // has a B slice (H.264; of H.265 the order tells)
    unsigned slices = 1;
};

// What is in a unit of H.264 or H.265. time: left to the caller.
MeteredUnit look_at(const AccessUnit& unit);

template <typename T> struct Spread { T least{}, median{}, most{}; };

struct StreamFigures {
    unsigned pictures = 0;
    double seconds = 0; // from the first to the last
    double fps = 0;     // 0: too few pictures
    bool variable_fps = false;
    uint64_t bitrate = 0, peak_bitrate = 0; // bit/s; of the fullest second
    unsigned key_units = 0, recovery_points = 0;
    struct Gop {
        Spread<double> seconds;
        Spread<unsigned> pictures;
    };
    std::optional<Gop> gop; // between key units; nothing: fewer than two came
    double since_key = 0;   // seconds behind the newest key unit, or from the start if there is none
    unsigned slices = 1;    // of a picture, at most
    bool reordered = false; // pictures come in another order than they are shown in
    unsigned b_run = 0;     // B-frames on end, at most; 0 of H.265
};

class StreamMeter {
public:
    // In the order in which they come.
    void add(const MeteredUnit& unit);
    unsigned pictures() const { return static_cast<unsigned>(units_.size()); }
    unsigned key_units() const { return key_units_; }
    bool empty() const { return units_.empty(); }
    // pace: pictures per second, by a better clock than that of the units; 0: none.
    StreamFigures figures(double pace = 0) const;

private:
    void set_rates(StreamFigures& out, double pace) const;
    void set_gop(StreamFigures& out) const;
    void set_order(StreamFigures& out) const;

    std::vector<MeteredUnit> units_;
    unsigned key_units_ = 0;
};

// Of sound.
class SoundMeter {
public:
    void add(uint32_t bytes, uint32_t ticks) { packets_++, bytes_ += bytes, ticks_ += ticks; }
    uint64_t packets() const { return packets_; }
    // clock: ticks per second.
    uint64_t bitrate(unsigned clock) const { return ticks_ ? bytes_ * 8 * clock / ticks_ : 0; }

private:
    uint64_t packets_ = 0, bytes_ = 0, ticks_ = 0;
};

} // namespace sluice::probe
