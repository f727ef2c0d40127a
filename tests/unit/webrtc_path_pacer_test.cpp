// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/path_pacer.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr GstClockTime t0 = 1000 * GST_SECOND;
constexpr uint64_t packet = 1200;

// Sends packets of one size as soon as they may leave; the times at which they left.
std::vector<GstClockTime> send(PathPacer& pacer, unsigned packets, GstClockTime& now) {
    std::vector<GstClockTime> out;
    while (out.size() < packets) {
        const uint64_t budget = pacer.budget(now);
        if (budget == 0) {
            const GstClockTime next = pacer.deadline(now);
            EXPECT_GT(next, now) << "it would spin";
            now = std::max(next, now + 1);
            continue;
        }
        uint64_t bytes = 0;
        while (out.size() < packets && (bytes == 0 || bytes < budget)) {
            bytes += packet;
            out.push_back(now);
        }
        pacer.sent(bytes, now);
    }
    return out;
}

double rate(unsigned packets, GstClockTime time) {
    return static_cast<double>(packets) * packet * 8 / (static_cast<double>(time) / GST_SECOND);
}

TEST(PathPacer, NothingIsHeldBackWithoutLimits) {
    PathPacer pacer;
    EXPECT_FALSE(pacer.limited());
    GstClockTime now = t0;
    send(pacer, 10000, now);
    EXPECT_EQ(now, t0);
    pacer.set_estimate(PathPacer::unlimited, now);
    EXPECT_FALSE(pacer.limited()) << "as much as anybody needs";
}

TEST(PathPacer, AKeyFrameLeavesAtTheDoubleOfTheEstimate) {
    PathPacer pacer;
    pacer.set_estimate(2'000'000, t0);
    GstClockTime now = t0;
    send(pacer, 40, now); // 48 kB
    EXPECT_NEAR(rate(40, now - t0), 2'000'000 * PathPacer::peak_factor, 600'000);
    EXPECT_LE(now - t0, 130 * GST_MSECOND);
}

TEST(PathPacer, OnTheAverageNoMoreLeavesThanThePathCarries) {
    PathPacer pacer;
    pacer.set_estimate(2'000'000, t0);
    GstClockTime now = t0;
    const auto times = send(pacer, 2000, now); // 2.4 MB: for a second of five
    EXPECT_NEAR(rate(2000, now - t0), 2'000'000 * PathPacer::sustained_factor, 100'000);
    // In no half second more than the depth over what the path carries.
    for (size_t i = 0, j = 0; i < times.size(); ++i) {
        while (times[i] - times[j] > 500 * GST_MSECOND)
            ++j;
        EXPECT_LE((i - j) * packet * 8, 2'000'000 * PathPacer::sustained_factor * 0.76 + 2 * packet * 8);
    }
}

TEST(PathPacer, WhatLeavesAnywayIsCounted) { // sound
    PathPacer pacer;
    pacer.set_estimate(1'000'000, t0);
    EXPECT_GT(pacer.budget(t0), 0u);
    for (int i = 0; i < 100; ++i)
        pacer.sent(packet, t0);
    EXPECT_EQ(pacer.budget(t0 + 100 * GST_MSECOND), 0u);
    EXPECT_GT(pacer.deadline(t0 + 100 * GST_MSECOND), t0 + 100 * GST_MSECOND);
}

TEST(PathPacer, APathThatNobodyKnowsGetsAFirstFlightAndThenWaitsForNews) {
    PathPacer pacer;
    pacer.set_unknown(t0);
    EXPECT_TRUE(pacer.waits_for_news());
    GstClockTime now = t0;
    const unsigned flight = PathPacer::first_flight / packet;
    send(pacer, flight, now);
    EXPECT_LE(now - t0, 50 * GST_MSECOND) << "at 8 Mbit/s";
    send(pacer, 10, now);
    EXPECT_GE(now - t0, PathPacer::first_wait) << "nobody has told anything";
    EXPECT_LE(now - t0, PathPacer::first_wait + 150 * GST_MSECOND);
}

TEST(PathPacer, NewsEndTheFirstWait) {
    PathPacer pacer;
    pacer.set_unknown(t0);
    GstClockTime now = t0;
    send(pacer, PathPacer::first_flight / packet + 1, now);
    pacer.set_estimate(4'000'000, now);
    EXPECT_FALSE(pacer.waits_for_news());
    const GstClockTime told = now;
    send(pacer, 40, now);
    EXPECT_LE(now - told, 70 * GST_MSECOND);
}

TEST(PathPacer, ANewEstimateCountsAtOnce) {
    PathPacer pacer;
    pacer.set_estimate(100'000, t0);
    GstClockTime now = t0;
    send(pacer, 10, now);
    pacer.set_estimate(10'000'000, now);
    const GstClockTime told = now;
    send(pacer, 200, now); // 240 kB
    EXPECT_LE(now - told, 300 * GST_MSECOND);
    pacer.set_estimate(200'000, now);
    const GstClockTime thin = now;
    send(pacer, 20, now);
    EXPECT_GE(now - thin, 300 * GST_MSECOND);
}

TEST(PathPacer, AnIdleSecondIsNotSavedUp) {
    PathPacer pacer;
    pacer.set_estimate(1'000'000, t0);
    GstClockTime now = t0 + 10 * GST_SECOND;
    const GstClockTime begun = now;
    send(pacer, 100, now); // 120 kB
    EXPECT_GE(now - begun, 550 * GST_MSECOND);
}

TEST(PathPacer, OnAWidePathAPictureLeavesWhole) {
    PathPacer pacer;
    pacer.set_estimate(12'000'000, t0);
    EXPECT_LT(pacer.budget(t0), 18'000u);
    pacer.set_wide(true);
    EXPECT_EQ(pacer.budget(t0), 40'000u);
    GstClockTime now = t0;
    send(pacer, 10000, now); // 12 MB: as before on the average
    EXPECT_NEAR(rate(10000, now - t0), 12'000'000 * PathPacer::sustained_factor, 800'000);
    pacer.set_estimate(200'000, now); // no longer true, and not more than a quarter of a second carries
    EXPECT_LE(pacer.budget(now + GST_SECOND), 7'500u);
    pacer.set_wide(false);
    EXPECT_LE(pacer.budget(now + GST_SECOND), 300u);
}

} // namespace
} // namespace sluice
