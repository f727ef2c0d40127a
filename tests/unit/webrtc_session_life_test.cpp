// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/session_life.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr uint64_t s = 1'000'000'000, start = 500 * s;

TEST(SessionLife, GoesFromConnectingToStreamingToClosed) {
    SessionLife life(start, 0);
    EXPECT_STREQ(life.state_name(), "connecting");
    EXPECT_FALSE(life.connected_after());
    EXPECT_TRUE(life.connected(start + s / 10));
    EXPECT_STREQ(life.state_name(), "streaming");
    EXPECT_EQ(life.connected_after(), s / 10);
    EXPECT_TRUE(life.close("the viewer has left"));
    EXPECT_STREQ(life.state_name(), "closed");
    EXPECT_EQ(life.reason(), "the viewer has left");
}

TEST(SessionLife, ConnectsOnce) {
    SessionLife life(start, 0);
    EXPECT_TRUE(life.connected(start + s));
    EXPECT_FALSE(life.connected(start + 2 * s));
    EXPECT_EQ(life.connected_after(), s);
}

TEST(SessionLife, NeverConnectsAfterItWasClosed) {
    SessionLife life(start, 0);
    EXPECT_TRUE(life.close("refused"));
    EXPECT_FALSE(life.connected(start + s));
    EXPECT_EQ(life.state(), SessionLife::State::closed);
}

TEST(SessionLife, KeepsTheFirstReason) {
    SessionLife life(start, 0);
    EXPECT_TRUE(life.close("first"));
    EXPECT_FALSE(life.close("second"));
    EXPECT_EQ(life.reason(), "first");
}

TEST(SessionLife, ConnectingEndsAtItsLimit) {
    SessionLife life(start, 0);
    EXPECT_FALSE(life.overdue(start + SessionLife::connect_limit_ns - 1, 0));
    EXPECT_EQ(life.overdue(start + SessionLife::connect_limit_ns, 0), "not connected within 30 s");
}

TEST(SessionLife, SilenceEndsAStreamingSessionAndAnyReportPutsItOff) {
    SessionLife life(start, 0);
    life.connected(start + s);
    EXPECT_FALSE(life.overdue(start + s + SessionLife::silence_limit_ns - 1, 0));
    EXPECT_EQ(life.overdue(start + s + SessionLife::silence_limit_ns, 0), "nothing was heard of the viewer for 30 s");
    life.heard(start + 20 * s);
    EXPECT_FALSE(life.overdue(start + 20 * s + SessionLife::silence_limit_ns - 1, 0));
    EXPECT_TRUE(life.overdue(start + 20 * s + SessionLife::silence_limit_ns, 0));
}

TEST(SessionLife, ThePermissionEndsConnectingAndStreamingAlike) {
    SessionLife life(start, 1'700'000'000);
    EXPECT_FALSE(life.overdue(start, 1'699'999'999));
    EXPECT_EQ(life.overdue(start, 1'700'000'000), "the permission has expired");
    life.connected(start);
    EXPECT_EQ(life.overdue(start, 1'700'000'001), "the permission has expired");
}

TEST(SessionLife, APermissionWithoutEndNeverEnds) {
    SessionLife life(start, 0);
    life.connected(start);
    EXPECT_FALSE(life.overdue(start, INT64_MAX));
}

TEST(SessionLife, AClosedSessionIsNotOverdue) {
    SessionLife life(start, 1);
    life.close("done");
    EXPECT_FALSE(life.overdue(start + 1000 * s, 2));
}

} // namespace
} // namespace sluice
