// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known about an encoder (hw/encoders/*.json) or decoder (hw/decoders/*.json): its factory, how its properties are called and counted, what makes it
// quick, and its quirks. A description only; whether it works on this machine is for the prober to find out.
#pragma once

#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::hw {

// Of a property; a map is a GstStructure of numbers (V4L2's extra-controls).
using Setting = std::variant<std::string, int64_t, bool, std::map<std::string, int64_t>>;

// Where a figure goes.
struct PropertyName {
    std::string property;
    std::string field; // of a GstStructure; empty: the property itself
    bool operator==(const PropertyName&) const = default;
};

struct Quirk {
    std::string what, why;
};

// What encoders and decoders have in common; of a decoder there is no more to know.
struct ElementProfile {
    std::string name;      // of the file, and what logs and tables call it
    std::string factory;   // of GStreamer
    std::string codec;     // h264, of decoders also h265
    std::string package;   // what to install when the factory is not there
    std::string device;    // glob of the device it cannot do without; empty: none
    bool hardware = false; // "kind"
    int64_t order = 0;     // the smallest is tried first

    const char* kind() const { return hardware ? "hardware" : "software"; }
};
using DecoderProfile = ElementProfile;

struct EncoderProfile : ElementProfile {
    std::string convert;              // launch text from any raw pictures to its formats
    std::vector<std::string> formats; // raw, best first
    std::string caps;                 // of what it makes: byte stream, whole access units, constrained baseline
    PropertyName bitrate;
    unsigned bits_per_unit = 1; // 1000: kbit/s
    bool bitrate_while_playing = true;
    PropertyName key_interval; // the GOP, in pictures
    bool key_units_on_request = true;
    std::map<std::string, Setting> settings; // low latency; each must be there
    std::map<std::string, Setting> optional; // some drivers do not have them
    std::vector<Quirk> quirks;
};

// Append to errors; a profile is meaningful only if nothing was appended.
EncoderProfile parse_encoder_profile(std::string_view text, std::vector<ConfigError>& errors);
DecoderProfile parse_decoder_profile(std::string_view text, std::vector<ConfigError>& errors);

} // namespace sluice::hw
