// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/unit_ring.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

UnitRing::Item unit(bool key, GstClockTime time, uint64_t bytes = 10) {
    UnitRing::Item item;
    item.buffer = adopt(gst_buffer_new());
    item.key = key;
    item.time = time;
    item.bytes = bytes;
    return item;
}
constexpr GstClockTime ms = GST_MSECOND;

TEST(UnitRing, KeepsTheNewestGop) {
    UnitRing ring;
    EXPECT_FALSE(ring.newest_key());
    for (int i = 0; i < 400; ++i)
        ring.push(unit(i % 50 == 0, i * 40 * ms));
    EXPECT_EQ(ring.newest_key(), 350u);
    EXPECT_EQ(ring.end(), 400u);
    EXPECT_EQ(ring.begin(), 250u) << "a hundred before it, for those who lag";
    EXPECT_FALSE(ring.at(249));
    EXPECT_TRUE(ring.at(250));
    EXPECT_FALSE(ring.at(400));
    EXPECT_EQ(ring.bytes(), 150u * 10);
}

TEST(UnitRing, EachBufferAKeyUnit) {
    UnitRing ring;
    for (int i = 0; i < 100; ++i)
        ring.push(unit(true, i * 40 * ms));
    for (int i = 0; i < 400; ++i)
        ring.push(unit(true, (4000 + i) * ms));
    EXPECT_EQ(ring.newest_key(), 499u);
    EXPECT_EQ(ring.begin(), 98u) << "half a second before it; the last of the others are 40 ms apart";
    for (int i = 0; i < 200; ++i)
        ring.push(unit(true, (5000 + i * 40) * ms));
    EXPECT_EQ(ring.begin(), 599u) << "a hundred of them are more";
    EXPECT_EQ(ring.dropped_gops(), 0u);
}

TEST(UnitRing, AGopThatIsTooLargeIsNoPlaceToStart) {
    UnitRing ring;
    ring.set_limits({.bytes = 100});
    for (int i = 0; i < 30; ++i)
        ring.push(unit(i == 0, i * 40 * ms));
    EXPECT_FALSE(ring.newest_key());
    EXPECT_EQ(ring.bytes(), 100u);
    EXPECT_EQ(ring.dropped_gops(), 1u);
    ring.push(unit(true, 30 * 40 * ms));
    EXPECT_EQ(ring.newest_key(), 30u);
}

TEST(UnitRing, BoundsInBuffersAndTime) {
    UnitRing ring;
    ring.set_limits({.buffers = 5});
    for (int i = 0; i < 30; ++i)
        ring.push(unit(i == 0, i * 40 * ms));
    EXPECT_EQ(ring.end() - ring.begin(), 5u);
    ring.set_limits({.time = 80 * ms});
    EXPECT_EQ(ring.end() - ring.begin(), 3u);
    UnitRing large;
    large.set_limits({.bytes = 5});
    large.push(unit(true, 0, 1000));
    EXPECT_EQ(large.newest_key(), 0u) << "one that is larger than the limit is there all the same";
}

TEST(UnitRing, WithoutTimestampsTheNumberCounts) {
    UnitRing ring;
    for (int i = 0; i < 300; ++i)
        ring.push(unit(i % 10 == 0, GST_CLOCK_TIME_NONE));
    EXPECT_EQ(ring.begin(), 190u);
}

TEST(UnitRing, ClearedEverybodyIsBehind) {
    UnitRing ring;
    ring.push(unit(true, 0));
    ring.clear();
    EXPECT_EQ(ring.begin(), 1u);
    EXPECT_EQ(ring.end(), 1u);
    EXPECT_FALSE(ring.newest_key());
    EXPECT_EQ(ring.bytes(), 0u);
}

} // namespace
} // namespace sluice
