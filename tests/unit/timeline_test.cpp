// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/timeline.hpp"

#include <gtest/gtest.h>

#include <vector>

using sluice::Timeline;

namespace {

constexpr GstClockTimeDiff ms = GST_MSECOND, s = GST_SECOND;

TEST(Timeline, WhatIsRightIsKept) {
    Timeline t;
    for (const GstClockTimeDiff running : {3 * s, 3 * s + 120 * ms, 3 * s + 40 * ms, 3 * s + 80 * ms, 4 * s})
        EXPECT_EQ(t.map(running), GstClockTime(running));
}

TEST(Timeline, TheCachedGopIsSqueezedInOrderAndTheLiveEdgeIsExact) {
    Timeline t;
    GstClockTime last = t.map(-10 * s);
    EXPECT_EQ(last, 0u);
    for (GstClockTimeDiff running = -10 * s + 40 * ms; running <= 0; running += 40 * ms) {
        const GstClockTime out = t.map(running);
        EXPECT_GT(out, last);
        EXPECT_LT(out, Timeline::catch_up);
        last = out;
    }
    EXPECT_EQ(t.map(40 * ms), GstClockTime(40 * ms));
    EXPECT_EQ(t.map(80 * ms), GstClockTime(80 * ms));
}

TEST(Timeline, BFramesKeepTheirOrderInTheSqueeze) {
    Timeline t;
    const GstClockTime i = t.map(-2 * s), p = t.map(-2 * s + 120 * ms), b1 = t.map(-2 * s + 40 * ms),
                       b2 = t.map(-2 * s + 80 * ms);
    EXPECT_LT(i, b1);
    EXPECT_LT(b1, b2);
    EXPECT_LT(b2, p);
}

TEST(Timeline, ARestartThatGoesBackComesBehindWhatWas) {
    Timeline t;
    EXPECT_EQ(t.map(20 * s), GstClockTime(20 * s));
    t.restart();
    GstClockTime last = 20 * s;
    for (GstClockTimeDiff running = 15 * s; running <= 20 * s; running += 40 * ms) {
        const GstClockTime out = t.map(running);
        EXPECT_GT(out, last);
        EXPECT_LE(out, GstClockTime(20 * s) + Timeline::catch_up + GST_USECOND);
        last = out;
    }
    EXPECT_EQ(t.map(20 * s + 80 * ms), GstClockTime(20 * s + 80 * ms));
}

TEST(Timeline, ARestartThatGoesOnChangesNothing) {
    Timeline t;
    t.map(1 * s);
    t.restart();
    EXPECT_EQ(t.map(30 * s), GstClockTime(30 * s));
    EXPECT_EQ(t.map(30 * s + 40 * ms), GstClockTime(30 * s + 40 * ms));
}

TEST(Timeline, WhatReachesInFrontOfTheStartIsAtTheStart) {
    Timeline t;
    t.map(-s);
    EXPECT_EQ(t.map(-2 * s), 0u); // sound from before the picture
    Timeline u;
    u.map(10 * ms);
    EXPECT_EQ(u.map(-10 * ms), 0u);
}

} // namespace
