// SPDX-License-Identifier: LGPL-2.1-or-later
// The choice in a closed loop: a link, a sender and an estimator (thin_link_model.hpp). The parts are in
// congestion_stream_choice_parts_test.cpp.
#include "tests/unit/thin_link_model.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Stream = StreamChooser::Stream;

const Stream main_stream{"main", 4'300'000, 4'700'000, true, true};
const Stream web_stream{"web", 1'600'000, 1'800'000, true, true};
const Stream sub_stream{"sub", 550'000, 600'000, true, true};
const std::vector<Stream> two{main_stream, sub_stream}, three{main_stream, web_stream, sub_stream};

std::function<double(double)> always(double mbit) {
    return [=](double) { return mbit * 1e6; };
}

// Each value from its second on.
std::function<double(double)> steps(std::vector<std::pair<double, double>> at) {
    return [=](double t) {
        double mbit = 0;
        for (const auto& [from, value] : at)
            if (t >= from)
                mbit = value;
        return mbit * 1e6;
    };
}

std::string told(const ThinLinkModel& m) {
    std::string text;
    for (const auto& s : m.switches)
        text += std::to_string(s.at) + " " + s.to + ": " + s.reason + "\n";
    return text;
}

TEST(StreamChooser, OnALanMainIsThereBeforeAnybodyNotices) {
    double last = 0;
    for (unsigned seed = 1; seed <= 10; ++seed) {
        ThinLinkModel m({always(900), 0.001}, two, 0, seed);
        m.run_until(120);
        EXPECT_LT(m.first_on("main"), 0.35) << told(m);
        EXPECT_EQ(m.switches.size(), 1U) << told(m);
        last = std::max(last, m.first_on("main"));
    }
    std::printf("main after %.0f ms (the worst)\n", last * 1e3);
}

TEST(StreamChooser, WhoIsNotHeardOfStaysOnTheSmallest) {
    StreamChooser chooser;
    constexpr GstClockTime start = 1000 * GST_SECOND;
    chooser.observe(two, {}, 0, start);
    chooser.start(start);
    EXPECT_EQ(chooser.observe(two, {}, 0, start + 20 * GST_SECOND).stream, "sub");
    chooser.answered(); // by reports that tell nothing of the path
    EXPECT_EQ(chooser.observe(two, {}, 0, start + 21 * GST_SECOND).stream, "main");
}

