// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/sound_packet.hpp"

namespace sluice {

namespace {

std::optional<uint32_t> opus_ticks(std::span<const uint8_t> packet) {
    constexpr uint32_t longest = 5760; // 120 ms
    if (packet.empty())
        return std::nullopt;
    const unsigned config = packet[0] >> 3;
    uint32_t frame = 120u << (config & 3); // CELT: 2.5, 5, 10, 20 ms
    if (config < 12) {                     // SILK: 10, 20, 40, 60 ms
        static constexpr uint32_t silk[] = {480, 960, 1920, 2880};
        frame = silk[config & 3];
    } else if (config < 16) { // both: 10, 20 ms
        frame = 480u << (config & 1);
    }
    uint32_t count = 2;
    if ((packet[0] & 3) == 0)
        count = 1;
    else if ((packet[0] & 3) == 3)
        count = packet.size() > 1 ? packet[1] & 0x3f : 0;
    if (count == 0 || count * frame > longest)
        return std::nullopt;
    return count * frame;
}

} // namespace

std::optional<uint32_t> sound_ticks(Codec codec, std::span<const uint8_t> packet) {
    if (packet.empty() || packet.size() > UINT32_MAX)
        return std::nullopt;
    switch (codec) {
    case Codec::opus: return opus_ticks(packet);
    case Codec::pcmu:
    case Codec::pcma: return static_cast<uint32_t>(packet.size());
    case Codec::aac: return 1024; // cameras use no other frame length
    default: return std::nullopt;
    }
}

} // namespace sluice
