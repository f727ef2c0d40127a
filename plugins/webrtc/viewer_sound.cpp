// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_sound.hpp"

namespace sluice {

std::optional<ViewerSound::Source> ViewerSound::wanted(const std::shared_ptr<Channel>& stream) const {
    const TrackPtr track = stream->audio_track();
    if (!track && feed_.source.stream)
        return std::nullopt;
    const Source source{stream, track && track->codec != codec_ && codec_ == Codec::opus};
    return source == feed_.source ? std::nullopt : std::optional(source);
}

void ViewerSound::start() {
    if (feed_.reader)
        feed_.reader->skip_all();
}

ViewerSound::Step ViewerSound::step() {
    Step step;
    if (!feed_.reader)
        return step;
    if (feed_.reader->backlog() >= skip_backlog)
        feed_.reader->skip_all();
    for (auto next = feed_.reader->next(); next.unit; next = feed_.reader->next()) {
        if (next.unit->track->codec != codec_) {
            step.misfit = true;
        } else if (heard_.is(*next.unit) && !next.unit->payloads().empty()) {
            step.packets = writer_.write(*next.unit);
            break;
        }
    }
    return step;
}

} // namespace sluice
