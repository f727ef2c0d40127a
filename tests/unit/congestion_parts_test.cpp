// SPDX-License-Identifier: LGPL-2.1-or-later
// The small parts of the estimate, each by itself.
#include "plugins/webrtc/congestion/loss_estimator.hpp"
#include "plugins/webrtc/congestion/packet_groups.hpp"
#include "plugins/webrtc/congestion/packet_ledger.hpp"
#include "plugins/webrtc/congestion/probe_estimator.hpp"
#include "plugins/webrtc/congestion/queue_delay.hpp"
#include "plugins/webrtc/congestion/rate_control.hpp"
#include "plugins/webrtc/congestion/rate_window.hpp"
#include "plugins/webrtc/congestion/report_estimator.hpp"
#include "plugins/webrtc/congestion/trendline.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

constexpr GstClockTime ms = GST_MSECOND;
constexpr GstClockTime t0 = 1000 * GST_SECOND;
using News = PacketLedger::News;

TEST(PacketLedger, EachPacketCountsOnce) {
    PacketLedger ledger;
    EXPECT_EQ(ledger.add(100, false), News::arrived);
    EXPECT_EQ(ledger.add(100, false), News::none);
    EXPECT_EQ(ledger.add(100, true), News::none);
    EXPECT_EQ(ledger.add(101, true), News::lost);
    EXPECT_EQ(ledger.add(102, true), News::lost_in_row);
    EXPECT_EQ(ledger.add(102, true), News::none);
    EXPECT_EQ(ledger.add(102, false), News::arrived_after_all);
    EXPECT_EQ(ledger.add(102, false), News::none);
    EXPECT_EQ(ledger.add(99, false), News::arrived); // before the first
}

