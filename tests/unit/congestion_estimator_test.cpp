// SPDX-License-Identifier: LGPL-2.1-or-later
// What the estimate does on paths as they are: simulated packet by packet, with several reports' cadences and seeds.
#include "plugins/webrtc/congestion/least_round_trip.hpp"
#include "tests/support/congestion_rig.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using test::CongestionRig;
using test::RigSettings;
using test::SimPath;

struct Case {
    unsigned feedback_ms, seed;
};

class Estimate : public testing::TestWithParam<Case> {
protected:
    RigSettings settings(const SimPath& path) const {
        RigSettings s;
        s.path = path;
        s.seed = GetParam().seed;
        s.feedback_ms = GetParam().feedback_ms;
        return s;
    }
};

INSTANTIATE_TEST_SUITE_P(Cadence, Estimate,
                         testing::Values(Case{0, 1}, Case{50, 2}, Case{100, 3}, Case{100, 4}, Case{100, 5},
                                         Case{250, 6}, Case{250, 7}),
                         [](const auto& i) {
                             return std::to_string(i.param.feedback_ms) + "ms_seed" + std::to_string(i.param.seed);
                         });

double follow(const PathState& s) { return s.estimate ? std::min(4e6, static_cast<double>(s.estimate)) : 0.5e6; }

TEST_P(Estimate, LossAndJitterOfARadioLinkAreNoCongestion) {
    CongestionRig rig(settings(test::flaky_path()));
    rig.run(2);
    rig.probe(1.5e6, 40 * GST_MSECOND);
    rig.run(1);
    rig.probe(1.5e6, 40 * GST_MSECOND);
    rig.run(297);
    rig.print("flaky, 0.5 Mbit/s sent", 10);
    EXPECT_GE(rig.least(5, 300), 0.7e6);
    EXPECT_LE(rig.most(5, 300), 2.2e6);
}

TEST_P(Estimate, ARadioLinkIsUsed) {
    CongestionRig rig(settings(test::flaky_path()));
    rig.source = follow;
    rig.run(120);
    rig.print("flaky, as much sent as estimated", 3);
    EXPECT_GE(rig.median(20, 120), 1.4e6);
    EXPECT_LE(rig.median(20, 120), 2.0e6);
    EXPECT_GE(rig.least(20, 120), 0.9e6);
}

TEST_P(Estimate, ADropIsSeenWithinASecond) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 20}));
    rig.source = [](const PathState&) { return 4e6; };
    rig.run(10);
    EXPECT_GE(rig.state().estimate, 4e6);
    rig.link().set({.rate = 0.8e6, .delay_ms = 20});
    rig.run(5);
    rig.print("6 -> 0.8 Mbit/s at 10 s with 4 Mbit/s sent", 0.25);
    EXPECT_TRUE(rig.state().overuse);
    EXPECT_GE(rig.state().queue_delay, 200 * GST_MSECOND);
    EXPECT_LE(rig.state().queue_delay, 400 * GST_MSECOND);
    const double seen = rig.first(10, 0, 1.2e6);
    EXPECT_GE(seen, 10);
    EXPECT_LE(seen, 11);
    EXPECT_LE(rig.most(11, 15), 1.2e6);
    EXPECT_GE(rig.least(10, 15), 0.4e6);
}

TEST_P(Estimate, NothingSentProvesNothing) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 20}));
    rig.run(3);
    EXPECT_LE(rig.most(0, 3), 1.5 * 0.8e6);
    rig.probe(5e6, 30 * GST_MSECOND);
    rig.run(1);
    const double shown = static_cast<double>(rig.state().estimate);
    EXPECT_GE(shown, 4e6);
    EXPECT_LE(shown, 5.5e6);
    rig.run(120);
    rig.print("6 Mbit/s, 0.5 sent, one probe of 5", 10);
    EXPECT_EQ(rig.least(4, 124), shown);
    EXPECT_EQ(rig.most(4, 124), shown);
}

TEST_P(Estimate, AnOutageIsNoCongestion) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 60, .jitter_ms = 5, .loss = 0.01, .burst = 2}));
    rig.source = [](const PathState&) { return 4e6; };
    rig.run(10);
    const double before = static_cast<double>(rig.state().estimate);
    SimPath hole = rig.link().path();
    const SimPath open = hole;
    hole.hole = true;
    rig.link().set(hole);
    rig.run(3);
    EXPECT_LE(rig.state().estimate, before / 3);
    rig.link().set(open);
    rig.run(5);
    rig.print("3 s without a packet from 10 s on", 0.25);
    const double again = rig.first(13, 0.9 * before, 1e12);
    EXPECT_GE(again, 13);
    EXPECT_LE(again, 14.2);
}

