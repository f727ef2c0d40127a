// SPDX-License-Identifier: LGPL-2.1-or-later
// Single decisions, and the parts they are made of. The closed loop is in congestion_stream_chooser_test.cpp.
#include "plugins/webrtc/congestion/stream_chooser.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace sluice {
namespace {

using Stream = StreamChooser::Stream;
using Kind = PathTrouble::Kind;

constexpr GstClockTime start = 1000 * GST_SECOND, ms = GST_MSECOND, second = GST_SECOND;

const Stream main_stream{"main", 4'000'000, 0, true, true}, web_stream{"web", 1'500'000, 0, true, true},
    sub_stream{"sub", 500'000, 0, true, true};
const std::vector<Stream> two{main_stream, sub_stream};

PathState path(uint64_t estimate) {
    PathState p;
    p.estimate = estimate;
    p.received = estimate / 2;
    p.feedback = true;
    p.rtt = 40 * ms;
    return p;
}

PathState congested(uint64_t estimate) {
    PathState p = path(estimate);
    p.overuse = true;
    p.queue_delay = 400 * ms;
    return p;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// A chooser, its streams and its time.
struct Bench {
    std::vector<Stream> streams = two;
    StreamChooser chooser;
    GstClockTime now = start;
    StreamChooser::Decision d;
    unsigned probes = 0;
    std::optional<uint64_t> first_probe;

    explicit Bench(std::vector<Stream> s = two, uint64_t remembered = 0) : streams(std::move(s)), chooser(remembered) {
        d = chooser.observe(streams, {}, 0, now);
        chooser.start(now);
        chooser.answered();
    }
    // Every 50 ms, as with feedback.
    void see(const PathState& p, GstClockTime time, GstClockTime sender_queue = 0) {
        for (const GstClockTime end = now + time; now < end; now += 50 * ms) {
            d = chooser.observe(streams, p, sender_queue, now);
            EXPECT_GT(d.look_again, now);
            EXPECT_LE(d.look_again, now + second);
            probes += d.probe_bitrate.has_value();
            if (!first_probe)
                first_probe = d.probe_bitrate;
        }
    }
};

TEST(StreamChoice, TheSmallestFirstThenWhatIsProven) {
    Bench b;
    EXPECT_EQ(b.d.stream, "sub");
    b.see(path(800'000), 100 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    EXPECT_EQ(b.probes, 1U);                // at once with the first feedback
    EXPECT_GE(*b.first_probe, 12'000'000U); // to know whether there is room for a burst
    b.see(path(10'000'000), 50 * ms);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_EQ(b.d.reason, "10.0 Mbit/s carry main (4.0 Mbit/s)");
    EXPECT_TRUE(b.d.burst);
}

TEST(StreamChoice, TheStartBurstIsAProbeToo) {
    Bench b;
    PathState p = path(800'000);
    p.probed = 5'000'000;
    p.probed_at = start + 80 * ms;
    b.see(p, 100 * ms);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, BeforeTheStartItIsChosenAnew) {
    StreamChooser c;
    auto streams = two;
    for (auto& s : streams)
        s.playable = false;
    EXPECT_EQ(c.observe(streams, {}, 0, start).stream, "sub");
    streams[0].playable = true;
    EXPECT_EQ(c.observe(streams, {}, 0, start + second).stream, "main");
    streams[1].playable = streams[1].cached = true;
    streams[0].cached = false;
    EXPECT_EQ(c.observe(streams, {}, 0, start + 2 * second).stream, "sub");
    c.start(start + 3 * second);
    EXPECT_EQ(c.observe(streams, {}, 0, start + 3 * second).stream, "sub");
}

TEST(StreamChoice, AKeyUnitAtHandComesFirst) {
    auto streams = two;
    streams[1].cached = false;
    EXPECT_EQ(Bench(streams).d.stream, "main");
}

TEST(StreamChoice, AColdCameraGivesWhatComesFirst) {
    auto streams = two;
    for (auto& s : streams)
        s.playable = s.cached = false;
    Bench b(streams);
    b.see({}, second);
    EXPECT_EQ(b.d.reason, "no stream plays yet");
    EXPECT_TRUE(has(b.d.keep, "main") && has(b.d.keep, "sub"));
    b.streams[0].playable = b.streams[0].cached = true;
    b.see({}, 100 * ms);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, ALowEstimateAloneIsNoReasonToFall) {
    Bench b;
    b.see(path(6'000'000), second);
    ASSERT_EQ(b.d.stream, "main");
    b.see(path(500'000), 60 * second); // a still scene needs little
    EXPECT_EQ(b.d.stream, "main");
    PathState jumpy = path(6'000'000); // trouble, but the estimate is high
    jumpy.overuse = true;
    jumpy.loss = 0.2;
    jumpy.queue_delay = 500 * ms;
    b.see(jumpy, 10 * second);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, EachEvidenceMakesItFall) {
    const auto with = [](auto change) {
        PathState p = path(900'000);
        change(p);
        return p;
    };
    const std::tuple<PathState, GstClockTime, GstClockTime, const char*> cases[] = {
        {with([](auto& p) { p.overuse = true, p.queue_delay = 160 * ms; }), 0, 200 * ms,
         "0.9 Mbit/s do not carry main (4.0 Mbit/s)"},
        {with([](auto& p) { p.queue_delay = 320 * ms; }), 0, 200 * ms, "0.9 Mbit/s do not carry main (4.0 Mbit/s)"},
        {with([](auto& p) { p.queue_delay = 200 * ms; }), 150 * ms, 200 * ms,
         "0.9 Mbit/s do not carry main (4.0 Mbit/s)"},
        {with([](auto& p) { p.loss = 0.12; }), 0, 200 * ms, "too much of main is lost"},
        {with([](auto& p) { p.estimate = 9'000'000; }), 450 * ms, 300 * ms,
         "main waits here: the path does not take it"},
    };
    for (const auto& [p, sender_queue, within, reason] : cases) {
        Bench b;
        b.see(path(6'000'000), 5 * second);
        ASSERT_EQ(b.d.stream, "main");
        b.see(p, within, sender_queue);
        EXPECT_EQ(b.d.stream, "sub") << reason;
        EXPECT_EQ(b.d.reason, reason);
    }
}

TEST(StreamChoice, OneLateFeedbackIsNoEvidence) {
    Bench b;
    b.see(path(6'000'000), 5 * second);
    for (int i = 0; i < 20; ++i) {
        b.see(congested(900'000), 50 * ms);
        b.see(path(900'000), second);
    }
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, WhereThereIsLittleRoomTheSwitchWaitsForAKeyUnit) {
    Bench b;
    b.see(path(6'000'000), 100 * ms);
    EXPECT_EQ(b.d.stream, "sub"); // the probe will tell more
    PathState p = path(6'000'000);
    p.probed = 6'500'000;
    p.probed_at = b.now;
    b.see(p, 100 * ms);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_FALSE(b.d.burst);
    b.see(congested(900'000), 2 * second);
    EXPECT_EQ(b.d.stream, "sub");
    EXPECT_TRUE(b.d.burst); // who falls cannot wait
}

TEST(StreamChoice, PicturesGivenUpAreEvidence) {
    Bench b;
    b.see(path(6'000'000), 5 * second);
    ASSERT_EQ(b.d.stream, "main");
    b.chooser.dropped();
    b.see(path(6'000'000), 50 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    b.chooser.dropped();
    b.see(path(6'000'000), 50 * ms);
    EXPECT_NE(b.d.reason.find("nothing smaller"), std::string::npos) << b.d.reason;
}

TEST(StreamChoice, TheBurstAfterASwitchIsNoReasonToFall) {
    Bench b;
    b.see(path(10'000'000), 50 * ms);
    ASSERT_EQ(b.d.stream, "main");
    b.see(path(6'000'000), 1500 * ms, 800 * ms); // the cached GOP leaves
    EXPECT_EQ(b.d.stream, "main");
    b.see(path(6'000'000), 1500 * ms, 800 * ms); // it does not
    EXPECT_EQ(b.d.stream, "sub");
}

// Falls, and rises as soon as it may; how long that took.
GstClockTime time_to_rise(Bench& b) {
    b.see(congested(900'000), 300 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    const GstClockTime fell = b.now;
    while (b.d.stream == "sub" && b.now < fell + 300 * second) {
        PathState p = path(900'000);
        b.see(p, 50 * ms);
        if (b.d.probe_bitrate) {
            EXPECT_GE(*b.d.probe_bitrate, 1.3 * 4e6);
            EXPECT_LE(*b.d.probe_bitrate, 1.7 * 4e6);
            EXPECT_GE(b.d.probe_time, 15 * ms);
            EXPECT_LE(b.d.probe_time, 40 * ms);
            p.probed = 6'000'000;
            p.probed_at = b.now + 50 * ms;
            b.now = p.probed_at;
            b.see(p, 100 * ms);
        }
    }
    return b.now - fell;
}

TEST(StreamChoice, TrialsThatFailAreSpacedAndSuccessIsForgiven) {
    Bench b;
    b.see(path(6'000'000), 60 * second); // the start was no trial
    ASSERT_EQ(b.d.stream, "main");
    const GstClockTime first = time_to_rise(b);
    EXPECT_GE(first, 4500 * ms);
    EXPECT_LE(first, 7 * second);
    for (const unsigned hold : {10, 20, 40, 80, 120, 120}) {
        b.see(path(6'000'000), 3 * second);
        EXPECT_GE(time_to_rise(b), hold * second - 500 * ms);
        EXPECT_EQ(b.chooser.hold(), hold * second);
    }
    b.see(path(6'000'000), 31 * second);
    EXPECT_EQ(b.chooser.hold(), StreamChooser::first_hold);
}

TEST(StreamChoice, AfterAFallOneProofIsNotEnough) {
    Bench b;
    b.see(path(6'000'000), 5 * second);
    b.see(congested(900'000), 300 * ms);
    ASSERT_EQ(b.d.stream, "sub");
    b.see(path(6'000'000), 4 * second);
    b.probes = 0;
    PathState p = path(6'000'000); // whatever the estimate says
    while (b.probes == 0)
        b.see(p, 50 * ms);
    p.probed = 6'000'000;
    p.probed_at = b.now;
    b.now += 50 * ms;
    b.see(p, 200 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    while (b.probes == 1)
        b.see(p, 50 * ms);
    p.probed_at = b.now;
    b.now += 50 * ms;
    b.see(p, 100 * ms);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, ProbesOnlyOnACalmPath) {
    PathState queue = path(900'000), overuse = queue, loss = queue, silent = queue;
    queue.queue_delay = 150 * ms;
    overuse.overuse = true;
    loss.loss = 0.15;
    silent.feedback = false;
    for (const auto& p : {queue, overuse, loss, silent}) {
        Bench b;
        b.see(p, 2 * second);
        EXPECT_EQ(b.probes, 0U);
    }
    Bench waits;
    waits.see(path(900'000), 2 * second, ms);
    EXPECT_EQ(waits.probes, 0U);
    Bench calm;
    calm.see(path(900'000), 2 * second);
    EXPECT_GT(calm.probes, 0U);
}

TEST(StreamChoice, APinWins) {
    Bench b;
    b.chooser.pin("main");
    b.see(congested(100'000), 30 * second, second);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_EQ(b.d.reason, "main is asked for");
    EXPECT_EQ(b.d.keep, std::vector<std::string>{"main"});
    b.chooser.pin("sub");
    b.see(path(90'000'000), 30 * second);
    EXPECT_EQ(b.d.stream, "sub");
    EXPECT_EQ(b.probes, 0U);
    b.streams[0].bitrate = 0;
    b.chooser.pin("main");
    b.see(path(100'000), second);
    EXPECT_EQ(b.d.stream, "main");
    b.chooser.pin("auto");
    b.see(congested(100'000), 3 * second);
    EXPECT_EQ(b.d.stream, "sub");
}

TEST(StreamChoice, APinnedStreamThatDoesNotPlayIsReplaced) {
    auto streams = two;
    streams[1].playable = streams[1].cached = false;
    Bench b(streams);
    b.chooser.pin("sub");
    b.see(path(9'000'000), 100 * ms);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_NE(b.d.reason.find("sub"), std::string::npos) << b.d.reason;
    EXPECT_TRUE(has(b.d.keep, "sub")); // it may come
    b.streams[1].playable = true;
    b.see(path(9'000'000), 100 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    b.streams[1].playable = false; // the camera connects again
    b.see(path(9'000'000), 800 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    b.see(path(9'000'000), 500 * ms);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_NE(b.d.reason.find("sub"), std::string::npos) << b.d.reason;
    b.chooser.pin("nonsense");
    b.see(path(9'000'000), second);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, OneStreamIsNoChoice) {
    Bench b(std::vector<Stream>{main_stream});
    b.see(congested(100'000), 10 * second, second);
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_EQ(b.d.reason, "the only stream");
    EXPECT_EQ(b.d.keep, std::vector<std::string>{"main"});
    EXPECT_EQ(b.probes, 0U);
    Bench nothing(std::vector<Stream>{});
    nothing.see(path(1), second);
    EXPECT_EQ(nothing.d.stream, "");
}

TEST(StreamChoice, WhatDoesNotPlayIsLeft) {
    Bench b;
    b.see(path(6'000'000), 5 * second);
    ASSERT_EQ(b.d.stream, "main");
    b.streams[0].playable = false;
    b.see(path(6'000'000), 900 * ms);
    EXPECT_EQ(b.d.stream, "main");
    b.see(path(6'000'000), 200 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    EXPECT_EQ(b.d.reason, "main does not play");
    EXPECT_TRUE(has(b.d.keep, "main"));
    b.streams[0].playable = true;
    b.see(path(6'000'000), second);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, SubIsKeptReadyWhereSomebodyMayNeedIt) {
    Bench b;
    EXPECT_TRUE(has(b.d.keep, "sub") && has(b.d.keep, "main"));
    b.see(path(6'000'000), 5 * second);
    ASSERT_EQ(b.d.stream, "main");
    PathState p = path(6'000'000);
    b.probes = 0;
    while (b.probes == 0)
        b.see(p, 50 * ms);
    p.probed = 12'500'000;
    p.probed_at = b.now;
    b.now += 50 * ms;
    b.see(p, 59 * second);
    EXPECT_TRUE(has(b.d.keep, "sub"));
    b.see(p, 3 * second);
    EXPECT_EQ(b.d.keep, std::vector<std::string>{"main"});
    EXPECT_EQ(b.probes, 1U);
    b.streams[1].playable = b.streams[1].cached = false; // nobody else wants it
    b.see(p, 60 * second);
    EXPECT_EQ(b.d.keep, std::vector<std::string>{"main"});
    b.see(congested(900'000), 200 * ms); // now it would be of use
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_TRUE(has(b.d.keep, "sub"));
    b.streams[1].playable = b.streams[1].cached = true;
    b.see(congested(900'000), 50 * ms);
    EXPECT_EQ(b.d.stream, "sub");
}

TEST(StreamChoice, WhatThePathCarriesIsWhatThisSessionWasShown) {
    Bench b(two, 20'000'000);
    EXPECT_EQ(b.chooser.carries(), 0U); // what is only remembered is not learnt again
    PathState p = path(6'000'000);
    b.see(p, 5 * second);
    while (!b.d.probe_bitrate)
        b.see(p, 50 * ms);
    p.probed = 12'500'000;
    p.probed_at = b.now;
    b.see(p, second);
    b.see(path(5'000'000), 60 * second);
    EXPECT_EQ(b.chooser.carries(), 12'500'000U); // less was sent since, not refuted
    b.see(congested(900'000), second);
    EXPECT_EQ(b.chooser.carries(), 900'000U);
}

TEST(StreamChoice, OnAPathWithoutMarginSubStaysReady) {
    Bench b;
    PathState p = path(6'000'000);
    for (int i = 0; i < 600; ++i) {
        b.see(p, second);
        EXPECT_TRUE(has(b.d.keep, "sub"));
        if (b.d.stream == "main") {
            p.probed = 7'000'000;
            p.probed_at = b.now;
        }
    }
    EXPECT_EQ(b.d.stream, "main");
    EXPECT_LT(b.probes, 12U);
}

TEST(StreamChoice, ReceiverReportsDecideIfThereIsNothingElse) {
    Bench b;
    PathState p;
    p.rtt = 30 * ms;
    b.see(p, 2900 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    b.see(p, 300 * ms);
    EXPECT_EQ(b.d.stream, "main");
    p.loss = 0.2;
    b.see(p, 5 * second); // one report, seen many times
    EXPECT_EQ(b.d.stream, "main");
    p.loss = 0.15;
    b.see(p, 100 * ms);
    EXPECT_EQ(b.d.stream, "sub");
    EXPECT_EQ(b.d.reason, "too much of main is lost");
    b.see(p, 10 * second);
    p.loss = 0.01;
    b.see(p, second);
    EXPECT_EQ(b.d.stream, "main");
}

TEST(StreamChoice, AnOutageOfTheFeedbackChangesNothing) {
    Bench b;
    b.see(path(900'000), 2 * second);
    ASSERT_EQ(b.d.stream, "sub");
    b.see({}, 30 * second);
    EXPECT_EQ(b.d.stream, "sub");
}

TEST(StreamChoice, AStreamInBetweenIsUsedButNotStartedForNothing) {
    auto streams = std::vector<Stream>{main_stream, web_stream, sub_stream};
    Bench b(streams);
    EXPECT_FALSE(has(b.d.keep, "web"));
    PathState p = path(2'000'000);
    b.see(p, second);
    EXPECT_EQ(b.d.stream, "web");
    b.see(congested(600'000), 2 * second);
    EXPECT_EQ(b.d.stream, "sub");
    b.streams[1].playable = false;
    b.see(path(600'000), 10 * second);
    EXPECT_FALSE(has(b.d.keep, "web"));
    while (!b.d.probe_bitrate)
        b.see(p, 50 * ms);
    p.probed = 2'000'000;
    p.probed_at = b.now;
    b.now += 50 * ms;
    b.see(p, 100 * ms);
    EXPECT_TRUE(has(b.d.keep, "web")); // now it is known to fit
    EXPECT_EQ(b.d.stream, "sub");
}

TEST(StreamChoice, WhateverThePathSaysFourSwitchesInAMinuteAreTheMost) {
    size_t all = 0;
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937 random(seed);
        const auto pick = [&](uint64_t n) { return random() % n; };
        std::vector<Stream> streams{main_stream};
        for (uint64_t i = pick(5); i > 0; --i)
            streams.push_back({"s" + std::to_string(i), 500'000 + i * 400'000, 0, true, true});
        streams.push_back(sub_stream);
        StreamChooser c(pick(2) * 10'000'000);
        c.start(start);
        std::string last;
        std::deque<GstClockTime> switches;
        PathState p;
        for (GstClockTime now = start; now < start + 600 * second; now += (20 + pick(200)) * ms) {
            if (pick(8) == 0) {
                p = path(pick(12'000'000));
                p.overuse = pick(2) != 0;
                p.queue_delay = pick(2) * pick(600) * ms;
                p.loss = static_cast<double>(pick(2) * pick(30)) / 100;
                p.feedback = pick(20) != 0;
                p.probed = pick(3) == 0 ? 0 : pick(20'000'000);
                p.probed_at = now;
            }
            const auto d = c.observe(streams, p, pick(20) == 0 ? pick(900) * ms : 0, now);
            if (!last.empty() && d.stream != last) {
                ++all;
                switches.push_back(now);
                while (switches.front() + 60 * second < now)
                    switches.pop_front();
                ASSERT_LE(switches.size(), 4U) << "seed " << seed << " at " << (now - start) / second << " s";
            }
            last = d.stream;
        }
    }
    EXPECT_GT(all, 200U);
}

TEST(SwitchBudget, WhoRisesLeavesRoomToFall) {
    SwitchBudget b;
    EXPECT_TRUE(b.may_rise(start));
    EXPECT_EQ(b.more_at(start), 0U);
    b.switched(start);
    b.switched(start + second);
    EXPECT_EQ(b.left(start + second), 2U);
    EXPECT_TRUE(b.may_rise(start + second));
    b.switched(start + 2 * second);
    EXPECT_FALSE(b.may_rise(start + 2 * second));
    EXPECT_FALSE(b.may_fall_between(start + 2 * second));
    EXPECT_EQ(b.more_at(start + 2 * second), start + 60 * second + 1);
    EXPECT_FALSE(b.may_rise(start + 60 * second));
    EXPECT_TRUE(b.may_rise(start + 60 * second + 1));
    EXPECT_EQ(b.left(start + 300 * second), 4U);
}

TEST(ProbePlan, ProbesThatFailTheSameWayAreSpaced) {
    ProbePlan plan({.first = 5 * second, .most = 10 * second, .news = second});
    GstClockTime now = start;
    std::vector<GstClockTime> gaps;
    PathState p;
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(plan.due(now));
        plan.asked(now, 20 * ms, 0);
        EXPECT_FALSE(plan.due(now + 100 * second));
        p.probed = 1'900'000 + static_cast<uint64_t>(i) * 10'000;
        p.probed_at = now + 100 * ms;
        EXPECT_EQ(plan.result(p, now + 200 * ms), p.probed);
        EXPECT_FALSE(plan.result(p, now + 200 * ms));
        plan.failed(p.probed, now);
        gaps.push_back((plan.next() - now) / ms);
        now = plan.next();
    }
    EXPECT_EQ(gaps, (std::vector<GstClockTime>{5000, 7500, 10000, 10000, 10000}));
    plan.failed(3'500'000, now); // the path has changed
    EXPECT_EQ(plan.next(), now + second);
    plan.failed(2'000'000, now); // less is no such news, and so much had been shown before
    EXPECT_EQ(plan.next(), now + second * 3 / 2);
    plan.failed(3'500'000, now);
    EXPECT_EQ(plan.next(), now + 5 * second);
    plan.forget();
    plan.failed(1'000'000, now);
    EXPECT_EQ(plan.next(), now + 5 * second);
    plan.failed(1'500'000, now);
    EXPECT_EQ(plan.next(), now + second);

    ProbePlan slow({.first = 60 * second, .most = 600 * second}); // nothing waits for it
    slow.failed(1'000'000, now);
    slow.failed(3'000'000, now);
    EXPECT_EQ(slow.next(), now + 60 * second);
}

TEST(ProbePlan, AnOldAnswerIsNone) {
    ProbePlan plan({.first = 5 * second, .most = 10 * second});
    PathState p;
    p.probed = 5'000'000;
    p.probed_at = start - 1;
    plan.asked(start, 20 * ms, 500 * ms);
    EXPECT_FALSE(plan.result(p, start + second)); // two round trips are not over
    EXPECT_EQ(plan.result(p, start + 2 * second), 0U);
    EXPECT_FALSE(plan.pending());
}

TEST(ProbePlan, EnoughPacketsAndNoMore) {
    EXPECT_EQ(ProbePlan::time_for(6'000'000), 20 * ms);
    EXPECT_EQ(ProbePlan::time_for(100'000'000), 15 * ms);
    EXPECT_EQ(ProbePlan::time_for(500'000), 40 * ms);
    EXPECT_EQ(ProbePlan::time_for(0), 40 * ms);
}

TEST(PathTrouble, WhatAPathAlwaysLosesIsNotHeldAgainstIt) {
    PathTrouble t;
    PathState p = path(900'000);
    p.loss = 0.08;
    EXPECT_FALSE(t.calm(p, 0));
    p.loss = 0.03;
    for (GstClockTime now = start; now < start + 60 * second; now += 100 * ms)
        t.look(p, 0, 500'000, now);
    EXPECT_NEAR(t.usual_loss(), 0.03, 0.005);
    p.loss = 0.075;
    EXPECT_TRUE(t.calm(p, 0));
    p.loss = 0.2;
    for (GstClockTime now = start + 60 * second; now < start + 200 * second; now += 100 * ms)
        t.look(p, 0, 500'000, now);
    EXPECT_FALSE(t.calm(p, 0)); // congestion does not become usual
}

} // namespace
} // namespace sluice
