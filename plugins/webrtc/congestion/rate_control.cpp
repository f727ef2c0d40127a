// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/rate_control.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

constexpr double backoff = 0.85; // below what arrives, so that the queue drains
constexpr double mild_backoff = 0.75;
constexpr double loss_backoff = 0.95; // there is no queue to drain
constexpr double growth_per_second = 1.08, first_growth_per_second = 1.5;
constexpr double beyond_received = 1.5; // no further without a probe
constexpr uint64_t beyond_received_more = 10'000;
// Below this share of the estimate, delay that varies is not our doing.
constexpr double loaded = 0.75;
constexpr double much_loss = 0.10, some_loss = 0.05;
constexpr GstClockTime decrease_interval = 300 * GST_MSECOND;
constexpr GstClockTime far_decrease_interval = 120 * GST_MSECOND;
constexpr GstClockTime loss_interval = 500 * GST_MSECOND;
constexpr double packet_bits = 1200 * 8;

uint64_t scale(uint64_t rate, double factor) { return static_cast<uint64_t>(static_cast<double>(rate) * factor); }

} // namespace

RateControl::RateControl(uint64_t start) : estimate_(start ? std::clamp(start, min_estimate, max_estimate) : 0) {}

bool RateControl::may_decrease(const Observation& seen, GstClockTime now) const {
    if (decreased_ == GST_CLOCK_TIME_NONE)
        return true;
    const GstClockTime since = now > decreased_ ? now - decreased_ : 0;
    if (seen.received_now < estimate_ / 2)
        return since >= far_decrease_interval;
    return since >= decrease_interval + std::min<GstClockTime>(seen.rtt, 500 * GST_MSECOND);
}

void RateControl::decrease(uint64_t to, GstClockTime now) {
    to = std::clamp(to, min_estimate, max_estimate);
    decreased_ = now;
    starting_ = false;
    estimate_ = std::min(estimate_, to);
}

void RateControl::learn_capacity(double received) {
    // In kbit/s, as the variance is in the draft.
    const double kbit = received / 1000;
    if (kbit <= 0)
        return;
    if (capacity_ > 0 && std::abs(kbit - capacity_) > 3 * std::sqrt(deviation_ * capacity_))
        capacity_ = 0; // another path than before
    capacity_ = capacity_ > 0 ? 0.95 * capacity_ + 0.05 * kbit : kbit;
    const double error = capacity_ - kbit;
    deviation_ = std::clamp(0.95 * deviation_ + 0.05 * error * error / std::max(capacity_, 1.0), 0.4, 2.5);
}

RateControl::Step RateControl::update(const Observation& seen, GstClockTime now) {
    if (seen.received == 0) {
        updated_ = now;
        return Step::none;
    }
    if (estimate_ == 0) {
        estimate_ = std::clamp(seen.received, min_estimate, max_estimate);
        updated_ = now;
        return Step::up;
    }
    const bool full = static_cast<double>(seen.sent) >= loaded * static_cast<double>(estimate_);
    if ((seen.signal == Trendline::Signal::over && (full || seen.steep)) || seen.standing) {
        updated_ = now;
        if (!may_decrease(seen, now))
            return Step::none;
        // The path is full now; it may not have been so for all of half a second. What arrives faster than it can was sent
        // before it became narrow.
        uint64_t arrives = seen.received;
        if (seen.received_now != 0)
            arrives = seen.steep ? std::min(arrives, seen.received_now) : std::max(arrives, seen.received_now);
        uint64_t to = scale(arrives, backoff);
        // What little queue there is may be half jitter, and then so little arrives because it is late, not because it cannot.
        if (!seen.steep && !seen.standing)
            to = std::max(to, scale(estimate_, mild_backoff));
        if (to >= estimate_)
            return Step::none;
        learn_capacity(static_cast<double>(arrives));
        decrease(to, now);
        return Step::down;
    }
    if (seen.congestion > some_loss) {
        updated_ = now;
        const bool waited = decreased_ == GST_CLOCK_TIME_NONE || now >= decreased_ + loss_interval;
        if (seen.congestion < much_loss || !waited)
            return Step::none;
        // With much less sent than estimated, what arrives is no measure of the path.
        const uint64_t arrives = scale(seen.received, loss_backoff);
        const uint64_t to = full ? arrives : std::max(arrives, scale(estimate_, 1 - seen.congestion / 2));
        if (to >= estimate_)
            return Step::none;
        decrease(to, now);
        return Step::down;
    }
    if (seen.signal != Trendline::Signal::normal || seen.waiting) {
        updated_ = now;
        return Step::none;
    }
    const uint64_t before = estimate_;
    grow(seen, now);
    return estimate_ > before ? Step::up : Step::none;
}

void RateControl::grow(const Observation& seen, GstClockTime now) {
    const GstClockTime since = updated_ == GST_CLOCK_TIME_NONE || now < updated_ ? 0 : now - updated_;
    updated_ = now;
    const uint64_t limit = std::min(scale(seen.received, beyond_received) + beyond_received_more, max_estimate);
    if (estimate_ >= limit || since == 0)
        return;
    const double seconds = std::min(static_cast<double>(since) / 1e9, 1.0);
    const double received = static_cast<double>(seen.received) / 1000;
    const double spread = 3 * std::sqrt(deviation_ * capacity_);
    if (capacity_ > 0 && received > capacity_ + spread)
        capacity_ = 0; // more arrives than there was: the path is another one
    double more = 0;
    if (capacity_ > 0 && received > capacity_ - spread) {
        // Half a packet per response time, so that the queue of one step too many is short.
        const double response = 0.1 + static_cast<double>(seen.rtt) / 1e9;
        more = std::max(4000.0, packet_bits / 2 / response) * seconds;
    } else {
        const double factor = starting_ ? first_growth_per_second : growth_per_second;
        more = std::max(static_cast<double>(estimate_) * (std::pow(factor, seconds) - 1), 1000 * seconds);
    }
    // Small steps of frequent reports add up to what few reports give.
    estimate_ = std::min(limit, estimate_ + static_cast<uint64_t>(more + 0.5));
}

void RateControl::probed(uint64_t rate, bool full, GstClockTime now) {
    rate = std::clamp(rate, min_estimate, max_estimate);
    if (rate > estimate_) {
        estimate_ = rate;
        if (static_cast<double>(rate) / 1000 > capacity_ + 3 * std::sqrt(deviation_ * capacity_))
            capacity_ = 0;
    } else if (full) {
        decrease(rate, now);
    }
    updated_ = now;
}

} // namespace sluice
