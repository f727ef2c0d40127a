// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"

namespace sluice {

// The channel that brings the sound of `source` as Opus, whatever it is there. Whoever holds it keeps it; it is made (one pipeline
// for all, of this process) while somebody reads it, and as long as the demand of a channel outlives its readers.
// NULL if the name is too long for a channel.
std::shared_ptr<Channel> opus_version_of(const Channel& source);
// The same channel, if somebody else makes that sound who sees the channel's demand.
std::shared_ptr<Channel> opus_channel_of(const Channel& source);

} // namespace sluice
