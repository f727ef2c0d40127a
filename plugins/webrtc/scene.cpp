// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/scene.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/opus_chain.hpp"

namespace sluice {

namespace {

bool matches(const std::string& patterns, const std::string& name) {
    size_t from = 0;
    while (from <= patterns.size()) {
        const size_t comma = std::min(patterns.find(',', from), patterns.size());
        std::string pattern = patterns.substr(from, comma - from);
        pattern.erase(0, pattern.find_first_not_of(' '));
        pattern.erase(pattern.find_last_not_of(' ') + 1);
        if (!pattern.empty() && g_pattern_match_simple(pattern.c_str(), name.c_str()))
            return true;
        from = comma + 1;
    }
    return false;
}

} // namespace

Result<ViewerStream::Scene> find_scene(const std::string& camera, const std::string& patterns) {
    ViewerStream::Scene scene;
    const std::string prefix = camera + "/";
    for (const auto& face : all_channels()) {
        const std::string name = sluice_channel_get_name(face.get());
        if (name.starts_with(prefix) && !name.ends_with(opus_suffix) && matches(patterns, name))
            scene[name.substr(prefix.size())] = hold_channel(face);
    }
    if (scene.empty())
        return Error{ErrorKind::not_found, "there is no camera '" + camera + "'"};
    return scene;
}

std::string first_stream(const ViewerStream::Scene& scene) {
    if (scene.contains("main"))
        return "main";
    for (const auto& [name, channel] : scene)
        if (!channel->last_resort())
            return name;
    return scene.begin()->first;
}

bool sends_b_frames(const Channel& channel) {
    const auto stats = channel.stats(channel_now());
    return stats.producer_present && stats.reorder;
}

namespace {

// What keeps a viewer with this offer from playing a channel whose video is known, as the end of a sentence about the stream;
// empty: nothing.
std::string why_unplayable(const Channel& channel, const SdpOffer& offer) {
    const Codec codec = channel.video_track()->codec;
    if (!offer.choose(codec))
        return std::string("sends ") + codec_name(codec) + (codec == Codec::h264 ? " (packetization-mode=1)" : "") +
               ", which this viewer does not take; it offers: " + offer.video_codecs();
    return sends_b_frames(channel) ? b_frames_text : "";
}

std::optional<std::string> playable_stream(const ViewerStream::Scene& scene, const SdpOffer& offer, bool asked_for) {
    for (const bool last_resort : {false, true}) {
        if (asked_for && !last_resort)
            continue;
        for (const auto& [name, channel] : scene)
            if (channel->last_resort() == last_resort && channel->video_track() &&
                why_unplayable(*channel, offer).empty())
                return name;
    }
    return std::nullopt;
}

} // namespace

Result<GivenStream> give_stream(ViewerStream::Scene& scene, const std::string& wanted, const SdpOffer& offer,
                                bool pinned) {
    GivenStream given{wanted, {}};
    if (const std::string why = why_unplayable(*scene.at(wanted), offer); !why.empty()) {
        const auto other = playable_stream(scene, offer, pinned);
        if (!other)
            return Error{ErrorKind::not_acceptable, "stream '" + wanted + "', " + why};
        given = {*other, wanted + " " + why.substr(0, why.find(';'))};
    }
    // What is made for viewers who can play none of the others is for nobody else. They may play one of those later.
    if (!scene.at(given.stream)->last_resort())
        std::erase_if(scene, [](const auto& item) { return item.second->last_resort(); });
    return given;
}

std::string stream_names(const ViewerStream::Scene& scene) {
    std::string out;
    for (const auto& [name, channel] : scene)
        if (!channel->last_resort())
            out += (out.empty() ? "" : ", ") + name;
    return out;
}

} // namespace sluice
