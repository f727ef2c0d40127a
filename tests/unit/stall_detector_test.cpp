// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/stall/stall_detector.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

constexpr GstClockTime s = GST_SECOND, ms = GST_MSECOND;

struct Watch : testing::Test {
    StallDetector d;
    GstClockTime now = 100 * s;
    GstClockTime pts = 0;
    void SetUp() override { d.start(now); }
    // One buffer per 40 ms for so long.
    StallDetector::Changes run(GstClockTime time, bool key, bool advance = true) {
        StallDetector::Changes all;
        for (GstClockTime end = now + time; now < end;) {
            now += 40 * ms;
            pts += advance ? 40 * ms : 0;
            const auto c = d.data(now, pts, key);
            all.insert(all.end(), c.begin(), c.end());
        }
        return all;
    }
};

TEST_F(Watch, SilenceIsAStallExactlyAtTheLimitAndOnce) {
    EXPECT_EQ(d.next_deadline(), now + 3 * s);
    EXPECT_TRUE(d.check(now + 3 * s - 1).empty());
    const auto c = d.check(now + 3 * s);
    ASSERT_EQ(c.size(), 1u);
    EXPECT_TRUE(c[0].stalled);
    EXPECT_EQ(c[0].reason, StallReason::no_data);
    EXPECT_EQ(c[0].since, now);
    EXPECT_EQ(c[0].last_pts, GST_CLOCK_TIME_NONE);
    EXPECT_FALSE(d.next_deadline());
    EXPECT_TRUE(d.check(now + 100 * s).empty()); // the others follow from it
    const auto r = d.data(now + 101 * s, 5, true);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_FALSE(r[0].stalled);
    EXPECT_EQ(r[0].since, now);
}

TEST_F(Watch, DataMovesTheDeadline) {
    EXPECT_TRUE(run(10 * s, true).empty());
    EXPECT_EQ(d.next_deadline(), now + 3 * s);
}

TEST_F(Watch, NoKeyUnit) {
    run(40 * ms, true);
    const GstClockTime key = now;
    const auto c = run(31 * s, false);
    ASSERT_EQ(c.size(), 1u);
    EXPECT_EQ(c[0].reason, StallReason::no_key_unit);
    EXPECT_EQ(c[0].since, key);
    EXPECT_EQ(c[0].at, key + 30 * s);
    const auto r = run(40 * ms, true);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_FALSE(r[0].stalled);
}

TEST_F(Watch, LongGopsGetThreeOfTheirOwn) {
    run(40 * ms, true);
    run(20 * s - 40 * ms, false);
    run(40 * ms, true); // a GOP of 20 s
    EXPECT_TRUE(run(59 * s, false).empty());
    EXPECT_EQ(run(2 * s, false).size(), 1u);
}

TEST_F(Watch, AnOutageIsNoGop) {
    run(40 * ms, true);
    EXPECT_EQ(run(600 * s, false).size(), 1u); // told after 30 s
    EXPECT_EQ(run(40 * ms, true).size(), 1u);
    EXPECT_EQ(run(31 * s, false).size(), 1u) << "and the next time again";
}

TEST_F(Watch, FrozenTimestamps) {
    run(s, true);
    const GstClockTime last = now, greatest = pts;
    const auto c = run(6 * s, true, false);
    ASSERT_EQ(c.size(), 1u);
    EXPECT_EQ(c[0].reason, StallReason::frozen_timestamps);
    EXPECT_EQ(c[0].at, last + 5 * s);
    EXPECT_EQ(c[0].last_pts, greatest);
    const auto r = run(40 * ms, true);
    ASSERT_EQ(r.size(), 1u);
    EXPECT_FALSE(r[0].stalled);
}

TEST_F(Watch, ReorderedAndRestartedTimestampsAreNotFrozen) {
    for (int i = 0; i < 500; i++) { // decode order of B-frames: 0 2 1 4 3...
        now += 40 * ms;
        EXPECT_TRUE(d.data(now, (i % 2 ? i - 2 : i) * 40 * ms + s, true).empty());
    }
    d.restart_timestamps();
    pts = 0;
    EXPECT_TRUE(run(10 * s, true).empty());
}

TEST_F(Watch, AfterAnOutageTheOthersHaveTheirFullTime) {
    run(s, true);
    now += 60 * s;
    EXPECT_EQ(d.check(now).size(), 1u);
    EXPECT_EQ(run(29 * s, false).size(), 1u); // the recovery, nothing else
}

TEST_F(Watch, ZeroSwitchesOffAndStoppedSaysNothing) {
    d.set_limits({0, 0, 0});
    EXPECT_FALSE(d.next_deadline());
    EXPECT_TRUE(d.check(now + 1000 * s).empty());
    d.set_limits({});
    d.stop();
    EXPECT_FALSE(d.next_deadline());
    EXPECT_TRUE(d.check(now + 1000 * s).empty());
    EXPECT_TRUE(d.data(now, 1, true).empty());
}

TEST_F(Watch, GapsAreLife) {
    for (int i = 0; i < 10; i++)
        EXPECT_TRUE(d.gap(now += 2 * s).empty());
}

} // namespace
