// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// Bit/s over the last moments before the newest packet, however packets are reported. Pure.
class RateWindow {
public:
    static constexpr GstClockTime slot = 10 * GST_MSECOND;
    static constexpr size_t slots = 64;
    static constexpr GstClockTime longest = 500 * GST_MSECOND;
    static constexpr GstClockTime least = 150 * GST_MSECOND; // less is no rate

    void add(GstClockTime time, uint64_t bytes) {
        const uint64_t index = time / slot;
        if (!known_ || index >= head_ + slots) { // a pause is no low rate
            known_ = true;
            bytes_.fill(0);
            first_ = head_ = index;
        } else if (index + slots <= head_) {
            return; // too late
        }
        for (uint64_t i = head_ + 1; i <= index; ++i)
            bytes_[i % slots] = 0;
        head_ = std::max(head_, index);
        bytes_[index % slots] += bytes;
    }
    // What came little by little since `from`.
    void add_spread(GstClockTime from, GstClockTime to, uint64_t bytes) {
        GstClockTime time = to - std::min(from, to);
        if (time > longest) {
            bytes = gst_util_uint64_scale(bytes, longest, time);
            time = longest;
        }
        const uint64_t parts = std::max<uint64_t>(1, time / slot);
        for (uint64_t i = parts; i-- > 0; bytes -= bytes / (i + 1))
            add(to - i * slot, bytes / (i + 1));
    }
    void reset() { known_ = false; }

    // 0: unknown
    uint64_t rate(GstClockTime over = longest) const {
        if (!known_ || (head_ - first_) * slot < std::min(over, least))
            return 0;
        // The first packet of all ends the time in which it was sent.
        const uint64_t n = std::min<uint64_t>({head_ - first_ + 1, over / slot, slots});
        uint64_t sum = 0;
        for (uint64_t i = 0; i < n; ++i)
            sum += bytes_[(head_ - i) % slots];
        return std::min<uint64_t>(sum, UINT64_MAX / 8 / GST_SECOND) * 8 * GST_SECOND / (n * slot);
    }

private:
    std::array<uint64_t, slots> bytes_{};
    uint64_t first_ = 0, head_ = 0;
    bool known_ = false;
};

} // namespace sluice
