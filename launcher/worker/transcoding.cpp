// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcoding.hpp"

#include "launcher/log.hpp"
#include "launcher/worker/encoder_trials.hpp"
#include "plugins/core/call_later.hpp"

#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

void warn_of_failure(const std::string& name, const std::string& reason, const hw::EncoderProfile* next) {
    log_warning("encoder " + name + " has failed: " + reason + "; " +
                (next ? "from now on " + next->name : std::string("there is no other one")));
}

} // namespace

hw::EncoderLadder present_encoders(const hw::Profiles& profiles) {
    std::vector<hw::EncoderProfile> out;
    for (const hw::EncoderProfile& profile : profiles.encoders)
        if (hw::has_factory(profile) && hw::has_device(profile))
            out.push_back(profile);
    return hw::EncoderLadder(std::move(out));
}

Transcoding::Transcoding(hw::EncoderLadder encoders, const TranscodeRoom::Limits& limits)
    : encoders_(std::move(encoders)), room_(limits, WorkerLoad(std::thread::hardware_concurrency()), call_later) {}

Transcoding::~Transcoding() = default;

Transcoding::Use::Use(Transcoding& transcoding, const std::string& encoder)
    : transcoding_(transcoding), encoder_(encoder) {
    ++transcoding_.uses_[encoder_];
}

Transcoding::Use::~Use() { --transcoding_.uses_[encoder_]; }

void Transcoding::verify(hw::Prober prober) {
    prober_ = std::move(prober);
    std::vector<hw::EncoderProfile> hardware;
    for (const auto& rung : encoders_.rungs())
        if (rung.profile.hardware)
            hardware.push_back(rung.profile);
    if (!hardware.empty())
        run_trials(std::move(hardware));
}

bool Transcoding::run_trials(std::vector<hw::EncoderProfile> encoders) {
    const size_t count = encoders.size();
    try {
        trials_ = std::make_unique<EncoderTrials>(
            std::move(encoders), prober_,
            [this](const std::string& name, const hw::Probe& probe) { judge(name, probe); });
    } catch (const std::system_error&) { // no thread, at this moment
        return false;
    }
    on_trial_ = count;
    return true;
}

// The log hears of changes only.
void Transcoding::judge(const std::string& name, const hw::Probe& probe) {
    --on_trial_;
    if (probe.works()) {
        plan_.passed(name);
        if (encoders_.restore(name))
            log_info("encoder " + name + " works now and will be used again");
    } else if (probe.standing == hw::Probe::Standing::failed) {
        plan_.failed(name, Clock::now());
        if (encoders_.remove(name, probe.reason)) {
            const hw::EncoderProfile* next = encoders_.current(now());
            log_warning("encoder " + name + " does not work and will not be used until it does: " + probe.reason +
                        "; " + (next ? next->name + " is used" : std::string("there is no other one")));
        }
    } else { // it could not be tried, which changes nothing
        plan_.put_off(name, Clock::now());
    }
    tell_next_trial();
}

std::optional<hw::TrialPlan::Time> Transcoding::next_trial() const {
    const auto next = on_trial_ == 0 ? plan_.next() : std::nullopt;
    return next ? std::optional(next->second) : std::nullopt;
}

void Transcoding::tell_next_trial() const {
    if (on_next_trial)
        on_next_trial(next_trial());
}

void Transcoding::try_again() {
    const auto next = plan_.next();
    if (!next || on_trial_ > 0)
        return;
    std::vector<hw::EncoderProfile> due;
    for (const auto& rung : encoders_.rungs())
        if (rung.profile.name == next->first && uses_[next->first] == 0)
            due.push_back(rung.profile);
    if (due.empty() || !run_trials(std::move(due)))
        plan_.put_off(next->first, Clock::now());
    tell_next_trial();
}

Transcoding::Time Transcoding::now() { return std::chrono::duration_cast<Time>(Clock::now().time_since_epoch()); }

Result<std::string> Transcoding::encoder() const {
    if (const hw::EncoderProfile* profile = encoders_.current(now()))
        return profile->name;
    std::string why;
    for (const auto& rung : encoders_.rungs())
        why += (why.empty() ? "" : "; ") + rung.profile.name + ": " + rung.reason;
    return Error{ErrorKind::unavailable, why.empty() ? "no H.264 encoder is installed (`sluice hardware` lists them)"
                                                     : "no encoder works: " + why};
}

bool Transcoding::follows_rate(const std::string& encoder) const {
    for (const auto& rung : encoders_.rungs())
        if (rung.profile.name == encoder)
            return rung.profile.bitrate_while_playing;
    return false;
}

bool Transcoding::failed(const std::string& name, const std::string& reason) {
    const hw::EncoderProfile* next = encoders_.failed(name, reason, now());
    warn_of_failure(name, reason, next);
    return next != nullptr;
}

bool Transcoding::lost(const std::string& name, const std::string& stream, const std::string& reason) {
    if (!encoders_.lost(name, stream, reason, now()))
        return false;
    const hw::EncoderProfile* next = encoders_.current(now());
    warn_of_failure(name, reason, next);
    return next != nullptr;
}

} // namespace sluice
