// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/rtp_clock.hpp"

#include "launcher/probe/rate.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::probe {

namespace {

constexpr double jump_limit = 1.5;   // seconds on, or back, that no pause and no order of pictures explains
constexpr double least_pace = 0.5;   // of a clock that advances
constexpr double least_noise = 1e-3; // seconds; of any machine and network
constexpr size_t least_pictures = 5; // to say anything

} // namespace

void RtpClock::packet(uint16_t sequence, uint32_t timestamp, double arrival) {
    packets_++;
    if (!first_) {
        first_ = highest_ = sequence;
    } else {
        const auto step = static_cast<int16_t>(static_cast<uint16_t>(sequence - static_cast<uint16_t>(highest_)));
        highest_ = std::max(highest_, highest_ + step);
        first_ = std::min(*first_, highest_ + std::min<int64_t>(step, 0));
    }
    if (!timestamp_ || timestamp != *timestamp_)
        picture(timestamp, arrival);
}

void RtpClock::picture(uint32_t timestamp, double arrival) {
    if (timestamp_) {
        const auto ticks = static_cast<int32_t>(timestamp - *timestamp_);
        const double step = static_cast<double>(ticks) / rate_, waited = arrival - pictures_.back().arrived;
        const bool jumped = std::abs(step) > jump_limit && std::abs(step - waited) > jump_limit;
        jumps_ += jumped;
        sent_ += jumped ? waited : step;
    }
    timestamp_ = timestamp;
    pictures_.push_back({sent_, arrival});
}

ClockFigures RtpClock::figures() const {
    ClockFigures out;
    out.packets = packets_;
    out.jumps = jumps_;
    if (first_) {
        const auto expected = static_cast<uint64_t>(highest_ - *first_ + 1);
        out.lost = expected > packets_ ? expected - packets_ : 0;
    }
    if (pictures_.size() < least_pictures) {
        out.advances = pictures_.size() != 1 || packets_ < least_pictures * 2;
        return out;
    }
    std::vector<double> sent, arrived, transit;
    double newest = pictures_.front().sent - 1, jitter = 0;
    std::vector<double> all;
    for (const Picture& p : pictures_) {
        all.push_back(p.sent);
        if (p.sent <= newest) { // a B-frame: its timestamp is not about when it was sent
            out.reordered = true;
            continue;
        }
        newest = p.sent;
        sent.push_back(p.sent);
        arrived.push_back(p.arrived);
        transit.push_back(p.arrived - p.sent);
        if (transit.size() > 1)
            jitter += (std::abs(transit.back() - transit[transit.size() - 2]) - jitter) / 16;
    }
    const double passed = pictures_.back().arrived - pictures_.front().arrived;
    std::sort(all.begin(), all.end());
    out.advances = all.back() - all.front() >= least_pace * passed;
    if (!out.advances || sent.size() < least_pictures)
        return out;
    if (const auto pace = pace_of(all)) {
        out.fps = pace->per_second;
        out.variable_fps = !pace->steady;
    }
    out.jitter_ms = jitter * 1000;
    const double drift = slope(arrived, transit);
    out.drift_ppm = drift * 1e6;
    // How far single pictures are off that line, over the time that the line has. Careful: what delays one delays the next.
    double squares = 0;
    const double middle = median(transit);
    for (size_t i = 0; i < transit.size(); i++)
        squares += std::pow(transit[i] - middle - drift * (arrived[i] - (arrived.front() + passed / 2)), 2);
    const auto count = static_cast<double>(transit.size());
    if (passed > 0)
        out.uncertainty_ppm =
            std::max(least_noise, 4 * std::sqrt(squares / count) / std::sqrt(count / 8 + 1)) / passed * 1e6;
    return out;
}

} // namespace sluice::probe