// Main at 4 Mbit/s fits, and a swing of the jitter during a key frame is no reason to leave it.
TEST_P(Estimate, AWideRadioLinkStaysWide) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 60, .jitter_ms = 20, .loss = 0.03, .burst = 4}));
    rig.run(1);
    for (int i = 0; i < 2; ++i) {
        rig.probe(5e6, 60 * GST_MSECOND);
        rig.run(0.4);
    }
    rig.source = [](const PathState&) { return 4e6; };
    rig.run(60);
    rig.print("6 Mbit/s with the jitter and loss of flaky, 4 sent", 5);
    EXPECT_GE(rig.least(10, 60), 3.3e6);
    EXPECT_GE(rig.median(10, 60), 4.4e6);
}

TEST_P(Estimate, KeyFramesAreNoCongestion) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 20, .jitter_ms = 2}));
    rig.source = [](const PathState&) { return 4e6; };
    rig.run(120);
    rig.print("6 Mbit/s, 4 sent", 5);
    EXPECT_GE(rig.least(10, 120), 4.4e6);
    EXPECT_LE(rig.most(10, 120), 8e6);
}

TEST_P(Estimate, WhatIsRememberedAndWrongIsUnlearntAtOnce) {
    RigSettings s = settings({.rate = 0.8e6, .delay_ms = 30});
    s.start = 6'000'000;
    CongestionRig rig(s);
    EXPECT_EQ(rig.state().estimate, 6'000'000u);
    rig.source = [](const PathState& state) { return state.estimate > 4.4e6 ? 4e6 : 0.5e6; };
    rig.run(10);
    rig.print("0.8 Mbit/s, remembered 6", 0.25);
    EXPECT_LE(rig.most(1, 10), 1.2e6);
    EXPECT_GE(rig.least(0, 10), 0.4e6);
}

TEST_P(Estimate, ARiseIsFoundByAProbe) {
    CongestionRig rig(settings({.rate = 0.8e6, .delay_ms = 40, .jitter_ms = 3}));
    rig.run(10);
    rig.link().set({.rate = 6e6, .delay_ms = 40, .jitter_ms = 3});
    rig.run(10);
    EXPECT_LE(rig.most(0, 20), 1.2e6);
    for (int i = 0; i < 2; ++i) {
        rig.probe(5e6, 30 * GST_MSECOND);
        rig.run(0.5);
    }
    rig.run(10);
    EXPECT_GE(rig.state().estimate, 4e6);
    EXPECT_LE(rig.state().estimate, 6e6);
    EXPECT_GE(rig.state().probed, 4e6);
}

TEST_P(Estimate, AProbeThatDoesNotFitFindsWhatFits) {
    CongestionRig rig(settings({.rate = 2e6, .delay_ms = 40}));
    rig.run(5);
    rig.probe(6e6, 40 * GST_MSECOND);
    rig.run(1);
    EXPECT_GE(rig.state().estimate, 1.6e6);
    EXPECT_LE(rig.state().estimate, 2.1e6);
    rig.run(20);
    EXPECT_GE(rig.least(6, 26), 1.6e6);
}

// Each makes a queue of its own for a moment.
TEST_P(Estimate, ProbesAreNoCongestion) {
    CongestionRig rig(settings({.rate = 0.9e6, .queue_ms = 600, .delay_ms = 40}));
    rig.source = [](const PathState&) { return 0.6e6; };
    rig.run(5);
    bool over = false;
    for (int i = 0; i < 20; ++i) {
        rig.probe(2.5e6, 40 * GST_MSECOND);
        for (int j = 0; j < 20; ++j) {
            rig.run(0.1);
            over |= rig.state().overuse;
        }
    }
    rig.print("0.9 Mbit/s, 0.6 sent, probes of 2.5", 2);
    EXPECT_FALSE(over);
    EXPECT_GE(rig.least(6, 45), 0.7e6);
    EXPECT_LE(rig.most(6, 45), 1e6);
}

