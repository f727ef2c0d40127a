// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/demand.hpp"

#include <gtest/gtest.h>

using sluice::Demand;

namespace {

constexpr GstClockTime s = GST_SECOND;

TEST(Demand, UpAtOnceDownAfterTheGraceTime) {
    Demand d(5 * s);
    EXPECT_FALSE(d.level());
    EXPECT_EQ(d.update(1, 100 * s), true);
    EXPECT_EQ(d.update(0, 101 * s), std::nullopt);
    EXPECT_TRUE(d.level());
    EXPECT_EQ(d.next_deadline(), 106 * s);
    EXPECT_EQ(d.update(0, 106 * s - 1), std::nullopt);
    EXPECT_EQ(d.update(0, 106 * s), false);
    EXPECT_FALSE(d.level());
    EXPECT_EQ(d.next_deadline(), std::nullopt);
}

TEST(Demand, SaysNothingTwice) {
    Demand d(5 * s);
    EXPECT_EQ(d.update(0, 1 * s), std::nullopt);
    EXPECT_EQ(d.next_deadline(), std::nullopt);
    EXPECT_EQ(d.update(1, 2 * s), true);
    EXPECT_EQ(d.update(2, 3 * s), std::nullopt);
    EXPECT_EQ(d.update(1, 4 * s), std::nullopt);
    EXPECT_EQ(d.update(0, 5 * s), std::nullopt);
    EXPECT_EQ(d.update(0, 60 * s), false);
    EXPECT_EQ(d.update(0, 120 * s), std::nullopt);
    EXPECT_EQ(d.next_deadline(), std::nullopt);
}

TEST(Demand, AReaderInTheGraceTimeKeepsItUpAndBeginsItAnew) {
    Demand d(5 * s);
    d.update(1, 0);
    d.update(0, 10 * s);
    EXPECT_EQ(d.update(1, 14 * s), std::nullopt);
    EXPECT_EQ(d.next_deadline(), std::nullopt);
    EXPECT_EQ(d.update(0, 16 * s), std::nullopt);
    EXPECT_EQ(d.update(0, 17 * s), std::nullopt);
    EXPECT_EQ(d.next_deadline(), 21 * s);
    EXPECT_EQ(d.update(0, 21 * s), false);
}

} // namespace
