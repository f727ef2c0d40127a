// SPDX-License-Identifier: LGPL-2.1-or-later
// All encoders and decoders that there are descriptions of. Adding one is adding a file.
#pragma once

#include "hw/encoder_profile.hpp"

#include <string>
#include <vector>

namespace sluice::hw {

struct Profiles {
    std::vector<EncoderProfile> encoders; // as they are tried: hardware first, then by "order" and name
    std::vector<DecoderProfile> decoders;

    const EncoderProfile* encoder(const std::string& name) const;
    const DecoderProfile* decoder(const std::string& name) const;
};

// directories: as in PATH, each with encoders/*.json and, if it likes, decoders/*.json; of two files of one name the first
// counts. The Error lists everything that is wrong with any of them (bad_config), or says that there is no such directory
// (missing_file).
Result<Profiles> load_profiles(const std::string& directories);

// $SLUICE_HW, else where profiles are installed.
std::string profile_directories();

} // namespace sluice::hw
