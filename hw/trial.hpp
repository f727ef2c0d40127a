// SPDX-License-Identifier: LGPL-2.1-or-later
// Really encodes and decodes some pictures, and looks at what comes out. To be run in a process of its own: a driver that
// crashes or hangs takes its process along (Prober).
#pragma once

#include "hw/encoder_profile.hpp"

#include <optional>
#include <string>

namespace sluice::hw {

struct TrialFacts {
    double fps_720 = 0, fps_1080 = 0;   // 0: it cannot
    unsigned latency = 0;               // pictures that were in besides the first, when the first came out
    bool key_units_on_request = false;  // an IDR picture comes when asked for
    bool bitrate_while_playing = false; // it follows a change
    unsigned bitrate = 0;               // bit/s, of trial_bitrate
};

constexpr unsigned trial_bitrate = 2'000'000;

// Error: what is wrong with it, for people.
Result<TrialFacts> try_encoder(const EncoderProfile& profile);

// Launch text of an encoder that decoders of that codec can be tried with; empty: there is none on this machine.
std::string encoder_for_decoders(const std::string& codec);

// Decodes what such an encoder makes; only speeds and latency are known then.
Result<TrialFacts> try_decoder(const DecoderProfile& profile);

// What a trial says to its parent process, one line.
std::string to_line(const Result<TrialFacts>& result);
std::optional<Result<TrialFacts>> from_line(const std::string& line);

} // namespace sluice::hw
