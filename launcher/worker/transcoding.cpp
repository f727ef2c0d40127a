// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcoding.hpp"

#include "launcher/log.hpp"
#include "launcher/worker/encoder_trials.hpp"

#include <glib.h>

#include <thread>
#include <utility>
#include <vector>

namespace sluice {

namespace {

void call_later(std::function<void()> call) {
    g_idle_add_full(
        G_PRIORITY_DEFAULT,
        [](gpointer data) -> gboolean {
            (*static_cast<std::function<void()>*>(data))();
            return G_SOURCE_REMOVE;
        },
        new std::function<void()>(std::move(call)),
        [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
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
    log_warning("encoder " + name + " has failed: " + reason + "; " +
                (next ? "from now on " + next->name : std::string("there is no other one")));
    return next != nullptr;
}

} // namespace sluice
