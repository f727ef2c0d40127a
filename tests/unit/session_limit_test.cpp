// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/session_limit.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace std::chrono_literals;

TEST(SessionLimit, TwoEndsAtTheSameAgeAreALimit) {
    SessionLimit limit;
    limit.ended(60s);
    EXPECT_FALSE(limit.keep_alive()) << "once is chance";
    limit.ended(63s);
    EXPECT_EQ(limit.keep_alive(), 21s);
}

TEST(SessionLimit, EndsAtDifferentAgesAreNone) {
    SessionLimit limit;
    for (const auto age : {20s, 60s, 35s, 90s})
        limit.ended(age);
    EXPECT_FALSE(limit.keep_alive());
}

TEST(SessionLimit, ReasonsOfAnotherKindBreakTheRow) {
    SessionLimit limit;
    limit.ended(60s);
    limit.failed();
    limit.ended(60s);
    EXPECT_FALSE(limit.keep_alive());
}

TEST(SessionLimit, FlickerAndLongSessionsAreNone) {
    SessionLimit limit;
    for (int i = 0; i < 3; i++)
        limit.ended(2s);
    for (int i = 0; i < 3; i++)
        limit.ended(1h);
    EXPECT_FALSE(limit.keep_alive());
}
