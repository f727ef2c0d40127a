// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/hardware_command.hpp"

#include "launcher/log.hpp"

#include <gst/gst.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <set>

namespace sluice {

namespace {

using hw::Probe;

std::string figure(double value) { return value > 0 ? std::to_string(static_cast<long>(value + 0.5)) : "-"; }

// What who uses it has to know besides the figures.
std::string lacks(const Tried& t) {
    std::string out;
    if (!t.probe.facts.key_units_on_request)
        out += "; key units come with its GOP only";
    if (!t.probe.facts.bitrate_while_playing)
        out += "; another bit rate needs a new start";
    return out;
}

Json to_json(const Tried& t, bool encoder) {
    Json out{{"name", t.profile.name},     {"factory", t.profile.factory},
             {"codec", t.profile.codec},   {"kind", t.profile.kind()},
             {"present", t.probe.present}, {"tried", hw::to_string(t.probe.standing)},
             {"chosen", t.chosen},         {"note", t.note}};
    if (!t.probe.works())
        return out;
    const hw::TrialFacts& facts = t.probe.facts;
    out["fps-720"] = facts.fps_720;
    out["fps-1080"] = facts.fps_1080;
    out["latency-pictures"] = facts.latency;
    if (encoder) {
        out["key-units-on-request"] = facts.key_units_on_request;
        out["bitrate-while-playing"] = facts.bitrate_while_playing;
        out["bitrate"] = facts.bitrate;
    }
    return out;
}

template <typename Profile, typename Try> std::vector<Tried> try_all(const std::vector<Profile>& profiles, Try probe) {
    std::vector<Tried> out;
    for (const Profile& profile : profiles)
        out.push_back({profile, probe(profile), false, ""});
    choose(out);
    return out;
}

} // namespace

void choose(std::vector<Tried>& tried) {
    std::set<std::string> have;
    std::string first;
    for (Tried& t : tried) {
        if (!t.probe.works()) {
            t.note = t.probe.reason;
            continue;
        }
        t.chosen = have.insert(t.profile.codec).second;
        if (t.chosen)
            first = t.profile.name;
        t.note = t.chosen ? "chosen" : "works; " + first + " comes first";
    }
}

std::string hardware_table(const char* title, const std::vector<Tried>& tried) {
    constexpr size_t columns = 8;
    std::vector<std::array<std::string, columns>> rows = {
        {title, "kind", "present", "tried", "720p fps", "1080p fps", "latency", "chosen, or why not"}};
    for (const Tried& t : tried) {
        const bool works = t.probe.works();
        rows.push_back({t.profile.name, t.profile.kind(), t.probe.present ? "yes" : "no",
                        hw::to_string(t.probe.standing), works ? figure(t.probe.facts.fps_720) : "-",
                        works ? figure(t.probe.facts.fps_1080) : "-",
                        works ? std::to_string(t.probe.facts.latency) : "-", t.note});
    }
    std::array<size_t, columns> widths{};
    for (const auto& row : rows)
        for (size_t i = 0; i < columns; i++)
            widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (const auto& row : rows) {
        for (size_t i = 0; i + 1 < columns; i++) {
            const std::string blanks(widths[i] - row[i].size(), ' ');
            out += (i >= 4 ? blanks + row[i] : row[i] + blanks) + "  "; // figures stand on the right
        }
        out += row[columns - 1] + "\n";
    }
    return out;
}

Json hardware_json(const std::vector<Tried>& encoders, const std::vector<Tried>& decoders) {
    Json out{{"encoders", Json::array()}, {"decoders", Json::array()}};
    for (const Tried& t : encoders)
        out["encoders"].push_back(to_json(t, true));
    for (const Tried& t : decoders)
        out["decoders"].push_back(to_json(t, false));
    return out;
}

int run_hardware(const Options& options) {
    const Result<hw::Profiles> profiles = hw::load_profiles(hw::profile_directories());
    if (!profiles)
        return fail(profiles.error());
    gst_init(nullptr, nullptr);
    const hw::Prober prober("", std::chrono::seconds(options.trial_seconds));
    std::vector<Tried> encoders =
        try_all(profiles->encoders, [&](const hw::EncoderProfile& p) { return prober.encoder(p); });
    for (Tried& t : encoders)
        if (t.probe.works())
            t.note += lacks(t);
    const std::vector<Tried> decoders =
        try_all(profiles->decoders, [&](const hw::DecoderProfile& p) { return prober.decoder(p); });
    const std::string out = options.json
                                ? hardware_json(encoders, decoders).dump(2) + "\n"
                                : hardware_table("encoder", encoders) + "\n" + hardware_table("decoder", decoders);
    std::fputs(out.c_str(), stdout);
    return std::any_of(encoders.begin(), encoders.end(), [](const Tried& t) { return t.probe.works(); })
               ? 0
               : EX_UNAVAILABLE;
}

bool is_trial(const std::vector<std::string>& arguments) {
    return arguments.size() == 2 && (arguments[0] == "try-encoder" || arguments[0] == "try-decoder");
}

void run_trial(const std::vector<std::string>& arguments) {
    // Nobody is left to read it once the parent is gone; and a crash of a driver is expected here, not worth a core.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    gst_init(nullptr, nullptr);
    const Result<hw::Profiles> profiles = hw::load_profiles(hw::profile_directories());
    Result<hw::TrialFacts> result = Error{ErrorKind::not_found, "there is no profile of that name"};
    if (!profiles)
        result = profiles.error();
    else if (const hw::EncoderProfile* encoder = profiles->encoder(arguments[1]);
             encoder && arguments[0] == "try-encoder")
        result = hw::try_encoder(*encoder);
    else if (const hw::DecoderProfile* decoder = profiles->decoder(arguments[1]);
             decoder && arguments[0] == "try-decoder")
        result = hw::try_decoder(*decoder);
    std::printf("%s\n", hw::to_line(result).c_str());
    std::fflush(stdout);
    _exit(0); // without what drivers do at exit()
}

} // namespace sluice
