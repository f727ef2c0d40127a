// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "launcher/worker/wire.hpp"
#include "plugins/core/channel.hpp"
#include "plugins/core/heard_track.hpp"

#include <map>
#include <variant>

namespace sluice {

// What a channel brings, as messages: a track before its first unit. Picture and sound each by a cursor of its own: the picture
// from the newest key unit on, the sound from now on. Used by one thread.
class UnitSource {
public:
    enum class Media {
        all,
        sound, // that is heard, as track 0
    };
    // wakeup: told when there is more.
    UnitSource(std::shared_ptr<Channel> channel, const std::shared_ptr<Wakeup>& wakeup, Media media);
    ~UnitSource();
    UnitSource(const UnitSource&) = delete;
    UnitSource& operator=(const UnitSource&) = delete;

    struct Unit {
        WireHeader header;
        AccessUnitPtr unit;
    };
    using Next = std::variant<std::monostate, WireText, Unit>;
    Next next();
    void request_key_unit() { channel_->request_key_unit(); }

private:
    Next message_of(const Channel::Reader::Next& next, unsigned track, bool past);
    Next next_sound();

    const std::shared_ptr<Channel> channel_;
    const std::shared_ptr<Wakeup> wakeup_;
    const Media media_;
    std::unique_ptr<Channel::Reader> video_, audio_; // the first may be NULL
    HeardTrack heard_;
    bool starting_ = true; // the newest unit of the cache has not been reached
    std::map<unsigned, TrackPtr> told_;
    std::optional<Unit> held_; // its track is told first
};

} // namespace sluice
