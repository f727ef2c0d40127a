// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/packet_groups.hpp"

#include <array>
#include <cstddef>

namespace sluice {

// Does the delay grow, beyond what it varies by itself? A least-squares line through the delays of the last moments, against a
// threshold that learns how much the path jitters. Pure: all times are those of the packets.
class Trendline {
public:
    enum class Signal { normal, over, under };

    // A window of time, not of samples: twenty samples of a fast stream are shorter than one swing of a radio link's jitter.
    static constexpr double window_ms = 400;
    // At once an alarm, however little is sent: no key frame and no jitter does this to an open path.
    static constexpr double steep_ms = 150;

    void add(const PacketGroup& group);
    void reset();

    Signal signal() const { return signal_; }
    bool steep() const;                       // the queue fills so fast that much more is sent than the path carries
    double growth() const { return growth_; } // of the delay within the window, ms
    double threshold() const { return threshold_; }

private:
    struct Point {
        double arrived, delay; // ms
    };
    double fit() const;
    void judge(double elapsed);

    // 400 ms of groups of more than 8 ms each
    std::array<Point, 64> points_;
    size_t first_ = 0, count_ = 0;
    GstClockTime origin_ = GST_CLOCK_TIME_NONE;
    double growth_ = 0, last_growth_ = 0, threshold_ = 12.5, over_ms_ = 0;
    unsigned over_count_ = 0;
    Signal signal_ = Signal::normal;
};

} // namespace sluice
