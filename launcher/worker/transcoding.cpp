// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcoding.hpp"

#include "launcher/log.hpp"
#include "launcher/worker/encoder_trials.hpp"

#include <utility>
#include <vector>

namespace sluice {

hw::EncoderLadder present_encoders(const hw::Profiles& profiles) {
    std::vector<hw::EncoderProfile> out;
    for (const hw::EncoderProfile& profile : profiles.encoders)
        if (hw::has_factory(profile) && hw::has_device(profile))
            out.push_back(profile);
    return hw::EncoderLadder(std::move(out));
}

Transcoding::Transcoding(hw::EncoderLadder encoders, unsigned at_once)
    : encoders_(std::move(encoders)), at_once_(at_once) {}

Transcoding::~Transcoding() = default;

void Transcoding::verify(hw::Prober prober) {
    std::vector<hw::EncoderProfile> hardware;
    for (const auto& rung : encoders_.rungs())
        if (rung.profile.hardware)
            hardware.push_back(rung.profile);
    if (!hardware.empty())
        trials_ = std::make_unique<EncoderTrials>(
            std::move(hardware), std::move(prober),
            [this](const std::string& name, const hw::Probe& probe) { judge(name, probe); });
}

void Transcoding::judge(const std::string& name, const hw::Probe& probe) {
    if (probe.standing != hw::Probe::Standing::failed || !encoders_.remove(name, probe.reason))
        return;
    const hw::EncoderProfile* next = encoders_.current(now());
    log_warning("encoder " + name + " does not work and will not be used: " + probe.reason + "; " +
                (next ? next->name + " is used" : std::string("there is no other one")));
}

Transcoding::Time Transcoding::now() {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

Result<std::unique_ptr<Transcoding::Permit>> Transcoding::request() {
    if (*running_ >= at_once_)
        return Error{ErrorKind::too_many,
                     "all " + std::to_string(at_once_) + " transcodes that may run at once are running"};
    return std::make_unique<Permit>(running_);
}

Result<std::string> Transcoding::encoder() const {
    if (const hw::EncoderProfile* profile = encoders_.current(now()))
        return profile->name;
    std::string why;
    for (const auto& rung : encoders_.rungs())
        why += (why.empty() ? "" : "; ") + rung.profile.name + ": " + rung.reason;
    return Error{ErrorKind::unavailable, why.empty() ? "no H.264 encoder is installed (`sluice hardware` lists them)"
                                                     : "no encoder works: " + why};
}

bool Transcoding::failed(const std::string& name, const std::string& reason) {
    const hw::EncoderProfile* next = encoders_.failed(name, reason, now());
    log_warning("encoder " + name + " has failed: " + reason + "; " +
                (next ? "from now on " + next->name : std::string("there is no other one")));
    return next != nullptr;
}

} // namespace sluice
