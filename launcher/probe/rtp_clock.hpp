// SPDX-License-Identifier: LGPL-2.1-or-later
// The camera's clock, as the RTP packets of its video show it: timestamps against their arrival, and what is missing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::probe {

struct ClockFigures {
    uint64_t packets = 0, lost = 0;
    double fps = 0; // by the timestamps; 0: they do not say
    bool variable_fps = false;
    double drift_ppm = 0, uncertainty_ppm = 0; // positive: the camera's clock is slow
    double jitter_ms = 0;                      // of arrival, as RFC 3550 section 6.4.1, picture by picture
    unsigned jumps = 0;                        // timestamps that go on somewhere else
    bool advances = true;                      // false: timestamps stand still or creep
    bool reordered = false;                    // they go back, as B-frames do
    bool sender_reports = false;               // set by who sees them
};

class RtpClock {
public:
    // rate: ticks per second.
    explicit RtpClock(unsigned rate) : rate_(rate) {}
    // arrival: seconds.
    void packet(uint16_t sequence, uint32_t timestamp, double arrival);
    ClockFigures figures() const;

private:
    struct Picture {
        double sent, arrived; // seconds; its first packet
    };
    void picture(uint32_t timestamp, double arrival);

    const unsigned rate_;
    std::vector<Picture> pictures_;
    std::optional<uint32_t> timestamp_;
    double sent_ = 0; // of timestamp_
    uint64_t packets_ = 0;
    std::optional<int64_t> first_;
    int64_t highest_ = 0; // sequence numbers, unwrapped
    unsigned jumps_ = 0;
};

} // namespace sluice::probe
