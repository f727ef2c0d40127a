// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>

namespace sluice {

// "Does anybody read?" as a level: up at once with the first reader, down only after nobody has read for the grace time.
// Pure: the caller says how many readers there are and what time it is, and comes back at next_deadline().
class Demand {
public:
    explicit Demand(GstClockTime grace) : grace_(grace) {}

    // The new level if it changed.
    std::optional<bool> update(unsigned readers, GstClockTime now) {
        if (readers > 0) {
            idle_since_.reset();
            return level_ ? std::nullopt : std::optional(level_ = true);
        }
        if (!level_)
            return std::nullopt;
        if (!idle_since_)
            idle_since_ = now;
        if (now < *idle_since_ + grace_)
            return std::nullopt;
        idle_since_.reset();
        return level_ = false;
    }
    std::optional<GstClockTime> next_deadline() const {
        return idle_since_ ? std::optional(*idle_since_ + grace_) : std::nullopt;
    }
    bool level() const { return level_; }

private:
    const GstClockTime grace_;
    bool level_ = false;
    std::optional<GstClockTime> idle_since_;
};

} // namespace sluice
