// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/bytes_between.hpp"
#include "plugins/webrtc/congestion/spot_check.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr GstClockTime ms = GST_MSECOND;
constexpr uint64_t bitrate = 4'000'000;

PathState wide_path() { return {.estimate = 14'000'000, .received = bitrate, .rtt = ms, .feedback = true}; }

struct SpotChecks : testing::Test {
    SpotCheck check;
    PathState path = wide_path();
    SpotCheck::Sending sending{.bitrate = bitrate, .settled = true};
    GstClockTime now = 1000 * GST_SECOND;

    // Feedback each 50 ms. How long they were off, in seconds.
    double go_on(double seconds) {
        unsigned off = 0;
        const auto moments = static_cast<unsigned>(seconds * 20);
        for (unsigned i = 0; i < moments; ++i) {
            now += 50 * ms;
            check.observe(path, sending, now);
            off += !check.on();
        }
        return off / 20.0;
    }
    void one(const PathState& other) {
        now += 50 * ms;
        check.observe(other, sending, now);
    }
};

TEST_F(SpotChecks, BeginWhenNothingHasHappenedForTwoSeconds) {
    EXPECT_NEAR(go_on(60), 2, 0.1);
    EXPECT_TRUE(check.on());
}

TEST_F(SpotChecks, BeginOnlyOnAWidePath) {
    path.estimate = 3 * bitrate - 1;
    EXPECT_EQ(go_on(60), 60);
    path.estimate = 3 * bitrate;
    EXPECT_NEAR(go_on(60), 2, 0.1);
    path.estimate = 2 * bitrate; // enough to go on
    EXPECT_EQ(go_on(60), 0);
    path.estimate = 2 * bitrate - 1;
    EXPECT_EQ(go_on(1), 1);
}

TEST_F(SpotChecks, EndWhenTheSourceSendsMuchMore) {
    go_on(10);
    sending.bitrate = 8'000'000;
    EXPECT_EQ(go_on(60), 60);
}

TEST_F(SpotChecks, AViewerOnThisMachineNeedNotShowThatItsPathIsWide) {
    path.estimate = bitrate;
    sending.near = true;
    EXPECT_NEAR(go_on(60), 2, 0.1);
    sending.near = false;
    EXPECT_EQ(go_on(1), 1);
}

TEST_F(SpotChecks, BeginOnlyWithFeedbackAndAStreamThatStays) {
    path.feedback = false;
    EXPECT_EQ(go_on(20), 20);
    path.feedback = true;
    sending.settled = false;
    EXPECT_EQ(go_on(20), 20);
    sending.settled = true;
    sending.bitrate = 0;
    EXPECT_EQ(go_on(20), 20);
    sending.bitrate = bitrate;
    EXPECT_NEAR(go_on(20), 2, 0.1);
}

TEST_F(SpotChecks, EverySignEndsThemAtOnce) {
    PathState overuse = path, queue = path, loss = path, narrow = path, silent = path;
    overuse.overuse = true;
    queue.queue_delay = 51 * ms;
    loss.loss = 1.0 / 120; // one of two seconds
    narrow.estimate = bitrate;
    silent.feedback = false;
    for (const PathState& sign : {overuse, queue, loss, narrow, silent}) {
        check = {};
        go_on(10);
        ASSERT_TRUE(check.on());
        one(sign);
        EXPECT_FALSE(check.on());
        EXPECT_EQ(go_on(4), 4);
    }
    for (const bool waits : {false, true}) {
        check = {};
        go_on(10);
        ASSERT_TRUE(check.on());
        auto other = sending;
        if (waits)
            other.queue = 300 * ms;
        else
            other.settled = false;
        check.observe(path, other, now);
        EXPECT_FALSE(check.on());
    }
    check = {};
    go_on(10);
    ASSERT_TRUE(check.on());
    check.disturbed(now);
    EXPECT_FALSE(check.on());
}

TEST_F(SpotChecks, ComeBackLaterEachTime) {
    double waited = 2;
    go_on(6);
    for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(check.on());
        check.disturbed(now);
        check.disturbed(now); // the same trouble
        waited = std::min(2 * waited, 600.0);
        EXPECT_NEAR(go_on(waited + 10), waited, 0.1);
    }
}

TEST_F(SpotChecks, AfterALookOfOurOwnTheyAreBackSoon) {
    for (int i = 0; i < 5; ++i) {
        go_on(10);
        ASSERT_TRUE(check.on());
        check.interrupt();
        EXPECT_FALSE(check.on());
        EXPECT_NEAR(go_on(10), 2, 0.1);
    }
}

TEST_F(SpotChecks, WhoWasLeftInPeaceBeginsAnew) {
    go_on(6);
    for (int i = 0; i < 4; ++i) {
        check.disturbed(now);
        go_on(100);
    }
    ASSERT_TRUE(check.on());
    go_on(61);
    check.disturbed(now);
    EXPECT_NEAR(go_on(30), 4, 0.1);
}

TEST_F(SpotChecks, WhoIsDisturbedAgainAndAgainIsAlwaysAskedAboutAll) {
    for (int i = 0; i < 100; ++i) {
        check.disturbed(now);
        EXPECT_EQ(go_on(1), 1);
    }
    EXPECT_NEAR(go_on(20), 1, 0.1) << "there was none to end";
}

TEST(BytesBetween, BelongToTheNextPacketThatIsReported) {
    BytesBetween between;
    between.close(50 * ms);
    EXPECT_EQ(between.until(GST_SECOND), 0u);
    between.left(1000);
    between.left(2000);
    between.close(101 * ms);
    between.left(300); // sound
    between.left(4000);
    between.close(140 * ms);
    between.left(50);
    EXPECT_EQ(between.until(100 * ms), 0u);
    EXPECT_EQ(between.until(101 * ms), 3000u);
    EXPECT_EQ(between.until(102 * ms), 0u) << "twice";
    EXPECT_EQ(between.until(200 * ms), 4300u);
    between.close(210 * ms);
    EXPECT_EQ(between.until(210 * ms), 50u);
}

TEST(BytesBetween, OfLongAgoAreForgotten) {
    BytesBetween between;
    between.left(1000);
    between.close(GST_SECOND);
    between.left(2000);
    between.close(4 * GST_SECOND);
    EXPECT_EQ(between.until(4 * GST_SECOND), 2000u);
    for (unsigned i = 1; i <= 1000; ++i) {
        between.left(i);
        between.close(5 * GST_SECOND + i);
    }
    uint64_t newest = 0;
    for (unsigned i = 1000 - BytesBetween::most + 1; i <= 1000; ++i)
        newest += i;
    EXPECT_EQ(between.until(6 * GST_SECOND), newest);
}

} // namespace
} // namespace sluice
