// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/pacer.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr GstClockTime start = 1000 * GST_SECOND;

// The time at which the last of `units` units leaves if the sender comes `late` after each deadline.
GstClockTime burst(Pacer& p, unsigned units, uint64_t bytes, GstClockTime late = 0) {
    GstClockTime now = start;
    for (unsigned i = 0; i < units; ++i) {
        if (!p.ready(now))
            now = p.deadline() + late;
        EXPECT_TRUE(p.ready(now));
        p.sent(now, bytes);
    }
    return now;
}

TEST(Pacer, TheFirstUnitLeavesAtOnce) {
    Pacer p;
    EXPECT_TRUE(p.ready(start));
    EXPECT_TRUE(p.ready(0));
}

TEST(Pacer, SmallUnitsLeaveTwoMillisecondsApart) {
    Pacer p;
    GstClockTime now = start;
    for (int i = 0; i < 3; ++i) // as after any pause
        p.sent(now, 100);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(p.deadline(), now + Pacer::unit_gap);
        EXPECT_FALSE(p.ready(p.deadline() - 1));
        now = p.deadline();
        EXPECT_TRUE(p.ready(now));
        p.sent(now, 100);
    }
}

TEST(Pacer, ABurstKeepsItsGapOnTheWhole) {
    Pacer p;
    const GstClockTime took = burst(p, 300, 100) - start;
    EXPECT_GE(took, (300 - 3) * Pacer::unit_gap);
    EXPECT_LE(took, 300 * Pacer::unit_gap);
}

TEST(Pacer, LargeUnitsLeaveAtTheLinksRate) {
    Pacer p;
    constexpr uint64_t bytes = 150'000; // 20 ms at 60 Mbit/s
    const GstClockTime took = burst(p, 100, bytes) - start;
    EXPECT_NEAR(static_cast<double>(took), 99 * 20e6, 5e6);
}

TEST(Pacer, LateWakeUpsDoNotMakeTheBurstSlower) {
    Pacer p;
    const GstClockTime took = burst(p, 300, 100, GST_MSECOND) - start;
    EXPECT_LE(took, 300 * Pacer::unit_gap + GST_MSECOND);
}

TEST(Pacer, AfterALongPauseTwoUnitsAtMostCatchUp) {
    Pacer p;
    p.sent(start, 100);
    const GstClockTime later = start + GST_SECOND;
    unsigned at_once = 0;
    for (; p.ready(later); ++at_once)
        p.sent(later, 100);
    EXPECT_LE(at_once, 3u);
    EXPECT_GE(at_once, 1u);
}

TEST(Pacer, LiveIsNeverHeldBack) {
    Pacer p;
    p.sent(start, 10'000'000); // 1.3 s at the link's rate
    EXPECT_FALSE(p.ready(start + GST_SECOND));
    p.live();
    EXPECT_TRUE(p.ready(start));
}

TEST(Pacer, WorksFromTheBeginningOfTime) {
    Pacer p;
    p.sent(0, 100);
    EXPECT_TRUE(p.ready(Pacer::unit_gap));
}

TEST(Pacer, AnAbsurdSizeDoesNotOverflow) {
    Pacer p;
    p.sent(start, UINT32_MAX);
    EXPECT_GT(p.deadline(), start);
    EXPECT_LT(p.deadline(), start + 3600 * GST_SECOND);
}

} // namespace
} // namespace sluice
