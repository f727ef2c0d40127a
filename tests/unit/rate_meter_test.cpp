// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/rate_meter.hpp"

#include <gtest/gtest.h>

using sluice::RateMeter;

namespace {

constexpr GstClockTime s = GST_SECOND;

TEST(RateMeter, NothingIsZero) {
    const RateMeter m;
    EXPECT_EQ(m.units_per_second(0), 0);
    EXPECT_EQ(m.units_per_second(1000 * s), 0);
    EXPECT_EQ(m.bytes_per_second(1000 * s), 0);
}

TEST(RateMeter, SteadyStream) {
    RateMeter m;
    for (int i = 0; i < 25 * 10; i++)
        m.add(100 * s + i * s / 25, 1000);
    EXPECT_DOUBLE_EQ(m.units_per_second(110 * s), 25);
    EXPECT_DOUBLE_EQ(m.bytes_per_second(110 * s), 25000);
    // In the midst of a second the whole ones before it count.
    EXPECT_DOUBLE_EQ(m.units_per_second(110 * s + s / 2), 25);
}

TEST(RateMeter, AStreamThatEndedFallsToZero) {
    RateMeter m;
    for (int i = 0; i < 100; i++)
        m.add(100 * s + i * s / 25, 1000);
    EXPECT_GT(m.units_per_second(105 * s), 0);
    EXPECT_EQ(m.units_per_second(120 * s), 0);
}

TEST(RateMeter, AStreamThatSlowsDown) {
    RateMeter m;
    for (int second = 0; second < 20; second++) { // one unit a second, with a gap
        if (second < 5 || second > 10)
            m.add(second * s, 10);
        if (second == 12) {
            EXPECT_DOUBLE_EQ(m.units_per_second(12 * s), 0.25);
        }
    }
    EXPECT_DOUBLE_EQ(m.units_per_second(20 * s), 1);
    EXPECT_DOUBLE_EQ(m.bytes_per_second(20 * s), 10);
}

TEST(RateMeter, SecondsWithoutAnythingCount) {
    RateMeter m;
    for (int second = 0; second < 20; second += 2) // one unit every other second
        m.add(second * s, 10);
    EXPECT_DOUBLE_EQ(m.units_per_second(20 * s), 0.5);
}

} // namespace
