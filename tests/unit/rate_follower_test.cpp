// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/rate_follower.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct RateFollowerTest : testing::Test {
    RateFollower rate{2'000'000};
    RateFollower::Time now{1000s};

    // As who drives it does: at once when something else is carried, and at the time it names. Each change with its time.
    struct Change {
        RateFollower::Time at;
        uint64_t rate;
    };
    std::vector<Change> pass(std::chrono::milliseconds time) {
        std::vector<Change> out;
        for (const auto end = now + time; now < end; now += 10ms)
            if (const auto due = rate.next(); !due || now >= *due)
                if (const auto next = rate.step(now))
                    out.push_back({now, *next});
        return out;
    }
};

TEST_F(RateFollowerTest, NothingIsDoneWhileNoPathHasShownALimit) {
    EXPECT_EQ(rate.rate(), 2'000'000u);
    EXPECT_FALSE(rate.step(now));
    EXPECT_FALSE(rate.next());
    rate.carried(5'000'000);
    EXPECT_FALSE(rate.step(now));
    EXPECT_FALSE(rate.next());
}

TEST_F(RateFollowerTest, DownAtOnce) {
    rate.carried(700'000);
    EXPECT_EQ(rate.step(now), 700'000u);
    EXPECT_FALSE(rate.step(now + 10s)) << "and not again";
}

TEST_F(RateFollowerTest, NotMoreOftenThanTwiceASecond) {
    rate.carried(700'000);
    EXPECT_TRUE(rate.step(now));
    rate.carried(500'000);
    EXPECT_FALSE(rate.step(now + 499ms));
    EXPECT_EQ(rate.next(), now + 500ms);
    EXPECT_EQ(rate.step(now + 500ms), 500'000u);
}

TEST_F(RateFollowerTest, TheSwingOfAnEstimateIsNoReason) {
    rate.carried(700'000);
    pass(1s);
    for (const unsigned swing : {690'000, 670'000, 715'000, 700'000}) {
        rate.carried(swing);
        EXPECT_FALSE(rate.next()) << swing << ": nobody needs to come back for that";
        EXPECT_TRUE(pass(2s).empty()) << swing;
    }
    rate.carried(660'000);
    EXPECT_EQ(pass(1s).size(), 1u);
}

TEST_F(RateFollowerTest, NeverBelowATenthAndNever100kbit) {
    rate.carried(1);
    EXPECT_EQ(rate.step(now), 200'000u);
    EXPECT_FALSE(rate.next());
    RateFollower small(400'000);
    small.carried(1);
    EXPECT_EQ(small.step(now), 100'000u);
    RateFollower tiny(60'000);
    tiny.carried(1);
    EXPECT_FALSE(tiny.step(now)) << "less is not configured";
}

TEST_F(RateFollowerTest, TheFloorIsReachedFromJustAboveIt) {
    rate.carried(205'000);
    EXPECT_EQ(rate.step(now), 205'000u);
    rate.carried(100'000);
    EXPECT_EQ(rate.step(now + 1s), 200'000u);
}

TEST_F(RateFollowerTest, UpSlowlyToWhatIsConfigured) {
    rate.carried(400'000);
    EXPECT_EQ(pass(10ms).size(), 1u);
    rate.carried(0); // the slow viewer has left
    const auto began = now;
    const auto changes = pass(60s);
    ASSERT_FALSE(changes.empty());
    uint64_t before = 400'000;
    auto at = began - 10ms;
    for (const auto& change : changes) {
        EXPECT_GE(change.at - at, 500ms);
        EXPECT_GT(change.rate, before);
        EXPECT_LE(change.rate, before * 111 / 100) << "at most a tenth";
        before = change.rate;
        at = change.at;
    }
    EXPECT_EQ(before, 2'000'000u);
    EXPECT_GT(at - began, 15s);
    EXPECT_LT(at - began, 20s);
    EXPECT_FALSE(rate.next()) << "no timer for nothing";
}

TEST_F(RateFollowerTest, AfterALongTimeUpIsNoJump) {
    rate.carried(400'000);
    pass(60s);
    rate.carried(2'000'000);
    EXPECT_LE(rate.step(now).value(), 440'000u);
}

// An estimate only grows to 1.5 times what is sent; what is reported has a margin of a fifth and headers taken off.
TEST_F(RateFollowerTest, AnEstimateThatNeedsProofIsClimbedWith) {
    rate.carried(300'000);
    pass(2s);
    double estimate = 300'000 * 1.06 * 1.2;
    for (int i = 0; i < 4 * 60; i++) {
        estimate = std::min(estimate * 1.0194, static_cast<double>(rate.rate()) * 1.06 * 1.5); // 8 % a second
        rate.carried(static_cast<uint64_t>(estimate / 1.06 / 1.2));
        pass(250ms);
    }
    EXPECT_EQ(rate.rate(), 2'000'000u);
}

} // namespace
} // namespace sluice
