// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcoding.hpp"

#include "launcher/log.hpp"
#include "plugins/core/refs.hpp"

#include <glob.h>

#include <utility>
#include <vector>

namespace sluice {

namespace {

bool has_device(const std::string& pattern) {
    glob_t found{};
    const bool there = pattern.empty() || glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0;
    globfree(&found);
    return there;
}

} // namespace

hw::EncoderLadder present_encoders(const hw::Profiles& profiles) {
    std::vector<hw::EncoderProfile> out;
    for (const hw::EncoderProfile& profile : profiles.encoders)
        if (const auto factory = adopt(gst_element_factory_find(profile.factory.c_str()));
            factory && has_device(profile.device))
            out.push_back(profile);
    return hw::EncoderLadder(std::move(out));
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
