// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace sluice {

enum class StallReason : unsigned { no_data, no_key_unit, frozen_timestamps };
constexpr const char* stall_reason_name(StallReason r) {
    constexpr const char* names[] = {"no-data", "no-key-unit", "frozen-timestamps"};
    return names[static_cast<unsigned>(r)];
}

// Is usable media coming? Pure: the caller says what came and what time it is, and comes back at next_deadline(). Times are
// nanoseconds of one clock. A limit of 0 switches that reason off.
class StallDetector {
public:
    struct Limits {
        GstClockTime no_data = 3 * GST_SECOND;
        GstClockTime no_key_unit = 30 * GST_SECOND; // or three times the longest GOP seen, if that is more
        GstClockTime frozen_timestamps = 5 * GST_SECOND;
    };
    struct Change {
        StallReason reason;
        bool stalled;       // false: recovered
        GstClockTime since; // when the last good thing came
        GstClockTime at;
        GstClockTime last_pts; // the greatest so far; GST_CLOCK_TIME_NONE: none came
    };
    using Changes = std::vector<Change>;

    void set_limits(const Limits& limits) { limits_ = limits; }
    const Limits& limits() const { return limits_; }

    // Watching begins; what was before is forgotten.
    void start(GstClockTime now) {
        const Limits keep = limits_;
        *this = StallDetector();
        limits_ = keep;
        running_ = true;
        last_data_ = last_key_ = last_advance_ = now;
    }
    void stop() { running_ = false; }
    // A new segment or a flush: timestamps begin anew.
    void restart_timestamps() { max_pts_ = GST_CLOCK_TIME_NONE; }

    Changes data(GstClockTime now, GstClockTime pts, bool key) {
        Changes out;
        if (!running_)
            return out;
        check_into(out, now); // what was due before this came
        last_data_ = now;
        recover(out, StallReason::no_data, now);
        if (key) {
            if (any_key_ && !is_stalled(StallReason::no_key_unit)) // an outage is no GOP
                longest_gop_ = std::max(longest_gop_, now - last_key_);
            any_key_ = true;
            last_key_ = now;
            recover(out, StallReason::no_key_unit, now);
        }
        if (!GST_CLOCK_TIME_IS_VALID(pts))
            return out;
        if (!GST_CLOCK_TIME_IS_VALID(max_pts_) || pts > max_pts_) {
            max_pts_ = pts;
            last_advance_ = now;
            standing_ = false;
            recover(out, StallReason::frozen_timestamps, now);
        } else {
            standing_ = true;
        }
        return out;
    }
    // Something that says "nothing to send just now" (a GAP event): the source is alive.
    Changes gap(GstClockTime now) {
        Changes out;
        if (!running_)
            return out;
        check_into(out, now);
        last_data_ = now;
        recover(out, StallReason::no_data, now);
        return out;
    }
    Changes check(GstClockTime now) {
        Changes out;
        if (running_)
            check_into(out, now);
        return out;
    }
    std::optional<GstClockTime> next_deadline() const {
        std::optional<GstClockTime> next;
        for (const StallReason r : reasons)
            if (const auto d = deadline(r); d && (!next || *d < *next))
                next = d;
        return next;
    }

private:
    static constexpr StallReason reasons[] = {StallReason::no_data, StallReason::no_key_unit,
                                              StallReason::frozen_timestamps};
    bool& stalled(StallReason r) { return stalled_[static_cast<unsigned>(r)]; }
    bool is_stalled(StallReason r) const { return stalled_[static_cast<unsigned>(r)]; }

    GstClockTime since(StallReason r) const {
        switch (r) {
        case StallReason::no_data: return last_data_;
        case StallReason::no_key_unit: return last_key_;
        default: return last_advance_;
        }
    }
    std::optional<GstClockTime> deadline(StallReason r) const {
        if (!running_ || is_stalled(r))
            return {};
        GstClockTime limit = 0;
        switch (r) {
        case StallReason::no_data: limit = limits_.no_data; break;
        case StallReason::no_key_unit:
            limit = limits_.no_key_unit;
            if (limit)
                limit = std::max(limit, 3 * longest_gop_);
            break;
        case StallReason::frozen_timestamps: limit = standing_ ? limits_.frozen_timestamps : 0; break;
        }
        // Where nothing comes at all, that is the one reason: the others follow from it.
        if (!limit || (r != StallReason::no_data && is_stalled(StallReason::no_data)))
            return {};
        return since(r) + limit;
    }
    void check_into(Changes& out, GstClockTime now) {
        for (const StallReason r : reasons)
            if (const auto d = deadline(r); d && now >= *d) {
                stalled(r) = true;
                out.push_back({r, true, since_[static_cast<unsigned>(r)] = since(r), now, max_pts_});
            }
    }
    void recover(Changes& out, StallReason r, GstClockTime now) {
        if (std::exchange(stalled(r), false))
            out.push_back({r, false, since_[static_cast<unsigned>(r)], now, max_pts_});
        if (r == StallReason::no_data && !out.empty() && !out.back().stalled && out.back().reason == r) {
            // The outage was told; the others get their full time from here.
            if (!is_stalled(StallReason::no_key_unit)) {
                last_key_ = now;
                any_key_ = false; // what lay in between was no GOP
            }
            if (!is_stalled(StallReason::frozen_timestamps))
                last_advance_ = now;
        }
    }

    Limits limits_;
    bool running_ = false, any_key_ = false, standing_ = false;
    GstClockTime last_data_ = 0, last_key_ = 0, last_advance_ = 0, longest_gop_ = 0;
    GstClockTime max_pts_ = GST_CLOCK_TIME_NONE;
    std::array<bool, 3> stalled_{};
    std::array<GstClockTime, 3> since_{};
};

} // namespace sluice
