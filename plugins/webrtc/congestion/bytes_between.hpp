// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// Where only some packets are reported: what left before each of them, unreported, and arrived no later. So rates stay what they
// are. Pure.
class BytesBetween {
public:
    static constexpr size_t most = 32; // reported packets on their way: several seconds
    static constexpr GstClockTime memory = 2 * GST_SECOND;

    // Packets leave of which nothing will be said.
    void left(uint64_t bytes) { open_ += bytes; }
    // One that will be reported leaves, or the first of several.
    void close(GstClockTime now) {
        if (open_ == 0)
            return;
        if (count_ == most)
            drop();
        entries_[(first_ + count_++) % most] = {now, open_};
        open_ = 0;
    }
    // What left before the packet that left then; once. What is long ago is not told: that packet's report is lost.
    uint64_t until(GstClockTime sent) {
        uint64_t bytes = 0;
        for (; count_ > 0 && entries_[first_].left <= sent; drop())
            if (sent - entries_[first_].left < memory)
                bytes += entries_[first_].bytes;
        return bytes;
    }

private:
    struct Entry {
        GstClockTime left = 0;
        uint64_t bytes = 0;
    };
    void drop() {
        first_ = (first_ + 1) % most;
        --count_;
    }

    std::array<Entry, most> entries_;
    size_t first_ = 0, count_ = 0;
    uint64_t open_ = 0;
};

} // namespace sluice
