// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/sound_packet.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

TEST(SoundPacket, LengthOfOpusIsInItsFirstBytes) {
    struct Row {
        Bytes packet;
        std::optional<uint32_t> ticks;
    };
    const auto toc = [](unsigned config, unsigned code) { return static_cast<uint8_t>(config << 3 | code); };
    const Row rows[] = {
        {{toc(0, 0), 1}, 480},         // SILK, 10 ms
        {{toc(11, 0), 1}, 2880},       // SILK, 60 ms
        {{toc(12, 0), 1}, 480},        // hybrid, 10 ms
        {{toc(15, 0), 1}, 960},        // hybrid, 20 ms
        {{toc(16, 0), 1}, 120},        // CELT, 2.5 ms
        {{toc(31, 0), 1}, 960},        // CELT, 20 ms
        {{toc(31, 1), 1}, 1920},       // two frames
        {{toc(31, 2), 1}, 1920},       // two of different size
        {{toc(31, 3), 3, 1}, 2880},    // as many as the second byte says...
        {{toc(31, 3), 0xc6, 1}, 5760}, // ...beside its flags
        {{toc(31, 3), 7, 1}, {}},      // more than 120 ms
        {{toc(31, 3), 0}, {}},         // none
        {{toc(31, 3)}, {}},            // it is not there
        {{}, {}},
    };
    for (const Row& r : rows)
        EXPECT_EQ(sound_ticks(Codec::opus, r.packet), r.ticks) << int(r.packet.empty() ? 0 : r.packet[0]);
}

TEST(SoundPacket, LengthOfTheOthers) {
    const Bytes some(320);
    EXPECT_EQ(sound_ticks(Codec::pcmu, some), 320u);
    EXPECT_EQ(sound_ticks(Codec::pcma, some), 320u);
    EXPECT_EQ(sound_ticks(Codec::aac, some), 1024u);
    EXPECT_FALSE(sound_ticks(Codec::pcmu, {}));
    EXPECT_FALSE(sound_ticks(Codec::aac, {}));
    EXPECT_FALSE(sound_ticks(Codec::h264, some));
    EXPECT_FALSE(sound_ticks(Codec::other, some));
}

} // namespace
} // namespace sluice