// What a start burst shows: 400 kB of cached pictures, while nothing is known.
TEST_P(Estimate, TheStartBurstIsAProbe) {
    CongestionRig rig(settings(test::flaky_path()));
    rig.source = [](const PathState&) { return 0.4e6; };
    rig.probe(2.5e6, 300 * GST_MSECOND);
    rig.run(1.2);
    EXPECT_GE(rig.first(0, 1.2e6, 2.6e6), 0);
    EXPECT_LE(rig.first(0, 1.2e6, 2.6e6), 1.0);
    EXPECT_LE(rig.state().estimate, 2.6e6);
}

TEST_P(Estimate, APolicerShowsInLossAlone) {
    CongestionRig rig(settings({.rate = 2e6, .queue_ms = 8, .delay_ms = 30}));
    rig.source = [](const PathState&) { return 4e6; };
    rig.run(20);
    rig.print("2 Mbit/s without a queue, 4 sent", 1);
    EXPECT_LE(rig.most(5, 20), 2.4e6);
    EXPECT_GE(rig.least(5, 20), 1.4e6);
}

TEST_P(Estimate, MuchLossAtAnyRateIsNoCongestion) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 30, .jitter_ms = 10, .loss = 0.08, .burst = 3}));
    rig.run(2);
    rig.probe(3e6, 150 * GST_MSECOND);
    rig.run(1);
    rig.probe(3e6, 150 * GST_MSECOND);
    rig.run(117);
    rig.print("8 % loss, 0.5 sent", 10);
    EXPECT_GE(rig.least(10, 120), 1.5e6);
}

TEST_P(Estimate, AnotherRouteIsNoQueue) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 20, .jitter_ms = 2}));
    rig.source = follow;
    rig.run(20);
    rig.link().set({.rate = 6e6, .delay_ms = 170, .jitter_ms = 2});
    rig.run(30);
    rig.print("150 ms more delay from 20 s on", 1);
    // A step looks like a queue until less has been sent for a while. Probes would be back sooner.
    EXPECT_GE(rig.least(20, 50), 0.6e6);
    EXPECT_GE(rig.state().estimate, 3e6);
    EXPECT_LE(rig.state().queue_delay, 50 * GST_MSECOND);
}

// The same, and the new one loses a little, which the old one did not.
TEST_P(Estimate, AnotherRouteThatLosesALittleIsNoQueue) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 20, .jitter_ms = 2}));
    rig.source = follow;
    rig.run(30);
    rig.link().set({.rate = 6e6, .delay_ms = 170, .jitter_ms = 2, .loss = 0.03});
    rig.run(60);
    rig.print("150 ms more delay and 3 % loss from 30 s on", 3);
    EXPECT_GE(rig.median(60, 90), 2e6);
    EXPECT_LE(rig.state().queue_delay, 60 * GST_MSECOND);
    EXPECT_FALSE(rig.state().overuse);
}

// Somebody else of the network has a much shorter way, and this one loses packets: that is no queue, or not for long.
TEST_P(Estimate, ALongerWayThanThatOfOthersIsNoQueue) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 75, .jitter_ms = 5, .loss = 0.06}));
    rig.source = follow;
    rig.estimator().set_least_rtt(15 * GST_MSECOND);
    rig.run(90);
    rig.print("round trip of 150 ms where others have 15, 6 % loss", 3);
    EXPECT_GE(rig.median(30, 90), 1e6);
    EXPECT_GE(rig.least(30, 90), 0.4e6);
}

// Of ten thousand round trips one takes a quarter of the time of most. That the others are longer is no queue.
TEST_P(Estimate, AShortRoundTripByChanceShowsNoQueue) {
    RigSettings s = settings(test::flaky_path());
    s.feedback_jitter_ms = 20;
    CongestionRig rig(s);
    LeastRoundTrip network;
    rig.each_feedback = [&](const auto&, GstClockTime now) {
        if (const GstClockTime rtt = rig.state().usual_rtt)
            rig.estimator().set_least_rtt(network.of_all(rtt, now));
    };
    rig.run(600);
    EXPECT_GE(rig.least(10, 600), 0.8e6);
}

TEST_P(Estimate, OthersTakeTheirShare) {
    CongestionRig rig(settings({.rate = 4e6, .delay_ms = 30, .jitter_ms = 2}));
    rig.source = follow;
    rig.run(20);
    EXPECT_GE(rig.median(10, 20), 3e6);
    rig.link().set({.rate = 4e6, .delay_ms = 30, .jitter_ms = 2, .cross = 2.5e6});
    rig.run(30);
    rig.print("4 Mbit/s, others take 2.5 from 20 s on", 1);
    EXPECT_GE(rig.median(30, 50), 1e6);
    EXPECT_LE(rig.median(30, 50), 2.1e6);
}

