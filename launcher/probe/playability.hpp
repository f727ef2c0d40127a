// SPDX-License-Identifier: LGPL-2.1-or-later
// Who can play a stream as it is. Pure: facts in, a table out.
#pragma once

#include "launcher/probe/facts.hpp"

#include <string>
#include <vector>

namespace sluice::probe {

enum class Plays : uint8_t {
    yes,
    some,      // some of these players or machines, the reason says which
    converted, // Sluice makes another version for them (sound as Opus)
    no,
    none, // there is nothing to play: the stream has no sound
};
const char* to_string(Plays plays);

struct Answer {
    Plays plays = Plays::yes;
    std::string reason; // of everything but yes
};

struct Consumer {
    const char* id;   // "chromium-webrtc"
    const char* name; // for people
    Answer video, sound;
};

// facts: with video.
std::vector<Consumer> playability(const Facts& facts);

} // namespace sluice::probe
