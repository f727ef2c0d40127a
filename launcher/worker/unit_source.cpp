// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/unit_source.hpp"

#include <utility>

namespace sluice {

UnitSource::UnitSource(std::shared_ptr<Channel> channel, const std::shared_ptr<Wakeup>& wakeup, Media media)
    : channel_(std::move(channel)), wakeup_(wakeup), media_(media),
      video_(media == Media::all ? channel_->attach(Channel::Start::cached_gop, true, false) : nullptr),
      audio_(channel_->attach(Channel::Start::live, false, true)) {
    channel_->add_wakeup(wakeup_);
}

UnitSource::~UnitSource() { channel_->remove_wakeup(wakeup_); }

UnitSource::Next UnitSource::next() {
    if (held_)
        return *std::exchange(held_, std::nullopt);
    // Sound first: it is small, and late sound is heard.
    if (auto sound = next_sound(); sound.index() != 0)
        return sound;
    auto picture = video_ ? video_->next() : Channel::Reader::Next{};
    if (!picture.unit)
        return {};
    starting_ = (starting_ || picture.skipped) && video_->backlog() > 0;
    return message_of(picture, picture.unit->track->index, starting_);
}

UnitSource::Next UnitSource::next_sound() {
    auto sound = audio_->next();
    while (sound.unit && media_ == Media::sound && !heard_.is(*sound.unit))
        sound = audio_->next();
    if (!sound.unit)
        return {};
    return message_of(sound, media_ == Media::sound ? 0 : sound.unit->track->index, false);
}

UnitSource::Next UnitSource::message_of(const Channel::Reader::Next& next, unsigned track, bool past) {
    const AccessUnit& unit = *next.unit;
    if (track > UINT8_MAX)
        return {};
    Unit out{{.size = static_cast<uint32_t>(gst_buffer_get_size(unit.buffer.get())),
              .type = WireType::unit,
              .track = static_cast<uint8_t>(track),
              .flags = 0,
              .time = unit.time,
              .capture_time = unit.capture_time.value_or(0)},
             next.unit};
    if (unit.key)
        out.header.flags |= WireHeader::key;
    if (next.skipped || unit.discont)
        out.header.flags |= WireHeader::discont;
    if (past)
        out.header.flags |= WireHeader::past;
    TrackPtr& told = told_[track];
    if (told == unit.track)
        return out;
    told = unit.track;
    held_ = out;
    const GString8 caps(gst_caps_to_string(unit.track->caps.get()));
    return wire_text(WireType::track, caps.get(), out.header.track);
}

} // namespace sluice
