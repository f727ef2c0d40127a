// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes sound Opus, whoever runs it. The result goes into a channel of its own, beside the one it is made of.
#pragma once

#include "plugins/core/codec.hpp"

#include <string>

namespace sluice {

// What the channel that carries it is called: the source's name and this. No stream of a camera has such a name.
constexpr const char* opus_suffix = "~opus";

// The text of a bin from sound of that codec (pcmu, pcma, aac) to audio/x-opus; for all others one that takes Opus alone.
SLUICE_API std::string opus_chain(Codec codec);
// False: what decodes it for that is not installed.
SLUICE_API bool has_opus_decoder(Codec codec);

} // namespace sluice
