// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>

namespace sluice {

// When packets may leave for a path that carries so much. Key frames and bursts leave at a multiple of the estimate, so that the
// picture is there soon and what arrives shows more than what is sent on average; over a quarter of a second no more leaves than
// the path is thought to carry: what does not fit waits here, where it can still be dropped, and not in somebody's queue.
// Pure: time is a parameter.
class PathPacer {
public:
    static constexpr double peak_factor = 2.0; // of the estimate, for a moment
    static constexpr double sustained_factor =
        1.15; // on the average: a little more than known, or it would never be known
    static constexpr double drain_factor = 0.85, drain_peak_factor = 1.1; // while a queue stands
    static constexpr GstClockTime depth = 250 * GST_MSECOND;
    static constexpr GstClockTime piece = 5 * GST_MSECOND; // so much leaves at once: a wake-up costs more than a packet
    static constexpr uint64_t unlimited = 50'000'000;      // bit/s: with more nothing is held back

    // Nothing known of the path: so fast, but no more than the first flight before somebody tells how it went, or for first_wait.
    static constexpr uint64_t first_bitrate = 8'000'000;
    static constexpr uint64_t first_flight = 40'000; // bytes
    static constexpr GstClockTime first_wait = 300 * GST_MSECOND;
    static constexpr uint64_t next_bitrate = 1'000'000;

    enum class Limit { none, unknown, estimate };
    void set_unlimited() { limit_ = Limit::none; }
    void set_unknown(GstClockTime now);
    // queued: what was sent stands in a queue of the path, which is to become empty first.
    void set_estimate(uint64_t bitrate, GstClockTime now, bool queued = false);

    // The path is far wider than what is sent: so much leaves at once, that pictures leave whole. Each piece costs a wake-up, and by
    // far most of what a packet costs.
    static constexpr double wide_piece = 40'000; // bytes
    void set_wide(bool wide) { least_piece_ = wide ? wide_piece : 0; }

    // Nothing leaves before: what would leave would only wait in the path's queue, or overflow it.
    void pause(GstClockTime until) { next_ = std::max(next_, until); }

    bool waits_for_news() const { return limit_ == Limit::unknown; }
    bool limited() const { return limit_ != Limit::none; }
    // Bytes that may leave now; one packet may be larger. 0: not before deadline().
    uint64_t budget(GstClockTime now);
    GstClockTime deadline(GstClockTime now) const;
    void sent(uint64_t bytes, GstClockTime now);
    // bit/s that a burst leaves with
    uint64_t peak() const { return peak_; }
    // ...and goes on with
    uint64_t sustained() const { return sustained_; }

private:
    void refill(GstClockTime now);

    Limit limit_ = Limit::none;
    uint64_t peak_ = 0, sustained_ = 0; // bit/s
    double tokens_ = 0;                 // bytes; below 0: owed
    double most_ = 0, least_piece_ = 0;
    GstClockTime filled_ = 0, next_ = 0, began_ = 0;
};

} // namespace sluice
