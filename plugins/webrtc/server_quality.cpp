// SPDX-License-Identifier: LGPL-2.1-or-later
// Which stream the sessions of a server get: by their viewers' choice, by somebody else's, by the setting of their camera.
#include "plugins/core/channel_access.hpp"
#include "plugins/webrtc/scene.hpp"
#include "plugins/webrtc/server.hpp"
#include "plugins/webrtc/viewer_stats.hpp"

namespace sluice {

// A setting that names a stream which the camera does not have (yet) refuses nobody.
std::string Server::camera_quality(const std::string& camera, const ViewerStream::Scene& scene) const {
    std::lock_guard lock(mutex_);
    const std::string& quality = qualities_.of(camera);
    return scene.contains(quality) ? quality : quality_auto;
}

Result<bool> Server::choose(const std::shared_ptr<Viewer>& viewer, const std::string& quality) {
    if (quality != quality_auto) {
        const auto channel = viewer->channel(quality);
        if (!channel)
            return Error{ErrorKind::bad_input, "this session has no stream '" + quality + "' to switch to"};
        const std::string what = "camera '" + viewer->info().camera + "', stream '" + quality + "', ";
        if (const auto track = channel->video_track(); track && track->codec != viewer->codec())
            return Error{ErrorKind::not_acceptable, what + "sends " + codec_name(track->codec) +
                                                        ", this session takes only " + codec_name(viewer->codec())};
        if (sends_b_frames(*channel))
            return Error{ErrorKind::not_acceptable, what + b_frames_text};
    }
    if (!viewer->set_quality(quality))
        return no_session();
    pool_->kick(viewer);
    return true;
}

Result<bool> Server::choose_for_good(const std::shared_ptr<Viewer>& viewer, const std::string& quality) {
    if (!viewer)
        return no_session();
    const auto chosen = choose(viewer, quality);
    if (chosen) {
        std::lock_guard lock(mutex_);
        followers_.erase(viewer->info().id);
    }
    return chosen;
}

Result<bool> Server::set_quality(const Session& session, const std::string& quality) {
    return choose_for_good(find(session), quality);
}

Result<bool> Server::set_quality(const std::string& id, const std::string& quality) {
    const auto viewer = find(id);
    const auto chosen = choose_for_good(viewer, quality);
    if (chosen)
        viewer->tell({SessionEvent::Kind::quality, quality});
    return chosen;
}

void Server::set_qualities(const QualityDefaults& qualities) {
    std::vector<std::shared_ptr<Viewer>> following;
    {
        std::lock_guard lock(mutex_);
        qualities_ = qualities;
        for (const auto& id : followers_)
            if (const auto it = viewers_.find(id); it != viewers_.end())
                following.push_back(it->second);
    }
    for (const auto& viewer : following)
        follow_camera(viewer);
}

// A stream that this session cannot take leaves it as it is.
void Server::follow_camera(const std::shared_ptr<Viewer>& viewer) {
    std::string quality;
    {
        std::lock_guard lock(mutex_);
        quality = qualities_.of(viewer->info().camera);
    }
    if (!viewer->channel(quality))
        quality = quality_auto;
    if (viewer->quality() != quality && choose(viewer, quality))
        viewer->tell({SessionEvent::Kind::quality, quality});
}

GstStructurePtr Server::stats_of(const std::string& id) const {
    const auto viewer = find(id);
    return viewer ? to_structure(*viewer, channel_now()) : nullptr;
}

} // namespace sluice
