// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/playout_delay.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct PlayoutDelayTest : testing::Test {
    PlayoutDelay delay;
    GstClockTime now = 100 * GST_SECOND;
    PathState path{.estimate = 2'000'000, .rtt = 80 * GST_MSECOND, .feedback = true};
    unsigned changes = 0;

    void pass(GstClockTime time) {
        for (const GstClockTime end = now + time; now < end; now += 50 * GST_MSECOND) {
            const GstClockTime before = delay.asked();
            delay.observe(path, now);
            changes += delay.asked() != before;
        }
    }
    void pass(GstClockTime time, double loss) {
        path.loss = loss;
        pass(time);
    }
};

TEST_F(PlayoutDelayTest, NothingIsAskedForOfAPathWithoutLoss) {
    pass(300 * GST_SECOND, 0);
    EXPECT_EQ(delay.asked(), 0u);
}

TEST_F(PlayoutDelayTest, NothingIsAskedForWherePacketsAreSentAgainInNoTime) {
    path.rtt = 30 * GST_MSECOND;
    pass(300 * GST_SECOND, 0.05);
    EXPECT_EQ(delay.asked(), 0u);
}

TEST_F(PlayoutDelayTest, NothingIsAskedForWhileTheRoundTripIsUnknown) {
    path.rtt = 0;
    pass(60 * GST_SECOND, 0.05);
    EXPECT_EQ(delay.asked(), 0u);
}

TEST_F(PlayoutDelayTest, ALossyLongPathIsAskedForTwoRoundTripsAndABit) {
    pass(2 * GST_SECOND, 0.03);
    EXPECT_EQ(delay.asked(), 0u) << "one burst proves nothing";
    pass(3 * GST_SECOND);
    EXPECT_EQ(delay.asked(), 380 * GST_MSECOND);
    pass(300 * GST_SECOND);
    EXPECT_EQ(changes, 1u);
}

TEST_F(PlayoutDelayTest, OneBurstOfLossesIsNoReason) {
    pass(2 * GST_SECOND, 0.04); // four of a hundred packets, seen for the two seconds of the window
    pass(60 * GST_SECOND, 0);
    EXPECT_EQ(changes, 0u);
}

TEST_F(PlayoutDelayTest, ItIsBounded) {
    path.rtt = 700 * GST_MSECOND;
    pass(20 * GST_SECOND, 0.03);
    EXPECT_EQ(delay.asked(), PlayoutDelay::most);
}

// Losses in bursts: a window of two seconds sees them come and go.
TEST_F(PlayoutDelayTest, LossesThatComeAndGoDoNotMakeItChange) {
    for (int i = 0; i < 60; ++i) {
        pass(2 * GST_SECOND, 0.06);
        pass(2 * GST_SECOND, 0);
    }
    EXPECT_EQ(delay.asked(), 380 * GST_MSECOND);
    EXPECT_EQ(changes, 1u);
}

TEST_F(PlayoutDelayTest, ItIsTakenBackLongAfterTheLastLoss) {
    pass(20 * GST_SECOND, 0.03);
    ASSERT_NE(delay.asked(), 0u);
    pass(PlayoutDelay::clean_for, 0);
    EXPECT_NE(delay.asked(), 0u);
    pass(60 * GST_SECOND);
    EXPECT_EQ(delay.asked(), 0u);
    EXPECT_EQ(changes, 2u);
    pass(10 * GST_SECOND, 0.03);
    EXPECT_NE(delay.asked(), 0u) << "and asked for again when they come back";
}

TEST_F(PlayoutDelayTest, AFullQueueIsNotCuredByABuffer) {
    path.queue_delay = 200 * GST_MSECOND;
    pass(20 * GST_SECOND, 0.08);
    path.queue_delay = 0;
    path.overuse = true;
    pass(20 * GST_SECOND);
    EXPECT_EQ(changes, 0u);
}

TEST_F(PlayoutDelayTest, AnOutageIsNoReason) {
    pass(4 * GST_SECOND, 0.9);
    pass(60 * GST_SECOND, 0);
    EXPECT_EQ(changes, 0u);
}

TEST_F(PlayoutDelayTest, AnotherRoundTripCountsWhenItStaysAndMatters) {
    pass(20 * GST_SECOND, 0.03);
    path.rtt = 100 * GST_MSECOND;
    pass(60 * GST_SECOND);
    EXPECT_EQ(delay.asked(), 380 * GST_MSECOND) << "too little to be seen as slow motion for";
    path.rtt = 50 * GST_MSECOND;
    pass(PlayoutDelay::stands - GST_SECOND);
    path.rtt = 80 * GST_MSECOND;
    pass(GST_SECOND);
    EXPECT_EQ(changes, 1u) << "it did not stay";
    path.rtt = 50 * GST_MSECOND;
    pass(PlayoutDelay::stands + GST_SECOND);
    EXPECT_EQ(delay.asked(), 260 * GST_MSECOND);
    path.rtt = 10 * GST_MSECOND;
    pass(GST_SECOND);
    EXPECT_EQ(delay.asked(), 0u);
}

} // namespace
} // namespace sluice
