// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/clock_watch.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Look = ClockWatch::Look;

constexpr const char* still = "the camera's timestamps do not advance as pictures come; times are mended";
constexpr const char* jumped = "the camera's clock has jumped; times are mended";

struct Clock : testing::Test {
    ClockWatch watch;
    ClockWatch::Time now{1000s};
    Look seen{.units = 1, .clamped = 0, .jumps = 0, .connection = 1, .rtp = RtpTime{4'294'900'000u, 90000}};

    void SetUp() override { watch.look(now, seen); }
    // 15 pictures a second.
    std::string after(std::chrono::milliseconds passed, double rtp_seconds, uint64_t clamped = 0, uint64_t jumps = 0) {
        now += passed;
        seen.units += static_cast<uint64_t>(passed.count()) * 15 / 1000;
        seen.clamped += clamped;
        seen.jumps += jumps;
        if (seen.rtp)
            seen.rtp->timestamp += static_cast<uint32_t>(static_cast<int64_t>(rtp_seconds * 90000));
        watch.look(now, seen);
        return watch.trouble(now);
    }
};

TEST_F(Clock, ThatAdvancesIsInOrder) {
    EXPECT_EQ(after(3s, 3.0), ""); // wraps
    EXPECT_EQ(after(3s, 2.9, 5), "");
    EXPECT_EQ(after(3s, 6.0), "");
}

TEST_F(Clock, ThatStandsStillIsToldUntilLongAfter) {
    EXPECT_EQ(after(3s, 1.6), "") << "stood still for less than half of the time";
    EXPECT_EQ(after(3s, 0.0), still);
    EXPECT_EQ(after(3s, 3.0), still);
    EXPECT_EQ(after(7s, 7.0), "");
}

TEST_F(Clock, ThatTheChannelMendsIsTold) {
    seen.rtp.reset();
    EXPECT_EQ(after(3s, 0, 22), "");
    EXPECT_EQ(after(3s, 0, 23), still);
}

TEST_F(Clock, ThatJumpsIsTold) {
    EXPECT_EQ(after(100ms, 3600.0, 0, 1), jumped);
    EXPECT_EQ(after(3s, 3.0, 40), still) << "the newest";
}

TEST_F(Clock, OfAnotherConnectionIsAnotherClock) {
    seen.connection = 2;
    EXPECT_EQ(after(3s, 0.1), "");
    EXPECT_EQ(after(3s, 0.1), still);
}

TEST_F(Clock, SetBackIsNoClockThatStandsStill) { EXPECT_EQ(after(3s, -100.0), ""); }

TEST_F(Clock, FewPicturesSayNothingButCount) {
    for (int i = 0; i < 7; ++i) // looks that come close together
        EXPECT_EQ(after(500ms, 0.0), i < 1 ? "" : still) << i;
}

TEST_F(Clock, WithoutARateSaysNothing) {
    seen.rtp->clock_rate = 0;
    EXPECT_EQ(after(3s, 0.0), "");
    EXPECT_EQ(after(3s, 0.0), "");
}

} // namespace
} // namespace sluice
