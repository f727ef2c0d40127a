// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/encoder_ladder.hpp"

#include <gtest/gtest.h>

using namespace sluice::hw;
using namespace std::chrono_literals;
using Time = EncoderLadder::Time;

namespace {

EncoderProfile profile(const std::string& name, bool hardware) {
    EncoderProfile out;
    out.name = name;
    out.hardware = hardware;
    return out;
}

EncoderLadder three() { return EncoderLadder({profile("gpu", true), profile("igpu", true), profile("cpu", false)}); }

std::string name_of(const EncoderProfile* found) { return found ? found->name : ""; }

TEST(EncoderLadder, TheFirstRungFirst) {
    const EncoderLadder ladder = three();
    EXPECT_EQ(name_of(ladder.current(0s)), "gpu");
    EXPECT_EQ(ladder.next_try(5s), Time(5s));
}

TEST(EncoderLadder, AFailureCostsOneRung) {
    EncoderLadder ladder = three();
    EXPECT_EQ(name_of(ladder.failed("gpu", "driver reset", 10s)), "igpu");
    EXPECT_EQ(ladder.rungs()[0].reason, "driver reset");
    EXPECT_EQ(name_of(ladder.failed("igpu", "too many sessions", 11s)), "cpu");
    EXPECT_EQ(name_of(ladder.current(12s)), "cpu");
}

TEST(EncoderLadder, WhatWasRemovedStaysAway) {
    EncoderLadder ladder = three();
    EXPECT_FALSE(ladder.remove("none", "x"));
    EXPECT_TRUE(ladder.remove("gpu", "it makes garbage"));
    EXPECT_FALSE(ladder.remove("gpu", "again"));
    EXPECT_EQ(ladder.rungs()[0].reason, "it makes garbage");
    EXPECT_EQ(name_of(ladder.current(1h)), "igpu");
    ladder.worked("gpu", 1h); // one that was begun before
    EXPECT_EQ(name_of(ladder.failed("gpu", "late", 1h)), "igpu");
    EXPECT_EQ(ladder.rungs()[0].reason, "it makes garbage");
    ladder.failed("igpu", "x", 1h);
    ladder.failed("cpu", "x", 1h);
    EXPECT_EQ(ladder.next_try(1h), Time(1h + EncoderLadder::software_back_off));
    ladder.remove("igpu", "x");
    ladder.remove("cpu", "x");
    EXPECT_EQ(ladder.current(100h), nullptr);
    EXPECT_EQ(ladder.next_try(100h), Time::max());
}

TEST(EncoderLadder, ARungIsTriedAgainLaterEachTime) {
    EncoderLadder ladder = three();
    Time now = 10s;
    for (const Time expected : {Time(30s), Time(60s), Time(120s), Time(240s), Time(480s), Time(600s), Time(600s)}) {
        ladder.failed("gpu", "again", now);
        EXPECT_EQ(name_of(ladder.current(now + expected - 1ms)), "igpu");
        EXPECT_EQ(name_of(ladder.current(now + expected)), "gpu");
        now += expected;
    }
}

TEST(EncoderLadder, TwoStreamsThatLoseOneDriverAreOneFailure) {
    EncoderLadder ladder = three();
    ladder.failed("gpu", "reset", 10s);
    ladder.failed("gpu", "reset", 11s);
    EXPECT_EQ(ladder.rungs()[0].failures, 1u);
    EXPECT_EQ(name_of(ladder.current(40s)), "gpu");
}

TEST(EncoderLadder, WhoWorksIsTrustedAgain) {
    EncoderLadder ladder = three();
    ladder.failed("gpu", "reset", 10s);
    ladder.failed("gpu", "reset", 40s);
    ladder.worked("gpu", 100s);
    EXPECT_EQ(ladder.rungs()[0].failures, 0u);
    EXPECT_TRUE(ladder.rungs()[0].reason.empty());
    EXPECT_EQ(name_of(ladder.failed("gpu", "reset", 200s)), "igpu");
    EXPECT_EQ(name_of(ladder.current(230s)), "gpu") << "the back-off begins anew";
}

TEST(EncoderLadder, ARunFromBeforeTheFailureProvesNothing) {
    EncoderLadder ladder = three();
    ladder.failed("gpu", "too many sessions", 10s);
    ladder.worked("gpu", 5s);
    EXPECT_EQ(name_of(ladder.current(11s)), "igpu");
}

TEST(EncoderLadder, SoftwareGetsItsNextChanceSoon) {
    EncoderLadder ladder({profile("cpu", false)});
    EXPECT_EQ(ladder.failed("cpu", "no memory", 10s), nullptr);
    EXPECT_EQ(ladder.next_try(10s), Time(11s));
    EXPECT_EQ(name_of(ladder.current(11s)), "cpu");
}

TEST(EncoderLadder, NothingToClimb) {
    EncoderLadder ladder({});
    EXPECT_EQ(ladder.current(0s), nullptr);
    EXPECT_EQ(ladder.next_try(7s), Time(7s));
    EXPECT_EQ(name_of(three().failed("unknown", "x", 1s)), "gpu");
}

} // namespace
