// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

namespace sluice {

// What the channel that carries it is called: the source's name and this. No stream of a camera has such a name.
constexpr const char* opus_suffix = "~opus";

// The channel that brings the sound of `source` as Opus, whatever it is there. Whoever holds it keeps it; it is made (one pipeline
// for all, of this process) while somebody reads it, and as long as the demand of a channel outlives its readers.
// NULL if the name is too long for a channel.
std::shared_ptr<Channel> opus_version_of(const Channel& source);

} // namespace sluice