TEST_P(Estimate, BadReportsChangeNothing) {
    RigSettings s = settings(test::flaky_path());
    s.feedback_loss = 0.1;
    s.drift = 1e-4;
    CongestionRig rig(s);
    rig.duplicate_feedback = true;
    rig.source = follow;
    rig.run(60);
    EXPECT_GE(rig.median(20, 60), 1.3e6);
    EXPECT_LE(rig.median(20, 60), 2.0e6);
    s.drift = -1e-4;
    CongestionRig slow(s);
    slow.source = follow;
    slow.run(60);
    EXPECT_GE(slow.median(20, 60), 1.3e6);
    EXPECT_LE(slow.median(20, 60), 2.0e6);
}

TEST_P(Estimate, APauseIsNoOutage) {
    CongestionRig rig(settings({.rate = 6e6, .delay_ms = 30}));
    double rate = 2e6;
    rig.source = [&rate](const PathState&) { return rate; };
    rig.run(5);
    const uint64_t before = rig.state().estimate;
    rate = 0;
    rig.run(30);
    EXPECT_EQ(rig.state().estimate, before);
    EXPECT_EQ(rig.state().received, 0u);
    EXPECT_FALSE(rig.state().overuse);
    rate = 2e6;
    rig.run(0.5);
    EXPECT_GE(rig.least(35, 35.5), static_cast<double>(before));
}

TEST_P(Estimate, PacketsThatWaitedOutAHoleAreNoCongestion) {
    const SimPath open{.rate = 6e6, .queue_ms = 200, .delay_ms = 30};
    CongestionRig rig(settings(open));
    rig.source = [](const PathState&) { return 2e6; };
    rig.run(10);
    const double before = static_cast<double>(rig.state().estimate);
    rig.link().stop();
    rig.run(3);
    rig.link().set(open);
    rig.run(4);
    rig.print("3 s of standstill from 10 s on", 0.25);
    EXPECT_GE(rig.first(13.05, 0.8 * before, 1e12), 0);
    EXPECT_LE(rig.first(13.05, 0.8 * before, 1e12), 14.5);
}

TEST_P(Estimate, WithoutFeedbackReceiverReportsServe) {
    CongestionRig rig(settings({.rate = 2e6, .delay_ms = 30}));
    rig.reports_only = true;
    double rate = 1e6;
    rig.source = [&rate](const PathState&) { return rate; };
    rig.run(2);
    EXPECT_TRUE(rig.state().feedback); // not yet known
    rig.run(28);
    EXPECT_FALSE(rig.state().feedback);
    EXPECT_GE(rig.state().estimate, 0.9e6);
    EXPECT_LE(rig.state().estimate, 1.7e6);
    rate = 4e6;
    rig.run(10);
    rig.print("receiver reports only: 1, then 4 Mbit/s sent on 2", 2);
    EXPECT_LE(rig.state().estimate, 2.5e6);
    EXPECT_GE(rig.state().estimate, 1.0e6);
}

TEST_P(Estimate, ViewersShare) {
    const auto link = std::make_shared<test::SimLink>(
        SimPath{.rate = 6e6, .queue_ms = 200, .delay_ms = 25, .loss = 0.005}, GetParam().seed);
    link->advance(CongestionRig::begin);
    std::vector<std::unique_ptr<CongestionRig>> rigs;
    for (unsigned i = 0; i < 4; ++i) {
        RigSettings s = settings(link->path());
        s.seed += i;
        s.flow = i;
        rigs.push_back(std::make_unique<CongestionRig>(s, link));
        rigs[i]->source = follow;
    }
    CongestionRig::run_together(rigs, 120);
    double least = 1e12, most = 0, sum = 0;
    for (auto& rig : rigs) {
        const double m = rig->median(60, 120);
        std::printf("%.0f ", m / 1e3);
        least = std::min(least, m);
        most = std::max(most, m);
        sum += m;
    }
    std::printf("kbit/s of 6000\n");
    EXPECT_LE(most, 2.2 * least);
    EXPECT_GE(sum, 3.5e6);
    EXPECT_LE(sum, 7e6);
}

} // namespace
} // namespace sluice
