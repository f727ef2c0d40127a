// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <algorithm>
#include <optional>

namespace sluice {

// When the next probe is due and what came of the last one. Probes that fail the same way again and again come less often. Pure.
class ProbePlan {
public:
    static constexpr GstClockTime longest = 40 * GST_MSECOND;
    struct Spacing {
        GstClockTime first = 0, most = 0;
        GstClockTime news = 0; // after one that showed much more than those before; 0: as after any other
    };
    explicit ProbePlan(Spacing spacing) : spacing_(spacing), wait_(spacing.first) {}

    // Enough packets for a rate that means something, and no longer than a queue can bear.
    static GstClockTime time_for(uint64_t bitrate) {
        constexpr uint64_t bits = 12 * 1250 * 8;
        return std::clamp<GstClockTime>(gst_util_uint64_scale(bits, GST_SECOND, std::max<uint64_t>(bitrate, 1)),
                                        15 * GST_MSECOND, longest);
    }

    bool pending() const { return asked_.has_value(); }
    bool due(GstClockTime now) const { return !asked_ && now >= due_; }
    GstClockTime next() const { return asked_ ? answer_by_ : due_; }
    // It leaves now. An answer takes the way there and back and the receiver's time between two feedbacks.
    void asked(GstClockTime now, GstClockTime time, GstClockTime rtt) {
        asked_ = now;
        answer_by_ = now + time + std::max<GstClockTime>(700 * GST_MSECOND, 2 * rtt + 400 * GST_MSECOND);
    }
    // What the last probe has shown, once; 0: nothing, in all the time that it had.
    std::optional<uint64_t> result(const PathState& path, GstClockTime now) {
        if (!asked_)
            return {};
        const bool answered = path.probed > 0 && path.probed_at >= *asked_;
        if (!answered && now < answer_by_)
            return {};
        asked_.reset();
        return answered ? path.probed : 0;
    }
    // It showed too little. If much more than those before it, the path is on its way to something better.
    void failed(uint64_t shown, GstClockTime now) {
        const bool same = failures_ > 0 && shown <= last_ + last_ / 4;
        const bool better = spacing_.news != 0 && failures_ > 0 && shown > most_ + most_ / 4;
        wait_ = better ? spacing_.news : same ? std::min(spacing_.most, wait_ + wait_ / 2) : spacing_.first;
        ++failures_;
        last_ = shown;
        most_ = std::max(shown, most_ - most_ / 10);
        failed_ = now;
        due_ = now + wait_;
    }
    // Something else has shown more than the last probe did: the path is another one.
    void hint(uint64_t shown, GstClockTime at, GstClockTime now) {
        if (asked_ || failed_ == 0 || at <= failed_ || shown <= last_ + last_ / 2)
            return;
        failed_ = 0;
        due_ = std::min(due_, now);
    }
    void again_at(GstClockTime at) { due_ = at; }
    void forget() {
        asked_.reset();
        wait_ = spacing_.first;
        failures_ = 0;
        failed_ = 0;
        due_ = 0;
        most_ = 0;
    }
    unsigned failures() const { return failures_; }

private:
    const Spacing spacing_;
    std::optional<GstClockTime> asked_;
    GstClockTime answer_by_ = 0, due_ = 0, wait_;
    unsigned failures_ = 0;
    uint64_t last_ = 0, most_ = 0; // shown by those that failed: the last one; the most, slowly forgotten
    GstClockTime failed_ = 0;      // 0: not lately
};

} // namespace sluice
