// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/path_pacer.hpp"

#include <algorithm>

namespace sluice {

namespace {
double bytes_in(uint64_t bitrate, GstClockTime time) {
    return static_cast<double>(bitrate) / 8 * static_cast<double>(time) / static_cast<double>(GST_SECOND);
}
GstClockTime time_of(double bytes, uint64_t bitrate) {
    return static_cast<GstClockTime>(bytes * 8 / static_cast<double>(bitrate) * static_cast<double>(GST_SECOND));
}
} // namespace

void PathPacer::set_unknown(GstClockTime now) {
    limit_ = Limit::unknown;
    peak_ = first_bitrate;
    sustained_ = 0;
    tokens_ = most_ = first_flight;
    filled_ = next_ = began_ = now;
}

void PathPacer::set_estimate(uint64_t bitrate, GstClockTime now, bool queued) {
    if (bitrate >= unlimited || bitrate == 0) {
        limit_ = Limit::none;
        return;
    }
    refill(now);
    const bool first = limit_ != Limit::estimate;
    limit_ = Limit::estimate;
    peak_ = static_cast<uint64_t>(static_cast<double>(bitrate) * (queued ? drain_peak_factor : peak_factor));
    sustained_ = static_cast<uint64_t>(static_cast<double>(bitrate) * (queued ? drain_factor : sustained_factor));
    most_ = bytes_in(sustained_, depth);
    tokens_ = first ? most_ : std::min(tokens_, most_);
    filled_ = now;
    if (first)
        next_ = now;
    next_ = std::min(next_, now + depth); // of a rate that is no longer true
}

void PathPacer::refill(GstClockTime now) {
    if (limit_ == Limit::unknown && sustained_ == 0 && now >= began_ + first_wait)
        sustained_ = next_bitrate;
    if (now > filled_) {
        tokens_ = std::min(most_, tokens_ + bytes_in(sustained_, now - filled_));
        filled_ = now;
    }
}

uint64_t PathPacer::budget(GstClockTime now) {
    if (limit_ == Limit::none)
        return UINT64_MAX;
    refill(now);
    if (now < next_ || tokens_ <= 0)
        return 0;
    return std::max<uint64_t>(1,
                              static_cast<uint64_t>(std::min(tokens_, std::max(least_piece_, bytes_in(peak_, piece)))));
}

GstClockTime PathPacer::deadline(GstClockTime now) const {
    GstClockTime at = std::max(next_, now + GST_MSECOND);
    if (tokens_ <= 0) {
        const GstClockTime enough = sustained_ == 0 ? began_ + first_wait + GST_MSECOND
                                                    : filled_ + time_of(1 - tokens_, sustained_) + GST_MSECOND;
        at = std::max(at, enough);
    }
    return at;
}

void PathPacer::sent(uint64_t bytes, GstClockTime now) {
    if (limit_ == Limit::none)
        return;
    refill(now);
    tokens_ -= static_cast<double>(bytes);
    // From the deadline, not from now: a late wake-up does not make the burst slower; one piece at most catches up.
    const GstClockTime from = std::max(next_, now > piece ? now - piece : 0);
    next_ = from + time_of(static_cast<double>(bytes), peak_);
}

} // namespace sluice
