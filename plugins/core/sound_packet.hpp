// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/codec.hpp"

#include <optional>
#include <span>

namespace sluice {

// How long one packet of sound lasts, in ticks of the codec's clock: 48 kHz for Opus (RFC 6716 section 3.1), samples for G.711
// and AAC. Nothing: it is no packet of this codec. Outside input: any bytes.
SLUICE_API std::optional<uint32_t> sound_ticks(Codec codec, std::span<const uint8_t> packet);

} // namespace sluice