TEST(StreamChooser, WhoWaitsForAKeyUnitLooksAFewTimesForRoomForABurst) {
    auto streams = two;
    streams[0].burst = 25'000'000;
    StreamChooser chooser;
    constexpr GstClockTime start = 1000 * GST_SECOND;
    chooser.observe(streams, {}, 0, start);
    chooser.start(start);
    PathState path{.estimate = 9'000'000, .received = 500'000, .feedback = true};
    StreamChooser::Decision d;
    unsigned probes = 0;
    uint64_t most = 0;
    for (GstClockTime now = start; now < start + 9 * GST_SECOND; now += 50 * GST_MSECOND) {
        d = chooser.observe(streams, path, 0, now);
        if (!d.probe_bitrate)
            continue;
        ++probes;
        most = std::max(most, *d.probe_bitrate);
        path.probed = 14'000'000; // three times what main needs, which is no news then
        path.probed_at = now + 40 * GST_MSECOND;
    }
    EXPECT_EQ(d.stream, "main");
    EXPECT_FALSE(d.burst);
    EXPECT_EQ(probes, 4u) << "one before it was chosen";
    EXPECT_EQ(most, 27'500'000u);
    path.probed = 26'000'000;
    path.probed_at = start + 9 * GST_SECOND;
    EXPECT_TRUE(chooser.observe(streams, path, 0, path.probed_at).burst);
}

TEST(StreamChooser, AcrossAFastVpnMainIsThereWithinASecond) {
    ThinLinkModel m({always(20), 0.12}, two);
    m.run_until(60);
    EXPECT_LT(m.first_on("main"), 1.0) << told(m);
    EXPECT_EQ(m.switches.size(), 1U) << told(m);
}

TEST(StreamChooser, WhatANetworkCarriedLatelyIsWhereItBegins) {
    ThinLinkModel fits({always(20)}, two, 6'000'000);
    EXPECT_EQ(fits.chooser().observe(two, {}, 0, ThinLinkModel::begin).stream, "main");
    fits.run_until(60);
    EXPECT_TRUE(fits.switches.empty()) << told(fits);
    ThinLinkModel thin({always(1.9)}, two, 1'900'000);
    thin.run_until(60);
    EXPECT_TRUE(thin.switches.empty()) << told(thin);
    EXPECT_EQ(thin.chosen(), "sub");
}

TEST(StreamChooser, WhoRemembersTooMuchFallsWithinTwoSeconds) {
    ThinLinkModel m({always(0.8)}, two, 20'000'000);
    m.run_until(60);
    EXPECT_LT(m.first_on("sub"), 2.0) << told(m);
    EXPECT_EQ(m.chosen(), "sub");
}

TEST(StreamChooser, SixToPointEightAndBack) {
    double fell = 0, rose = 0;
    for (unsigned seed = 1; seed <= 10; ++seed) {
        for (const double low : {30.0, 45.5, 60.0}) {
            ThinLinkModel m({steps({{0, 6}, {30, 0.8}, {30 + low, 6}}), 0.06}, two, 0, seed);
            m.run_until(29);
            ASSERT_EQ(m.chosen(), "main") << told(m);
            m.run_until(30 + low + 60);
            fell = std::max(fell, m.first_on("sub", 30) - 30);
            rose = std::max(rose, m.first_on("main", 30) - 30 - low);
            EXPECT_LT(m.first_on("sub", 30), 31.0) << told(m);
            EXPECT_LT(m.first_on("main", 30), 30 + low + 13) << told(m);
            EXPECT_EQ(m.switches.size(), 3U) << told(m);
        }
    }
    std::printf("sub %.2f s after the drop, main %.1f s after the rise (the worst)\n", fell, rose);
}

TEST(StreamChooser, AFlakyLinkNeverTriesMain) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        ThinLinkModel m({always(1.95), 0.12, 0.03}, two, 0, seed);
        m.run_until(300);
        EXPECT_TRUE(m.switches.empty()) << told(m);
        EXPECT_EQ(m.chosen(), "sub");
        // Probes are spaced, but a rise is found soon.
        ASSERT_GT(m.probes.size(), 20U);
        EXPECT_LT(m.probes.size(), 60U);
        for (size_t i = 4; i < m.probes.size(); ++i)
            EXPECT_LT(m.probes[i].first - m.probes[i - 1].first, 12.0);
        EXPECT_NE(m.decision().reason.find("do not carry main (4.3 Mbit/s)"), std::string::npos) << m.decision().reason;
    }
}

TEST(StreamChooser, APathThatAlwaysLosesALittleStillGetsMain) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        ThinLinkModel m({always(12), 0.12, 0.03}, two, 0, seed);
        m.run_until(300);
        EXPECT_GT(m.seconds_of("main"), 280) << told(m);
        EXPECT_LE(m.switches.size(), 3U) << told(m);
    }
}

TEST(StreamChooser, AnOutageIsNoReasonToFlap) {
    ThinLinkModel m({steps({{0, 10}, {30, 0}, {33, 10}}), 0.06}, two);
    m.run_until(120);
    EXPECT_EQ(m.chosen(), "main");
    EXPECT_LE(m.switches.size(), 3U) << told(m);
    EXPECT_LT(m.switches.back().at, 45) << told(m);
}

TEST(StreamChooser, MainThatHardlyFitsStays) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        ThinLinkModel m({always(5.6), 0.06}, two, 0, seed);
        m.run_until(300);
        EXPECT_GT(m.seconds_of("main"), 290) << told(m);
    }
}

