// SPDX-License-Identifier: LGPL-2.1-or-later
// What sluice probe measures: pace, bits, GOPs, order, and the clock of RTP.
#include "launcher/probe/rate.hpp"
#include "launcher/probe/rtp_clock.hpp"
#include "launcher/probe/stream_meter.hpp"
#include "plugins/core/unit_maker.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace sluice;
using namespace sluice::probe;

namespace {

// gop pictures, the first of them large.
StreamMeter meter(double fps, unsigned gop, unsigned pictures, double jitter = 0) {
    StreamMeter out;
    std::mt19937 chance(7);
    std::uniform_real_distribution<double> around(-jitter, jitter);
    for (unsigned i = 0; i < pictures; i++)
        out.add({.time = 100 + i / fps + (jitter > 0 ? around(chance) : 0),
                 .bytes = i % gop == 0 ? 9000u : 1000u,
                 .key = i % gop == 0});
    return out;
}

AccessUnitPtr unit_of(const test::Bytes& bytes, Codec codec = Codec::h264) {
    UnitMaker maker;
    maker.set_codec(codec);
    const auto buffer = test::buffer_of(bytes);
    auto unit = maker.make(buffer.get());
    auto track = std::make_shared<Track>();
    track->codec = codec;
    unit->track = track;
    return unit;
}

RtpClock clock_of(double ppm, double jitter, unsigned pictures = 150) {
    RtpClock out(90000);
    std::mt19937 chance(7);
    std::normal_distribution<double> around(0, jitter);
    for (unsigned i = 0; i < pictures; i++) {
        const double time = i / 25.0;
        for (unsigned packet = 0; packet < 3; packet++) // sequence numbers and timestamps wrap on the way
            out.packet(static_cast<uint16_t>(65'500 + i * 3 + packet),
                       static_cast<uint32_t>(0xffff0000u + static_cast<uint64_t>(time * 90000)),
                       50 + time * (1 + ppm / 1e6) + (jitter > 0 ? around(chance) : 0) + packet * 1e-4);
    }
    return out;
}

} // namespace

TEST(ProbeRate, TooFewTimesSayNothing) {
    EXPECT_FALSE(pace_of({}));
    EXPECT_FALSE(pace_of({1, 2}));
    EXPECT_FALSE(pace_of({1, 1, 1}));
    EXPECT_EQ(median({}), 0);
}

TEST(ProbeRate, AJumpAtTheBeginningDoesNotBendIt) {
    std::vector<double> times;
    for (int i = 0; i < 30; i++)
        times.push_back(i < 2 ? i * 0.01 : i * 0.2);
    const auto pace = pace_of(times);
    ASSERT_TRUE(pace);
    EXPECT_NEAR(pace->per_second, 5, 0.05);
    EXPECT_TRUE(pace->steady);
}

TEST(ProbeRate, AChangingRateIsKnown) {
    std::vector<double> times{0};
    for (int i = 0; i < 100; i++)
        times.push_back(times.back() + (i % 20 < 10 ? 0.04 : 0.1));
    const auto pace = pace_of(times);
    ASSERT_TRUE(pace);
    EXPECT_FALSE(pace->steady);
    EXPECT_NEAR(pace->per_second, 100 / 7.0, 0.01);
}

TEST(ProbeMeter, NothingIsZero) {
    const StreamFigures f = StreamMeter().figures();
    EXPECT_EQ(f.pictures, 0u);
    EXPECT_EQ(f.fps, 0);
    EXPECT_FALSE(f.gop);
    StreamMeter one;
    one.add({.time = 1, .bytes = 10, .key = true});
    EXPECT_EQ(one.figures().fps, 0);
    EXPECT_EQ(one.figures().key_units, 1u);
}

TEST(ProbeMeter, SteadyStream) {
    for (const double fps : {5.0, 12.5, 15.0, 30000.0 / 1001, 60.0}) {
        const auto gop = static_cast<unsigned>(std::lround(fps * 2));
        const StreamFigures f = meter(fps, gop, gop * 3 + gop / 2).figures();
        EXPECT_NEAR(f.fps, fps, fps * 1e-6);
        ASSERT_TRUE(f.gop);
        EXPECT_EQ(f.gop->pictures.least, gop);
        EXPECT_EQ(f.gop->pictures.most, gop);
        EXPECT_NEAR(f.gop->seconds.median, gop / fps, 1e-6);
        // Of whole GOPs: half a one more would count a key unit too many.
        EXPECT_NEAR(static_cast<double>(f.bitrate), (9000 + 1000.0 * (gop - 1)) * 8 * fps / gop, 10);
        EXPECT_GE(f.peak_bitrate, f.bitrate);
        EXPECT_FALSE(f.variable_fps);
        EXPECT_FALSE(f.reordered);
        EXPECT_EQ(f.b_run, 0u);
    }
}

TEST(ProbeMeter, JitterOfAThirdOfAPictureDoesNotMatter) {
    const StreamFigures f = meter(25, 50, 150, 0.012).figures();
    EXPECT_NEAR(f.fps, 25, 0.5);
    EXPECT_NEAR(f.gop->seconds.median, 2, 0.04);
}

TEST(ProbeMeter, OneKeyUnitSaysHowLongTheGopIsAtLeast) {
    const StreamFigures f = meter(10, 1000, 181).figures();
    EXPECT_FALSE(f.gop);
    EXPECT_EQ(f.key_units, 1u);
    EXPECT_NEAR(f.since_key, 18, 0.01);
}

TEST(ProbeMeter, UnevenGops) {
    StreamMeter m;
    for (unsigned i = 0; i < 100; i++)
        m.add({.time = i / 10.0, .bytes = 100, .key = i == 0 || i == 10 || i == 60 || i == 80});
    const auto gop = m.figures().gop;
    ASSERT_TRUE(gop);
    EXPECT_EQ(gop->pictures.least, 10u);
    EXPECT_EQ(gop->pictures.median, 20u);
    EXPECT_EQ(gop->pictures.most, 50u);
    EXPECT_NEAR(gop->seconds.most, 5, 0.01);
}

TEST(ProbeMeter, OrderOfPictures) {
    StreamMeter m;
    const int shown[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
    for (const int n : shown)
        m.add({.time = n / 25.0, .bytes = 100, .key = n == 0, .b = n % 3 != 0});
    const StreamFigures f = m.figures();
    EXPECT_TRUE(f.reordered);
    EXPECT_EQ(f.b_run, 2u);
    EXPECT_NEAR(f.fps, 25, 1e-6);
}

TEST(ProbeMeter, ABetterClockCounts) {
    const StreamFigures f = meter(25, 50, 150).figures(20);
    EXPECT_EQ(f.fps, 20);
    EXPECT_NEAR(f.gop->seconds.median, 2.5, 1e-6);
}

TEST(ProbeMeter, WhatIsInAUnit) {
    using namespace test;
    const auto key = unit_of(key_unit());
    EXPECT_TRUE(look_at(*key).key);
    EXPECT_FALSE(look_at(*key).recovery);
    EXPECT_EQ(look_at(*key).slices, 1u);
    const auto b = look_at(*unit_of(b_slice() + b_slice()));
    EXPECT_TRUE(b.b);
    EXPECT_EQ(b.slices, 2u);
    EXPECT_FALSE(b.key);
    EXPECT_TRUE(look_at(*unit_of(i_slice())).recovery);
    EXPECT_FALSE(look_at(*unit_of(p_slice())).recovery);
}

TEST(ProbeSound, Bitrate) {
    SoundMeter m;
    EXPECT_EQ(m.bitrate(48000), 0u);
    for (int i = 0; i < 50; i++)
        m.add(160, 960);
    EXPECT_EQ(m.bitrate(48000), 64000u);
    EXPECT_EQ(m.packets(), 50u);
}

TEST(ProbeClock, SteadyOne) {
    const ClockFigures f = clock_of(0, 0).figures();
    EXPECT_EQ(f.packets, 450u);
    EXPECT_EQ(f.lost, 0u);
    EXPECT_EQ(f.jumps, 0u);
    EXPECT_NEAR(f.fps, 25, 1e-3);
    EXPECT_NEAR(f.drift_ppm, 0, 10);
    EXPECT_NEAR(f.jitter_ms, 0, 0.02);
    EXPECT_TRUE(f.advances);
    EXPECT_FALSE(f.reordered);
    EXPECT_FALSE(f.variable_fps);
}

TEST(ProbeClock, DriftIsFoundAndJitterSaysHowCertainThatIs) {
    EXPECT_NEAR(clock_of(2000, 0).figures().drift_ppm, 2000, 20);
    EXPECT_NEAR(clock_of(-2000, 0).figures().drift_ppm, -2000, 20);
    const ClockFigures f = clock_of(0, 0.005).figures();
    EXPECT_LT(std::abs(f.drift_ppm), 3 * f.uncertainty_ppm);
    EXPECT_LT(f.uncertainty_ppm, 3000);
    EXPECT_NEAR(f.jitter_ms, 5.6, 3); // of two normal distributions
    EXPECT_NEAR(f.fps, 25, 1e-3);     // which the arrival does not touch
}

TEST(ProbeClock, LostPackets) {
    RtpClock c(90000);
    uint16_t sequence = 65'533;
    for (uint32_t i = 0; i < 100; i++, sequence++)
        if (i % 10 != 5)
            c.packet(sequence, i * 3600, i * 0.04);
    EXPECT_EQ(c.figures().lost, 10u);
    // What comes late is not lost.
    RtpClock late(90000);
    for (const uint16_t s : {1, 2, 4, 3, 5, 6, 7})
        late.packet(s, s * 3600u, s * 0.04);
    EXPECT_EQ(late.figures().lost, 0u);
}

TEST(ProbeClock, JumpsAreCountedAndGoneOver) {
    for (const uint32_t jump : {3600u * 90000u, static_cast<uint32_t>(-5 * 90000)}) {
        RtpClock c(90000);
        for (uint32_t i = 0; i < 100; i++)
            c.packet(static_cast<uint16_t>(i), i * 3600 + (i >= 50 ? jump : 0), i * 0.04);
        const ClockFigures f = c.figures();
        EXPECT_EQ(f.jumps, 1u);
        EXPECT_NEAR(f.fps, 25, 0.3);
    }
}

TEST(ProbeClock, APauseIsNoJump) {
    RtpClock c(90000);
    for (uint32_t i = 0; i < 100; i++)
        c.packet(static_cast<uint16_t>(i), i * 3600 + (i >= 50 ? 270'000 : 0), i * 0.04 + (i >= 50 ? 3 : 0));
    EXPECT_EQ(c.figures().jumps, 0u);
}

TEST(ProbeClock, OneThatStandsOrCreeps) {
    for (const uint32_t step : {0u, 100u}) {
        RtpClock c(90000);
        for (uint32_t i = 0; i < 100; i++)
            c.packet(static_cast<uint16_t>(i), i * step, i * 0.04);
        EXPECT_FALSE(c.figures().advances) << step;
        EXPECT_EQ(c.figures().fps, 0);
    }
}

TEST(ProbeClock, BFramesGoBack) {
    RtpClock c(90000);
    uint16_t sequence = 0;
    for (uint32_t i = 0; i < 60; i += 3) {
        for (const uint32_t n : {i + 3, i + 1, i + 2}) {
            c.packet(sequence, n * 3600, sequence * 0.04);
            sequence++;
        }
    }
    const ClockFigures f = c.figures();
    EXPECT_TRUE(f.reordered);
    EXPECT_EQ(f.jumps, 0u);
    EXPECT_NEAR(f.fps, 25, 0.01);
    EXPECT_NEAR(f.jitter_ms, 0, 0.1);
}

TEST(ProbeClock, NothingAtAll) {
    const ClockFigures f = RtpClock(90000).figures();
    EXPECT_EQ(f.packets, 0u);
    EXPECT_EQ(f.lost, 0u);
    EXPECT_TRUE(f.advances);
}
