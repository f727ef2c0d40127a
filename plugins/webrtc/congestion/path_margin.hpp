// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

namespace sluice {

// Whether the path carries so much more than the best stream that no smaller one need be ready. Pure.
class PathMargin {
public:
    static constexpr unsigned times = 3; // this much more than the best stream needs
    static constexpr GstClockTime proof = 60 * GST_SECOND, proof_after_fall = 600 * GST_SECOND;

    // A probe or the estimate has shown this much.
    void shown(uint64_t rate, uint64_t needed, GstClockTime now) {
        if (rate < times * needed) {
            since_ = 0;
            return;
        }
        since_ = since_ != 0 ? since_ : now;
        shown_ = rate;
    }
    void fell() {
        since_ = 0;
        fell_ = true;
    }
    // Signs that it has shrunk. A low estimate is one only below what the stream needs now: more than was sent is never estimated.
    void observe(const PathState& path, GstClockTime sender_queue, uint64_t needed) {
        const bool strained = (path.overuse && path.queue_delay > 50 * GST_MSECOND) ||
                              path.queue_delay > GST_SECOND / 10 || path.loss > 0.05 || sender_queue > GST_SECOND / 5 ||
                              !path.feedback;
        if (strained || path.estimate < needed + needed / 5 || shown_ < 2 * needed)
            since_ = 0;
    }
    bool known() const { return since_ != 0; }
    bool wide(GstClockTime now) const { return since_ != 0 && now >= since_ + (fell_ ? proof_after_fall : proof); }

private:
    GstClockTime since_ = 0; // 0: not shown
    uint64_t shown_ = 0;
    bool fell_ = false;
};

} // namespace sluice
