// SPDX-License-Identifier: LGPL-2.1-or-later
// An encoder as its profile describes it, ready to be put into a pipeline. Nothing of a profile but its launch text is parsed as
// such: settings and figures are set as properties.
#pragma once

#include "hw/encoder_profile.hpp"
#include "plugins/core/refs.hpp"

namespace sluice::hw {

struct EncoderWish {
    unsigned bitrate = 2'000'000; // bit/s
    unsigned key_interval = 50;   // pictures
};

// A bin with the pads sink (any raw video in system memory) and src (H.264 as the profile's caps say; put h264parse behind it).
// Error: the factory is missing (unavailable), or does not have what the profile says (bad_config); it names the profile.
Result<Ref<GstElement>> make_encoder(const EncoderProfile& profile, const EncoderWish& wish);

// Of a bin that make_encoder made; at any time. False: the profile says that this encoder does not take it while it plays, and it does.
bool set_bitrate(GstElement* bin, const EncoderProfile& profile, unsigned bits_per_second);

// The encoder inside.
Ref<GstElement> encoder_in(GstElement* bin);

// Sets a property to what the setting says. Error: there is no such property, or it does not take the value.
Result<bool> apply_setting(GObject* object, const std::string& property, const Setting& setting);

} // namespace sluice::hw