TEST(StreamChooser, ThreeStreamsUseTheOneInBetween) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        ThinLinkModel m({steps({{0, 20}, {40, 2.6}, {100, 0.9}, {160, 20}}), 0.06}, three, 0, seed);
        m.run_until(20);
        EXPECT_EQ(m.chosen(), "main") << told(m);
        m.run_until(90);
        EXPECT_EQ(m.chosen(), "web") << told(m);
        m.run_until(150);
        EXPECT_EQ(m.chosen(), "sub") << told(m);
        m.run_until(200);
        EXPECT_EQ(m.chosen(), "main") << told(m);
        EXPECT_LE(m.most_in_a_minute(), 4U) << told(m);
    }
}

TEST(StreamChooser, FourSwitchesInAMinuteAtMost) {
    for (const auto& streams : {two, three}) {
        double used = 0, allowed = 0, worst = 1, too_much = 0, seconds = 0;
        for (unsigned seed = 1; seed <= (streams.size() == 2 ? 20 : 5); ++seed) {
            std::mt19937 random(seed);
            std::vector<std::pair<double, double>> at;
            for (double t = 0; t < 600; t += std::uniform_real_distribution<double>(5, 20)(random))
                at.emplace_back(t, std::uniform_real_distribution<double>(0.5, 8)(random));
            const auto capacity = steps(at);
            ThinLinkModel m({capacity, 0.06}, streams, 0, seed);
            double on = 0, could = 0;
            for (double t = 0; t < 600; t += 0.1) {
                m.run_until(t + 0.1);
                const bool fits = capacity(t) >= 1.2 * 4.3e6, is_main = m.chosen() == "main";
                could += fits ? 0.1 : 0;
                on += fits && is_main ? 0.1 : 0;
                too_much += is_main && capacity(t) < 4.3e6 ? 0.1 : 0;
            }
            EXPECT_LE(m.most_in_a_minute(), 4U) << "seed " << seed << "\n" << told(m);
            EXPECT_GE(m.switches.size(), 4U) << "seed " << seed << "\n" << told(m);
            worst = std::min(worst, on / could);
            used += on;
            allowed += could;
            seconds += 600;
        }
        std::printf(
            "%zu streams: main in %.0f %% of the time in which the link carried it (worst run: %.0f %%), and in "
            "%.1f %% of all time although it did not\n",
            streams.size(), 100 * used / allowed, 100 * worst, 100 * too_much / seconds);
        EXPECT_GT(used / allowed, 0.2);
        EXPECT_LT(too_much / seconds, 0.05);
    }
}

TEST(StreamChooser, ALinkThatSwingsIsTriedLessAndLess) {
    // Long enough up to be believed, too short to be of use.
    ThinLinkModel m({[](double t) { return std::fmod(t, 13) < 7 ? 8e6 : 0.8e6; }, 0.06}, two);
    m.run_until(60);
    const size_t first = m.switches.size();
    m.run_until(240);
    const size_t later = m.switches.size();
    m.run_until(300);
    EXPECT_LE(m.most_in_a_minute(), 4U) << told(m);
    EXPECT_LT(m.switches.size() - later, std::max<size_t>(first, 2)) << told(m);
    EXPECT_GE(m.chooser().hold(), 20 * GST_SECOND) << told(m);
}

TEST(StreamChooser, WithoutFeedbackMainIsSentAfterThreeSeconds) {
    ThinLinkModel::Path path{always(20)};
    path.feedback = false;
    ThinLinkModel m(path, two);
    m.run_until(2.9);
    EXPECT_EQ(m.chosen(), "sub");
    m.run_until(60);
    EXPECT_EQ(m.chosen(), "main");
    EXPECT_NEAR(m.first_on("main"), 3, 0.1);
    EXPECT_EQ(m.switches.size(), 1U);
}

} // namespace
} // namespace sluice
