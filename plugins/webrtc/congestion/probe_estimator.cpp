// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/probe_estimator.hpp"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr GstClockTime short_probe = 250 * GST_MSECOND;
// Its queue, if the path was too narrow for it, drains.
constexpr GstClockTime drain = 100 * GST_MSECOND;
constexpr GstClockTime piece = 3 * GST_MSECOND; // so much of it leaves at once
constexpr GstClockTime no_more = 8 * GST_MSECOND;
constexpr GstClockTime give_up = 3 * GST_SECOND;
constexpr GstClockTime pair_within = 10 * GST_SECOND;
// So much longer than the jitter that this changes the rate by little.
constexpr double jitters_long = 8;
// Beyond, packets arrived faster than they left by more than jitter explains: held up somewhere and let go together.
constexpr double max_ratio = 2;
constexpr double unsaturated = 0.9;
constexpr double utilisation = 0.95;

uint64_t rate_of(uint64_t bytes, GstClockTime time) { return gst_util_uint64_scale(bytes, 8 * GST_SECOND, time); }

} // namespace

void ProbeEstimator::expect(const Probe& probe) {
    if (probe.to <= probe.from)
        return;
    for (Cluster& c : clusters_) {
        if (c.state == State::collecting && c.probe.from == probe.from) {
            c.ended &= probe.to <= c.probe.to;
            c.probe = probe;
            return;
        }
    }
    clusters_[next_] = {};
    clusters_[next_].probe = probe;
    clusters_[next_].state = State::collecting;
    next_ = (next_ + 1) % clusters_.size();
}

bool ProbeEstimator::add(const PacketResult& packet) {
    bool own_delay = false;
    for (Cluster& c : clusters_) {
        if (c.state == State::idle || packet.sent < c.probe.from)
            continue;
        const bool brief = c.probe.extra && c.probe.to - c.probe.from <= short_probe;
        own_delay |= brief && packet.sent - c.probe.from <= c.probe.to - c.probe.from + drain;
        if (packet.sent > c.probe.to) {
            if (c.state == State::collecting)
                c.state = State::complete;
            continue;
        }
        if (c.state != State::collecting)
            continue;
        if (c.packets == 0 || packet.sent < c.first_sent)
            c.first_sent = packet.sent;
        if (c.packets == 0 || packet.arrived < c.first_arrived) {
            c.first_arrived = packet.arrived;
            c.first_bytes = packet.bytes;
        }
        c.ended |= packet.sent + piece >= c.probe.to;
        if (c.packets == 0 || packet.sent >= c.last_sent) {
            c.last_sent = packet.sent;
            c.last_bytes = packet.bytes;
        }
        c.last_arrived = std::max(c.last_arrived, packet.arrived);
        c.bytes += packet.bytes;
        ++c.packets;
    }
    return own_delay;
}

void ProbeEstimator::lost(const PacketResult& packet) {
    for (Cluster& c : clusters_)
        if (c.state == State::collecting && packet.sent >= c.probe.from && packet.sent <= c.probe.to)
            ++c.lost;
}

std::optional<ProbeEstimator::Result> ProbeEstimator::take(GstClockTime now, double jitter_ms) {
    std::optional<Result> best;
    for (Cluster& c : clusters_) {
        if (c.state == State::idle)
            continue;
        const bool late = now > c.probe.to && now - c.probe.to > give_up;
        // Nothing may follow for a while: then its last packet is the sign, unless more is still being sent.
        if (c.state == State::collecting && c.ended && now >= c.probe.to + no_more)
            c.state = State::complete;
        if (c.state == State::complete || (c.state == State::collecting && late)) {
            const auto result = evaluate(c, jitter_ms, now);
            if (result && (!best || result->rate > best->rate))
                best = result;
            c.state = State::draining;
        }
        if (late)
            c.state = State::idle;
    }
    return best;
}

std::optional<ProbeEstimator::Result> ProbeEstimator::evaluate(const Cluster& c, double jitter_ms, GstClockTime now) {
    if (c.packets < min_packets || c.lost > c.packets || c.last_sent < c.first_sent + min_time ||
        c.last_arrived < c.first_arrived + min_time)
        return std::nullopt;
    const uint64_t sent = rate_of(c.bytes - c.last_bytes, c.last_sent - c.first_sent);
    const uint64_t arrived = rate_of(c.bytes - c.first_bytes, c.last_arrived - c.first_arrived);
    Result result;
    if (static_cast<double>(arrived) < unsaturated * static_cast<double>(sent)) {
        result.rate = static_cast<uint64_t>(utilisation * static_cast<double>(arrived));
        result.full = true;
    } else {
        result.rate = std::min(sent, arrived);
    }
    const double length = static_cast<double>(c.last_arrived - c.first_arrived) / 1e6;
    if (length >= jitters_long * jitter_ms)
        return result;
    const bool saturated = std::exchange(result.full, false);
    if (static_cast<double>(arrived) > max_ratio * static_cast<double>(sent))
        return std::nullopt;
    if (now > doubtful_until_) {
        doubtful_ = result;
        doubtful_until_ = now + pair_within;
        return std::nullopt;
    }
    const Result lower{std::min(doubtful_.rate, result.rate), false};
    // One that was sent slowly and came as fast takes nothing back.
    if (saturated || result.rate > doubtful_.rate)
        doubtful_ = result;
    doubtful_until_ = now + pair_within;
    return lower;
}

} // namespace sluice
