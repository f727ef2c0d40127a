// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>

namespace sluice {

// Packets that left at about the same time: one sample of the path's delay.
struct PacketGroup {
    GstClockTime sent = 0;    // the first
    GstClockTime arrived = 0; // the last
    double delay = 0; // ms, mean of arrival less departure; the clocks differ, so only differences mean something
};

// Makes groups of packets by when they were sent, never by which report they came in. Pure.
class PacketGroups {
public:
    // Keeps the samples of a fast stream apart enough to be few, and those of a picture together.
    static constexpr GstClockTime span = 8 * GST_MSECOND;

    // True if that was the first packet of another group: `done` is the one before it.
    bool add(GstClockTime sent, GstClockTime arrived, PacketGroup& done) {
        if (count_ != 0 && sent < current_.sent)
            return false; // reported late: its group is gone
        const bool next = count_ != 0 && sent - current_.sent > span;
        if (next) {
            done = current_;
            done.delay = sum_ / count_;
        }
        if (next || count_ == 0) {
            current_ = {sent, arrived, 0};
            sum_ = 0;
            count_ = 0;
        }
        current_.arrived = std::max(current_.arrived, arrived);
        sum_ += milliseconds(arrived, sent);
        ++count_;
        return next;
    }
    void reset() { count_ = 0; }

    static double milliseconds(GstClockTime later, GstClockTime earlier) {
        return static_cast<double>(static_cast<int64_t>(later - earlier)) / 1e6;
    }

private:
    PacketGroup current_;
    double sum_ = 0;
    unsigned count_ = 0;
};

} // namespace sluice
