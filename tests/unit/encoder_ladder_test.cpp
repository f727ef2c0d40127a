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

TEST(EncoderLadder, OneLostProcessIsNoProofTheSecondWithinAMinuteIs) {
    EncoderLadder ladder = three();
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "SIGSEGV", 10s));
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "SIGSEGV", 71s)) << "more than a minute later";
    EXPECT_EQ(name_of(ladder.current(71s)), "gpu");
    EXPECT_TRUE(ladder.rungs()[0].reason.empty());
    EXPECT_TRUE(ladder.lost("gpu", "b/web", "SIGBUS", 131s)) << "whichever stream it was";
    EXPECT_EQ(ladder.rungs()[0].reason, "SIGBUS");
    EXPECT_EQ(name_of(ladder.current(131s)), "igpu");
    EXPECT_EQ(name_of(ladder.current(131s + EncoderLadder::hardware_back_off)), "gpu") << "the same way back up";
}

TEST(EncoderLadder, EachEncoderIsSuspectedOnItsOwn) {
    EncoderLadder ladder = three();
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "x", 10s));
    EXPECT_FALSE(ladder.lost("igpu", "a/web", "x", 11s));
    EXPECT_EQ(name_of(ladder.current(11s)), "gpu");
    EXPECT_FALSE(ladder.lost("unknown", "a/web", "x", 12s));
}

TEST(EncoderLadder, WhatHasNotWorkedSinceItFailedNeedsNoSecondProof) {
    EncoderLadder ladder = three();
    ladder.failed("gpu", "reset", 10s);
    EXPECT_TRUE(ladder.lost("gpu", "a/web", "x", 11s)) << "one that was begun before";
    EXPECT_EQ(ladder.rungs()[0].failures, 1u) << "it is off already";
    EXPECT_TRUE(ladder.lost("gpu", "a/web", "x", 40s));
    EXPECT_EQ(ladder.rungs()[0].failures, 2u);
    EXPECT_EQ(name_of(ladder.current(99s)), "igpu") << "later each time";
    ladder.worked("gpu", 100s);
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "x", 200s));
}

TEST(EncoderLadder, SoftwareIsNotBlamedForALostProcess) {
    EncoderLadder ladder({profile("cpu", false), profile("other", false)});
    for (Time now = 10s; now < 20s; now += 1s)
        EXPECT_FALSE(ladder.lost("cpu", "a/web", "SIGKILL", now));
    EXPECT_EQ(name_of(ladder.current(20s)), "cpu");
}

TEST(EncoderLadder, AStreamThatIsLostWithSoftwareTooIsTheCause) {
    EncoderLadder ladder = three();
    EXPECT_FALSE(ladder.lost("cpu", "bad/web", "x", 10s));
    for (Time now = 11s; now <= 10s + EncoderLadder::distrust; now += 10s)
        EXPECT_FALSE(ladder.lost("gpu", "bad/web", "x", now));
    EXPECT_EQ(name_of(ladder.current(12s)), "gpu") << "others need not go without it";
    EXPECT_FALSE(ladder.lost("gpu", "good/web", "x", 20s)) << "those of the other one were not counted";
    EXPECT_TRUE(ladder.lost("gpu", "good/web", "x", 21s)) << "of other streams nothing is known";
    ladder.worked("gpu", 60s);
    const Time later = 20s + EncoderLadder::distrust;
    EXPECT_FALSE(ladder.lost("gpu", "bad/web", "x", later));
    EXPECT_TRUE(ladder.lost("gpu", "bad/web", "x", later)) << "not for ever";
}

TEST(EncoderLadder, TheLastEncoderIsNotLostBySuspicion) {
    EncoderLadder ladder({profile("gpu", true), profile("cpu", false)});
    ladder.failed("cpu", "no memory", 10s);
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "x", 10s));
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "x", 10s));
    EXPECT_EQ(name_of(ladder.current(10s)), "gpu");
    EXPECT_TRUE(ladder.lost("gpu", "a/web", "x", 11s)) << "there is another one now";
    EXPECT_EQ(name_of(ladder.current(11s)), "cpu");
}

TEST(EncoderLadder, WhatWorksInALaterTrialIsBackOnItsRung) {
    EncoderLadder ladder = three();
    EXPECT_FALSE(ladder.restore("none"));
    EXPECT_FALSE(ladder.restore("gpu")) << "it was never away";
    ladder.failed("gpu", "reset", 10s);
    ladder.remove("gpu", "too many sessions");
    EXPECT_FALSE(ladder.lost("gpu", "a/web", "x", 11s)) << "one that was begun before";
    EXPECT_TRUE(ladder.restore("gpu"));
    EXPECT_EQ(name_of(ladder.current(11s)), "gpu") << "as if it had never failed";
    EXPECT_TRUE(ladder.rungs()[0].reason.empty());
    EXPECT_FALSE(ladder.restore("gpu"));
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
