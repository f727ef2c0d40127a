// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/loss_estimator.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

constexpr double enough_packets = 60;
// What is known of a rate is half forgotten after 20 s (in slots of 0.2 s).
constexpr double memory = 0.9931;
// What is lost without a queue is the mean of so many packets, those of a minute or two of a sub stream.
constexpr double usual_packets = 5000;
constexpr double few_packets = 20, few_events = 2;
// Who joins others on a full path never sees what it loses without a queue, and takes all of it for that.
constexpr double most_anyhow = 0.08;
// Two standard deviations of a count of independent events.
constexpr double sure = 2;

} // namespace

void LossEstimator::add(PacketLedger::News news, uint32_t bytes) {
    Count& c = slots_[current_];
    switch (news) {
    case PacketLedger::News::none: return;
    case PacketLedger::News::lost: c.events += 1; [[fallthrough]];
    case PacketLedger::News::lost_in_row: c.lost += 1; [[fallthrough]];
    case PacketLedger::News::arrived: c.packets += 1; return;
    case PacketLedger::News::arrived_after_all:
        c.lost = std::max(0.0, c.lost - 1);
        c.events = std::min(c.events, c.lost);
        return;
    }
}

size_t LossEstimator::bin(uint64_t rate) {
    const double steps = 2 * std::log2(std::max(1.0, static_cast<double>(rate) / 30'000));
    return std::min(bins - 1, static_cast<size_t>(steps));
}

void LossEstimator::step(GstClockTime now, uint64_t sent, bool queue) {
    queue_in_slot_ = queue_in_slot_ || queue;
    if (slot_end_ == 0)
        slot_end_ = now + slot;
    if (now < slot_end_)
        return;
    // Loss with a queue is our own doing and says nothing about lower rates.
    const Count& done = slots_[current_];
    if (!queue_in_slot_ && sent != 0) {
        Count& at = at_rate_[bin(sent)];
        at.packets += done.packets;
        at.lost += done.lost;
        at.events += done.events;
        usual_.lost += done.lost;
        usual_.packets += done.packets;
        const double part = usual_packets / std::max(usual_packets, usual_.packets);
        usual_.lost *= part;
        usual_.packets *= part;
    }
    for (size_t past = 0; slot_end_ <= now; ++past) {
        if (past == slots) { // a long pause: nothing of it is lately
            slot_end_ = now + slot;
            break;
        }
        current_ = (current_ + 1) % slots;
        slots_[current_] = {};
        slot_end_ += slot;
        for (Count& c : at_rate_) {
            const double kept = queue_in_slot_ ? 1 : memory; // where nothing is learnt nothing is forgotten
            c.packets *= kept;
            c.lost *= kept;
            c.events *= kept;
        }
    }
    queue_in_slot_ = false;
}

void LossEstimator::forget_recent() { slots_.fill({}); }

LossEstimator::Count LossEstimator::lately() const {
    Count all;
    for (const Count& c : slots_) {
        all.packets += c.packets;
        all.lost += c.lost;
        all.events += c.events;
    }
    return all;
}

double LossEstimator::loss() const {
    const Count c = lately();
    return c.packets > 0 ? std::min(1.0, c.lost / c.packets) : 0;
}

double LossEstimator::usual() const {
    return usual_.packets > 0 ? std::min(usual_.lost / usual_.packets, most_anyhow) : 0;
}

bool LossEstimator::loses_more_than(double share) const {
    const Count c = lately();
    return c.packets >= few_packets && c.events >= few_events && c.lost > c.packets * share;
}

double LossEstimator::congestion(uint64_t sent) const {
    const Count c = lately();
    if (c.packets < few_packets || c.events <= 0)
        return 0;
    const double proven = (c.events - sure * std::sqrt(c.events)) * (c.lost / c.events) / c.packets;
    if (proven <= 0)
        return 0;
    // What the path loses at lower rates it loses anyhow.
    Count lower;
    const size_t here = bin(sent);
    for (size_t i = 0; i + 1 < here; ++i) {
        lower.packets += at_rate_[i].packets;
        lower.lost += at_rate_[i].lost;
        lower.events += at_rate_[i].events;
    }
    double anyhow = 0;
    if (lower.packets >= enough_packets)
        anyhow = (lower.lost + (lower.events > 0 ? lower.lost / lower.events : 0)) / lower.packets;
    return std::max(0.0, proven - std::min(anyhow, most_anyhow));
}

} // namespace sluice
