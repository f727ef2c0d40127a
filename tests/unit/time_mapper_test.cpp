// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/time_mapper.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using sluice::TimeMapper;

namespace {

constexpr GstClockTime ms = GST_MSECOND, s = GST_SECOND, none = GST_CLOCK_TIME_NONE;
constexpr GstClockTime t0 = 1000 * s;

struct In {
    GstClockTime pts, now;
    unsigned track = 0;
    bool reorder = false;
};

std::vector<GstClockTime> run(TimeMapper& m, const std::vector<In>& in) {
    std::vector<GstClockTime> out;
    for (const In& i : in)
        out.push_back(m.map(i.track, i.pts, i.now, i.reorder));
    return out;
}

TEST(TimeMapper, Table) {
    struct Row {
        const char* name;
        std::vector<In> in;
        std::vector<GstClockTime> out;
        uint64_t clamped, jumps;
    };
    const GstClockTime wrap = (GstClockTime(1) << 33) * s / 90000; // 26.5 h: a 90 kHz clock of 33 bits
    const Row rows[] = {
        {"what is right is kept", {{t0, t0}, {t0 + 40 * ms, t0 + 41 * ms}}, {t0, t0 + 40 * ms}, 0, 0},
        {"arrived late: still when it says", {{t0, t0 + 300 * ms}}, {t0}, 0, 0},
        {"no stamp: now", {{none, t0}, {none, t0 + 40 * ms}}, {t0, t0 + 40 * ms}, 0, 0},
        {"a little in the future slides the whole mapping",
         {{t0 + 30 * ms, t0}, {t0 + 70 * ms, t0 + 40 * ms}, {t0 + 110 * ms, t0 + 85 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms},
         1,
         0},
        {"one hour ahead",
         {{t0, t0}, {t0 + 3600 * s, t0 + 40 * ms}, {t0 + 3600 * s + 40 * ms, t0 + 80 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms},
         0,
         1},
        {"one hour back",
         {{t0 + 7200 * s, t0 + 7200 * s}, {t0 + 3600 * s, t0 + 7200 * s + 40 * ms}},
         {t0 + 7200 * s, t0 + 7200 * s + 40 * ms},
         0,
         1},
        {"wraps at 33 bits",
         {{wrap, wrap}, {40 * ms, wrap + 40 * ms}, {80 * ms, wrap + 80 * ms}},
         {wrap, wrap + 40 * ms, wrap + 80 * ms},
         0,
         1},
        {"older than ten seconds although it came just now", {{t0 - 11 * s, t0}}, {t0}, 0, 1},
        {"a small step back advances all the same",
         {{t0, t0}, {t0 - 100 * ms, t0 + 40 * ms}},
         {t0, t0 + GST_USECOND},
         1,
         0},
        {"equal stamps advance, and are no fault", {{t0, t0}, {t0, t0 + 5 * ms}}, {t0, t0 + GST_USECOND}, 0, 0},
        {"absurd stamps count as none",
         {{G_MAXUINT64 - 1, t0}, {GstClockTime(1) << 62, t0 + 40 * ms}},
         {t0, t0 + 40 * ms},
         0,
         0},
        {"B-frames keep their places",
         {{t0, t0 + 200 * ms, 0, true},
          {t0 + 120 * ms, t0 + 240 * ms, 0, true},
          {t0 + 40 * ms, t0 + 280 * ms, 0, true},
          {t0 + 80 * ms, t0 + 320 * ms, 0, true}},
         {t0, t0 + 120 * ms, t0 + 40 * ms, t0 + 80 * ms},
         0,
         0},
        {"B-frames reach back no further than the window",
         {{t0, t0, 0, true}, {t0 + 2 * s, t0 + 2 * s, 0, true}, {t0 + 500 * ms, t0 + 2040 * ms, 0, true}},
         {t0, t0 + 2 * s, t0 + 2040 * ms},
         0,
         1},
        {"zero is a time like others", {{0, 0}, {40 * ms, 40 * ms}}, {0, 40 * ms}, 0, 0},
    };
    for (const Row& r : rows) {
        TimeMapper m;
        m.begin_generation();
        EXPECT_EQ(run(m, r.in), r.out) << r.name;
        EXPECT_EQ(m.repairs().clamped, r.clamped) << r.name;
        EXPECT_EQ(m.repairs().jumps, r.jumps) << r.name;
    }
}

TEST(TimeMapper, FrozenStampsNeitherStopTimeNorPassNow) {
    TimeMapper m;
    GstClockTime last = m.map(0, t0, t0, false);
    for (int i = 1; i <= 1000; i++) { // 40 s
        const GstClockTime now = t0 + i * 40 * ms;
        const GstClockTime t = m.map(0, t0, now, false);
        EXPECT_GT(t, last);
        EXPECT_LE(t, now);
        EXPECT_LE(now - t, TimeMapper::max_lag);
        last = t;
    }
    EXPECT_GE(m.repairs().jumps, 3u); // once in ten seconds it catches up
}

TEST(TimeMapper, TracksKeepTheirDistanceWhenOneIsRepaired) {
    TimeMapper m;
    m.begin_generation();
    EXPECT_EQ(m.map(0, t0, t0, false), t0);
    EXPECT_EQ(m.map(1, t0 - 20 * ms, t0, false), t0 - 20 * ms);
    // The camera's clock is set an hour ahead: video shows it first.
    EXPECT_EQ(m.map(0, t0 + 3600 * s, t0 + 40 * ms, false), t0 + 40 * ms);
    EXPECT_EQ(m.map(1, t0 + 3600 * s - 20 * ms, t0 + 40 * ms, false), t0 + 20 * ms);
    // Ahead by little: sound shows it first, video follows.
    EXPECT_EQ(m.map(1, t0 + 3600 * s + 100 * ms, t0 + 80 * ms, false), t0 + 80 * ms);
    EXPECT_EQ(m.map(0, t0 + 3600 * s + 120 * ms, t0 + 120 * ms, false), t0 + 100 * ms);
}

TEST(TimeMapper, GenerationContinuesBehindEveryTrackOfTheOneBefore) {
    TimeMapper m;
    m.begin_generation();
    m.map(0, t0, t0, false);
    m.map(1, t0 + 90 * ms, t0 + 100 * ms, false);
    m.begin_generation();
    // The new producer's first picture is stamped before the last sound of the old one.
    const GstClockTime first = m.map(0, t0 + 50 * ms, t0 + 200 * ms, false);
    EXPECT_GT(first, t0 + 90 * ms);
    EXPECT_LE(first, t0 + 200 * ms);
    // The correction holds for the generation: the next picture is 40 ms later, not squeezed.
    EXPECT_EQ(m.map(0, t0 + 90 * ms, t0 + 240 * ms, false), first + 40 * ms);
}

TEST(TimeMapper, WhateverComesTimeNeverRunsAheadNorBackwards) {
    // A small generator of its own: the same numbers on every machine.
    uint64_t x = 88172645463325252ull;
    const auto random = [&x] {
        x ^= x << 13;
        x ^= x >> 7;
        return x ^= x << 17;
    };
    for (int round = 0; round < 200; round++) {
        TimeMapper m;
        m.begin_generation();
        const bool reorder = round % 2;
        GstClockTime now = random() % (100000 * s), newest = 0;
        for (int i = 0; i < 200; i++) {
            now += random() % (100 * ms);
            GstClockTime pts = 0;
            switch (random() % 5) {
            case 0: pts = none; break;
            case 1: pts = random(); break;
            case 2: pts = random() % (1 + now); break;
            default: pts = now - random() % (1 + std::min<GstClockTime>(now, 200 * ms)); break;
            }
            if (random() % 50 == 0) {
                m.begin_generation();
            }
            const GstClockTime t = m.map(0, pts, now, reorder);
            ASSERT_LE(t, now) << round << " " << i;
            ASSERT_GE(t + (reorder ? TimeMapper::reorder_window : 0), newest) << round << " " << i;
            newest = std::max(newest, t);
        }
    }
}

} // namespace