TEST(PacketLedger, WhatIsFarBehindIsOld) {
    PacketLedger ledger;
    ledger.add(100'000, false);
    EXPECT_EQ(ledger.add(100'000 - PacketLedger::size, false), News::none);
    EXPECT_EQ(ledger.add(100'001 - PacketLedger::size, false), News::arrived);
    EXPECT_EQ(ledger.add(UINT64_MAX / 2, true), News::lost);
    EXPECT_EQ(ledger.add(100'001, false), News::none);
}

TEST(RateWindow, IsTheRateHoweverPacketsCome) {
    for (const GstClockTime gap : {2 * ms, 10 * ms, 25 * ms}) {
        RateWindow window;
        for (GstClockTime t = 0; t < 2000 * ms; t += gap)
            window.add(t0 + t, gap / ms * 125); // 1 Mbit/s
        EXPECT_NEAR(static_cast<double>(window.rate()), 1e6, 0.06e6) << gap / ms;
        EXPECT_NEAR(static_cast<double>(window.rate(250 * ms)), 1e6, 0.11e6) << gap / ms;
    }
}

TEST(RateWindow, WhatIsKnownNowAndThenIsSpread) {
    RateWindow window;
    for (GstClockTime t = 200 * ms; t < 2000 * ms; t += 200 * ms)
        window.add_spread(t0 + t - 200 * ms, t0 + t, 25'001); // 1 Mbit/s, and no byte is forgotten
    EXPECT_EQ(window.rate(200 * ms), 25'001u * 8 * 5);
    EXPECT_NEAR(static_cast<double>(window.rate()), 1e6, 0.01e6);
    window.add_spread(t0 + 1800 * ms, t0 + 1800 * ms, 1000);
    window.add_spread(t0 + 1900 * ms, t0 + 1800 * ms, 1000); // of a clock that was set
    EXPECT_EQ(window.rate(200 * ms), 27'001u * 8 * 5);
    window.add_spread(t0 + 8000 * ms, t0 + 10'000 * ms, 50'000); // most of them before the window
    EXPECT_EQ(window.rate(), 200'000u);
}

TEST(RateWindow, TooLittleIsUnknown) {
    RateWindow window;
    EXPECT_EQ(window.rate(), 0u);
    for (int i = 0; i < 10; ++i)
        window.add(t0 + i * 10 * ms, 1250);
    EXPECT_EQ(window.rate(), 0u);
    window.add(t0 + 200 * ms, 1250);
    EXPECT_GT(window.rate(), 0u);
    window.add(t0 + 3000 * ms, 1250); // a pause is no low rate
    EXPECT_EQ(window.rate(), 0u);
}

TEST(PacketGroups, GroupsByWhenTheyWereSent) {
    PacketGroups groups;
    PacketGroup done;
    EXPECT_FALSE(groups.add(t0, t0 + 50 * ms, done));
    EXPECT_FALSE(groups.add(t0 + 5 * ms, t0 + 57 * ms, done));
    EXPECT_FALSE(groups.add(t0 - 5 * ms, t0 + 58 * ms, done)); // late
    EXPECT_TRUE(groups.add(t0 + 20 * ms, t0 + 70 * ms, done));
    EXPECT_EQ(done.sent, t0);
    EXPECT_EQ(done.arrived, t0 + 57 * ms);
    EXPECT_DOUBLE_EQ(done.delay, 51);
}

// One group each 10 ms; returns how often the signal was `over`.
template <typename Delay> int overs(Trendline& line, int groups, Delay delay, int from = 0) {
    int n = 0;
    for (int i = 0; i < groups; ++i) {
        const double d = delay(i * 10);
        const GstClockTime sent = t0 + static_cast<GstClockTime>(from + i * 10) * ms;
        line.add({sent, sent + static_cast<GstClockTime>(d * 1e6), d});
        n += line.signal() == Trendline::Signal::over;
    }
    return n;
}

TEST(Trendline, ConstantDelayAndDriftAreNormal) {
    Trendline line;
    EXPECT_EQ(overs(line, 6000, [](int t) { return 50 + t * 1e-4; }), 0);
    Trendline other;
    EXPECT_EQ(overs(other, 6000, [](int t) { return 50 - t * 1e-4; }), 0);
}

TEST(Trendline, AQueueThatFillsIsSeen) {
    Trendline line;
    overs(line, 100, [](int) { return 50; });
    EXPECT_GT(overs(
                  line, 20, [](int t) { return 50 + t * 0.2; }, 1000),
              5);
    EXPECT_FALSE(line.steep());
    Trendline fast;
    overs(fast, 100, [](int) { return 50; });
    overs(
        fast, 10, [](int t) { return 50 + t * 4.0; }, 1000);
    EXPECT_TRUE(fast.steep());
}

TEST(Trendline, AQueueThatDrainsIsUnder) {
    Trendline line;
    overs(line, 100, [](int) { return 250; });
    EXPECT_EQ(overs(
                  line, 30, [](int t) { return 250 - t * 0.5; }, 1000),
              0);
    EXPECT_EQ(line.signal(), Trendline::Signal::under);
}

TEST(Trendline, LearnsHowMuchThePathJitters) {
    std::mt19937 random(5);
    std::normal_distribution<double> normal(0, 1);
    Trendline line;
    double x = 0;
    const auto jitter = [&](int) { // smooth, time scale 100 ms
        x = 0.9 * x + 0.43 * 20 * normal(random);
        return std::max(0.0, 100 + x);
    };
    const int first = overs(line, 100, jitter);
    const int later = overs(line, 6000, jitter, 1000);
    std::printf("over in %d of the first 100 groups, in %d of the next 6000; threshold %.0f ms\n", first, later,
                line.threshold());
    EXPECT_GT(line.threshold(), 30);
    EXPECT_LT(later, 6000 / 20);
    EXPECT_FALSE(line.steep());
}

struct QueueDelayTest : testing::Test {
    QueueDelay queue;
    GstClockTime t = t0;

    void feed(double delay_ms, int groups) {
        for (int i = 0; i < groups; ++i, t += 10 * ms)
            queue.add({t, t + static_cast<GstClockTime>(delay_ms * 1e6), delay_ms});
    }
};

TEST_F(QueueDelayTest, IsWhatIsAboveTheBest) {
    feed(500'000, 200); // the clocks' difference
    EXPECT_EQ(queue.now_ms(), 0);
    feed(500'100, 30);
    EXPECT_NEAR(queue.now_ms(), 100, 3);
    EXPECT_NEAR(queue.held_ms(), 100, 1);
    feed(500'100, 200);
    EXPECT_NEAR(queue.standing_ms(), 100, 3);
    feed(500'000, 12); // in order: the first of them catch up with those before
    EXPECT_LT(queue.held_ms(), 10);
    feed(500'100, 6000); // who shares the path may not see it empty for a minute
    EXPECT_GT(queue.standing_ms(), 90);
    feed(500'100, 15'000); // minutes: the path has become longer
    EXPECT_LT(queue.standing_ms(), 5);
    feed(400'000, 300); // the receiver's clock was set
    EXPECT_LT(queue.now_ms(), 5);
}

TEST_F(QueueDelayTest, WhatIsTakenForThePathsOwnDelayCanBeTakenBack) {
    feed(50, 200);
    EXPECT_FALSE(queue.rebased());
    feed(200, 300);
    queue.rebase();
    EXPECT_TRUE(queue.rebased());
    EXPECT_LT(queue.standing_ms(), 1);
    feed(230, 300);
    EXPECT_NEAR(queue.standing_ms(), 30, 3);
    queue.take_back();
    EXPECT_FALSE(queue.rebased());
    EXPECT_NEAR(queue.standing_ms(), 180, 3);
    queue.rebase();
    feed(50, 300); // it was somebody else's queue
    EXPECT_FALSE(queue.rebased());
    EXPECT_LT(queue.standing_ms(), 1);
    feed(200, 300);
    EXPECT_NEAR(queue.standing_ms(), 150, 3);
}

TEST_F(QueueDelayTest, OthersMayKnowAShorterWay) {
    feed(200, 300);
    EXPECT_LT(queue.standing_ms(), 1);
    queue.lower(150);
    EXPECT_NEAR(queue.standing_ms(), 150, 1);
    feed(200, 6000);
    EXPECT_NEAR(queue.standing_ms(), 145, 5) << "less what clocks may drift";
    feed(50, 300);
    feed(200, 300);
    EXPECT_NEAR(queue.standing_ms(), 150, 3);
}

TEST(QueueDelay, DriftIsNoQueue) {
    for (const double drift : {1e-4, -1e-4}) {
        QueueDelay queue;
        double most = 0;
        for (int i = 0; i < 60'000; ++i) {
            const double delay = 50 + i * 10 * drift;
            const GstClockTime t = t0 + i * 10 * ms;
            queue.add({t, t + static_cast<GstClockTime>(delay * 1e6), delay});
            most = std::max(most, queue.now_ms());
        }
        EXPECT_LT(most, 3);
    }
}

// `seconds` of 100 packets each at `rate`; each n-th packet begins a burst of lost ones.
void lose(LossEstimator& loss, GstClockTime& now, int seconds, uint64_t rate, int n, int burst) {
    for (int i = 0; i < seconds * 100; ++i, now += 10 * ms) {
        const int in = i % n;
        loss.add(in == 0 ? News::lost : in < burst ? News::lost_in_row : News::arrived, 1200);
        loss.step(now, rate, false);
    }
}

TEST(LossEstimator, FewBurstsProveNothing) {
    LossEstimator loss;
    GstClockTime now = t0;
    lose(loss, now, 10, 1'000'000, 100, 12); // one burst of 12 a second
    EXPECT_NEAR(loss.loss(), 0.12, 0.02);
    EXPECT_LT(loss.congestion(1'000'000), 0.01);
}

TEST(LossEstimator, MuchLossIsCongestionUnlessItIsAsMuchWithLess) {
    LossEstimator loss;
    GstClockTime now = t0;
    lose(loss, now, 5, 2'000'000, 4, 1);
    EXPECT_GT(loss.congestion(2'000'000), 0.15);
    lose(loss, now, 40, 500'000, 13, 1);
    lose(loss, now, 5, 2'000'000, 13, 1);
    EXPECT_LT(loss.congestion(2'000'000), 0.02);
    lose(loss, now, 5, 2'000'000, 6, 1);
    EXPECT_GT(loss.congestion(2'000'000), 0.03);
    EXPECT_LT(loss.congestion(2'000'000), 0.10);
}

// Who joins others on a full path never sees it otherwise.
TEST(LossEstimator, NoPathLosesAQuarterByItself) {
    LossEstimator loss;
    GstClockTime now = t0;
    lose(loss, now, 20, 500'000, 4, 1);
    lose(loss, now, 5, 2'000'000, 4, 1);
    EXPECT_GT(loss.congestion(2'000'000), 0.08);
}

TEST(LossEstimator, MoreThanUsualIsAQueueThatOverflows) {
    LossEstimator loss;
    GstClockTime now = t0;
    EXPECT_FALSE(loss.overflows());
    lose(loss, now, 60, 500'000, 33, 1);
    EXPECT_FALSE(loss.overflows());
    EXPECT_FALSE(loss.loses_much());
    lose(loss, now, 3, 500'000, 12, 1);
    EXPECT_TRUE(loss.loses_much());
    EXPECT_FALSE(loss.overflows());
    lose(loss, now, 3, 500'000, 5, 1);
    EXPECT_TRUE(loss.overflows());
    loss.forget_usual();
    EXPECT_FALSE(loss.overflows());
}

TEST(LossEstimator, AnOutageIsOneEvent) {
    LossEstimator loss;
    GstClockTime now = t0;
    lose(loss, now, 5, 2'000'000, 1000, 1);
    loss.add(News::lost, 1200);
    for (int i = 0; i < 300; ++i)
        loss.add(News::lost_in_row, 1200);
    EXPECT_GT(loss.loss(), 0.5);
    EXPECT_LT(loss.congestion(2'000'000), 0.05);
}

// A cluster of 1200 byte packets that leaves at one rate and arrives at another.
std::optional<ProbeEstimator::Result> probe(ProbeEstimator& probes, GstClockTime from, double out, double in,
                                            int packets, double jitter = 1) {
    const auto gap = [](double rate) { return static_cast<GstClockTime>(1200 * 8 / rate * 1e9); };
    probes.expect({from, from + gap(out) * (packets - 1), static_cast<uint64_t>(out)});
    for (int i = 0; i < packets; ++i)
        probes.add({static_cast<uint64_t>(i), from + i * gap(out), from + 5 * GST_SECOND + i * gap(in), 1200, false});
    probes.add({static_cast<uint64_t>(packets), from + 500 * ms, from + 6 * GST_SECOND, 1200, false});
    return probes.take(from + GST_SECOND, jitter);
}

TEST(ProbeEstimator, ShowsTheLowerOfBothRates) {
    ProbeEstimator probes;
    auto r = probe(probes, t0, 4e6, 4e6, 12);
    ASSERT_TRUE(r);
    EXPECT_NEAR(static_cast<double>(r->rate), 4e6, 0.05e6);
    EXPECT_FALSE(r->full);
    r = probe(probes, t0 + 2 * GST_SECOND, 4e6, 2e6, 12);
    ASSERT_TRUE(r);
    EXPECT_NEAR(static_cast<double>(r->rate), 0.95 * 2e6, 0.05e6);
    EXPECT_TRUE(r->full);
    r = probe(probes, t0 + 4 * GST_SECOND, 2e6, 8e6, 12); // held up and let go together
    ASSERT_TRUE(r);
    EXPECT_LE(r->rate, 2'010'000u);
}

TEST(ProbeEstimator, TooFewPacketsShowNothing) {
    ProbeEstimator probes;
    EXPECT_FALSE(probe(probes, t0, 4e6, 4e6, 4));
    EXPECT_FALSE(probe(probes, t0 + GST_SECOND, 40e6, 40e6, 6)); // a few ms
}

TEST(ProbeEstimator, OnAPathThatJittersTheLowerOfTwoCounts) {
    ProbeEstimator probes;
    EXPECT_FALSE(probe(probes, t0, 4e6, 4e6, 12, 15));
    const auto r = probe(probes, t0 + 2 * GST_SECOND, 4e6, 2e6, 12, 15);
    ASSERT_TRUE(r);
    EXPECT_NEAR(static_cast<double>(r->rate), 0.95 * 2e6, 0.05e6);
    EXPECT_FALSE(r->full);
    EXPECT_FALSE(probe(probes, t0 + 20 * GST_SECOND, 4e6, 4e6, 12, 15)); // the other one is too old
}

TEST(ProbeEstimator, AProbeThatNobodyAnswersIsForgotten) {
    ProbeEstimator probes;
    for (int i = 0; i < 100; ++i)
        probes.expect({t0 + i * ms, t0 + (i + 5) * ms, 1'000'000});
    EXPECT_FALSE(probes.take(t0 + 60 * GST_SECOND, 1));
    EXPECT_TRUE(probe(probes, t0 + 61 * GST_SECOND, 4e6, 4e6, 12));
}

TEST(RateControl, GrowsNoFurtherThanWhatArrives) {
    for (const GstClockTime cadence : {10 * ms, 100 * ms, 250 * ms}) {
        RateControl rate(0);
        for (GstClockTime t = 0; t < 60 * GST_SECOND; t += cadence)
            rate.update({.sent = 1'000'000, .received = 1'000'000, .received_now = 1'000'000, .rtt = 50 * ms}, t0 + t);
        EXPECT_EQ(rate.estimate(), 1'510'000u);
    }
}

TEST(RateControl, ProbesStandUntilThePathIsFull) {
    RateControl rate(0);
    rate.update({.sent = 500'000, .received = 500'000, .received_now = 500'000}, t0);
    rate.probed(5'000'000, false, t0);
    EXPECT_EQ(rate.estimate(), 5'000'000u);
    rate.probed(3'000'000, false, t0);
    EXPECT_EQ(rate.estimate(), 5'000'000u);
    RateControl::Observation seen{
        .signal = Trendline::Signal::over, .sent = 500'000, .received = 500'000, .received_now = 500'000};
    EXPECT_EQ(rate.update(seen, t0 + GST_SECOND), RateControl::Step::none); // far from full: not our doing
    seen.steep = true;
    EXPECT_EQ(rate.update(seen, t0 + 2 * GST_SECOND), RateControl::Step::down);
    EXPECT_EQ(rate.estimate(), 425'000u);
    rate.probed(5'000'000, false, t0 + 3 * GST_SECOND);
    rate.probed(3'000'000, true, t0 + 4 * GST_SECOND);
    EXPECT_EQ(rate.estimate(), 3'000'000u);
}

TEST(ReportEstimator, OneBadReportIsABurst) {
    ReportEstimator reports;
    EXPECT_EQ(reports.report(0.3, 50 * ms, 1'000'000).congestion, 0);
    EXPECT_EQ(reports.report(0, 50 * ms, 1'000'000).congestion, 0);
    reports.report(0.3, 50 * ms, 1'000'000);
    EXPECT_DOUBLE_EQ(reports.report(0.2, 50 * ms, 1'000'000).congestion, 0.2);
    EXPECT_EQ(reports.report(NAN, 50 * ms, 1'000'000).congestion, 0);
}

TEST(ReportEstimator, ARoundTripThatGrowsIsAQueue) {
    ReportEstimator reports;
    reports.report(0, 50 * ms, 1'000'000);
    EXPECT_FALSE(reports.report(0, 400 * ms, 1'000'000).standing);
    EXPECT_TRUE(reports.report(0, 400 * ms, 1'000'000).standing);
    EXPECT_EQ(reports.queue_delay(), 350 * ms);
    for (int i = 0; i < 8; ++i)
        reports.report(0, 400 * ms, 1'000'000);
    EXPECT_FALSE(reports.report(0, 400 * ms, 1'000'000).standing);
}

} // namespace
} // namespace sluice
