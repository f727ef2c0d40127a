// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/encoder_ladder.hpp"

#include <algorithm>

namespace sluice::hw {

EncoderLadder::EncoderLadder(std::vector<EncoderProfile> profiles) {
    rungs_.reserve(profiles.size());
    for (EncoderProfile& profile : profiles)
        rungs_.push_back({.profile = std::move(profile)});
}

EncoderLadder::Rung* EncoderLadder::find(const std::string& name) {
    const auto it = std::find_if(rungs_.begin(), rungs_.end(), [&](const Rung& r) { return r.profile.name == name; });
    return it == rungs_.end() ? nullptr : &*it;
}

bool EncoderLadder::is_on(const Rung& rung, Time now) {
    return !rung.removed && (rung.failures == 0 || now >= rung.retry_at);
}

const EncoderProfile* EncoderLadder::current(Time now) const {
    for (const Rung& rung : rungs_)
        if (is_on(rung, now))
            return &rung.profile;
    return nullptr;
}

const EncoderProfile* EncoderLadder::failed(const std::string& name, const std::string& reason, Time now) {
    Rung* rung = find(name);
    if (!rung || rung->removed)
        return current(now);
    rung->reason = reason;
    if (is_on(*rung, now)) {
        const unsigned doublings = std::min(rung->failures, 16u);
        const Time first = rung->profile.hardware ? hardware_back_off : software_back_off;
        rung->failures++;
        rung->failed_at = now;
        rung->retry_at = now + std::min(first * (1 << doublings), longest_back_off);
    }
    return current(now);
}

bool EncoderLadder::lost(const std::string& name, const std::string& stream, const std::string& reason, Time now) {
    std::erase_if(lost_in_software_, [&](const auto& lost) { return now - lost.second > distrust; });
    Rung* rung = find(name);
    if (!rung || rung->removed)
        return false;
    if (!rung->profile.hardware)
        lost_in_software_[stream] = now;
    if (!rung->profile.hardware || lost_in_software_.count(stream))
        return false;
    const bool again = rung->failures > 0 || (rung->lost_at && now - *rung->lost_at <= suspicion);
    rung->lost_at = now;
    if (!again ||
        std::none_of(rungs_.begin(), rungs_.end(), [&](const Rung& r) { return &r != rung && is_on(r, now); }))
        return false;
    rung->lost_at.reset();
    failed(name, reason, now);
    return true;
}

bool EncoderLadder::remove(const std::string& name, const std::string& reason) {
    Rung* rung = find(name);
    if (!rung || rung->removed)
        return false;
    rung->removed = true;
    rung->reason = reason;
    return true;
}

bool EncoderLadder::restore(const std::string& name) {
    Rung* rung = find(name);
    if (!rung || !rung->removed)
        return false;
    *rung = {.profile = std::move(rung->profile)};
    return true;
}

void EncoderLadder::worked(const std::string& name, Time began) {
    if (Rung* rung = find(name); rung && !rung->removed && began >= rung->failed_at) {
        rung->failures = 0;
        rung->reason.clear();
    }
}

EncoderLadder::Time EncoderLadder::next_try(Time now) const {
    Time out = rungs_.empty() ? now : Time::max();
    for (const Rung& rung : rungs_)
        if (!rung.removed)
            out = std::min(out, rung.failures == 0 ? now : std::max(now, rung.retry_at));
    return out;
}

} // namespace sluice::hw
