// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/scene.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/webrtc/opus_version.hpp"

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

// With the face that the channel is found by: as long as somebody reads it, the next producer of its name comes to it.
std::shared_ptr<Channel> hold(const Ref<SluiceChannel>& face) {
    struct Held {
        Ref<SluiceChannel> face;
        std::shared_ptr<Channel> channel;
    };
    auto held = std::make_shared<Held>(Held{face, channel_of(face.get())});
    return {held, held->channel.get()};
}

} // namespace

Result<ViewerStream::Scene> find_scene(const std::string& camera, const std::string& patterns) {
    ViewerStream::Scene scene;
    const std::string prefix = camera + "/";
    for (const auto& face : all_channels()) {
        const std::string name = sluice_channel_get_name(face.get());
        if (name.starts_with(prefix) && !name.ends_with(opus_suffix) && matches(patterns, name))
            scene[name.substr(prefix.size())] = hold(face);
    }
    if (scene.empty())
        return Error{ErrorKind::not_found, "there is no camera '" + camera + "'"};
    return scene;
}

std::string stream_names(const ViewerStream::Scene& scene) {
    std::string out;
    for (const auto& [name, channel] : scene)
        out += (out.empty() ? "" : ", ") + name;
    return out;
}

} // namespace sluice
