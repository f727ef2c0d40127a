// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/time_mapper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
        {"no stamps any more",
         {{t0, t0}, {none, t0 + 40 * ms}, {none, t0 + 80 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms},
         2,
         0},
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
        {"a larger step back does not hold the picture up, and is one",
         {{t0, t0 + 10 * ms},
          {t0 + 40 * ms, t0 + 50 * ms},
          {t0 - 400 * ms, t0 + 90 * ms},
          {t0 - 360 * ms, t0 + 130 * ms},
          {t0 - 320 * ms, t0 + 170 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms, t0 + 120 * ms, t0 + 160 * ms},
         1,
         0},
        {"two units of one picture advance, and are no fault",
         {{t0, t0}, {t0, t0 + 4 * ms}, {t0 + 40 * ms, t0 + 41 * ms}, {t0 + 40 * ms, t0 + 41 * ms}},
         {t0, t0 + GST_USECOND, t0 + 40 * ms, t0 + 40 * ms + GST_USECOND},
         0,
         0},
        {"stamps that come in pairs are told apart by their arrival",
         {{t0, t0 + 10 * ms}, {t0, t0 + 50 * ms}, {t0 + 80 * ms, t0 + 90 * ms}, {t0 + 80 * ms, t0 + 130 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms, t0 + 120 * ms},
         2,
         0},
        {"frozen under B-frames, too",
         {{t0, t0 + 10 * ms, 0, true}, {t0, t0 + 50 * ms, 0, true}, {t0, t0 + 90 * ms, 0, true}},
         {t0, t0 + 40 * ms, t0 + 80 * ms},
         2,
         0},
        {"goes on after it stood",
         {{t0, t0 + 10 * ms},
          {t0, t0 + 50 * ms},
          {t0, t0 + 90 * ms},
          {t0 + 120 * ms, t0 + 130 * ms},
          {t0 + 160 * ms, t0 + 170 * ms}},
         {t0, t0 + 40 * ms, t0 + 80 * ms, t0 + 120 * ms, t0 + 160 * ms},
         2,
         0},
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

// What a camera's stamps look like, unit by unit at 25 a second, and what a reader must see of them all the same: 40 ms from
// one unit to the next, up to the jitter of the arrival, and no step anywhere.
struct Pace {
    const char* name;
    GstClockTime (*stamp)(int unit); // from t0 on
    GstClockTime hiccup;             // the largest step that is allowed at the beginning, until it is noticed
};
constexpr GstClockTime frame = 40 * ms;

TEST(TimeMapper, WhatStandsOrCreepsComesOutAtThePaceOfItsArrival) {
    const Pace rows[] = {
        {"right", [](int i) { return t0 + i * frame; }, frame},
        {"frozen from the first unit on", [](int) { return t0; }, frame},
        {"frozen later", [](int i) { return t0 + std::min(i, 100) * frame; }, frame},
        {"one tick of 90 kHz each", [](int i) { return t0 + i * 11111; }, 400 * ms},
        {"a tenth of the pace", [](int i) { return t0 + i * 4 * ms; }, 400 * ms},
        {"creeps, and is set right once a second", [](int i) { return t0 + i / 25 * s + i % 25 * 300 * GST_USECOND; },
         400 * ms},
        {"back to the same second again and again", [](int i) { return t0 + i % 25 * frame; }, frame},
        {"back by half a second each second", [](int i) { return t0 + i * frame - GstClockTime(i / 25) * 500 * ms; },
         frame},
        {"forward by an hour each second", [](int i) { return t0 + i * frame + GstClockTime(i / 25) * 3600 * s; },
         frame},
    };
    constexpr GstClockTime jitter = 8 * ms; // of the arrival: behind the stamp by 20 ms, give or take
    for (const Pace& row : rows) {
        for (const bool reorder : {false, true}) {
            if (reorder && row.hiccup != frame)
                continue; // stamps that go back and forth are looked at for longer
            if (reorder && g_str_has_prefix(row.name, "back"))
                continue; // within the window this is what B-frames do
            TimeMapper m;
            m.begin_generation();
            GstClockTime last = 0, first_lag = 0;
            for (int i = 0; i < 1000; i++) {
                const GstClockTime now = t0 + i * frame + 20 * ms + GstClockTime(i * 7 % 5) * jitter / 4;
                const GstClockTime t = m.map(0, row.stamp(i), now, reorder);
                ASSERT_LE(t, now) << row.name << i;
                if (i == 0) {
                    first_lag = now - t;
                } else {
                    const GstClockTime step = t - last, most = (i < 20 ? row.hiccup : frame) + 20 * ms + jitter;
                    ASSERT_GT(t, last) << row.name << ' ' << i;
                    ASSERT_LE(step, most) << row.name << ' ' << i;
                }
                if (i >= 20) {
                    ASSERT_GE(t - last + jitter + 20 * ms, frame) << row.name << ' ' << i;
                    // Never further behind than it was when it was right: the sound is there, too.
                    ASSERT_LE(now - t, first_lag + jitter + 20 * ms) << row.name << ' ' << i;
                }
                last = t;
            }
        }
    }
}

TEST(TimeMapper, WhatStandsIsCountedAndLeavesTheOthersAlone) {
    TimeMapper m;
    m.begin_generation();
    for (int i = 0; i < 1500; i++) { // a minute: the picture's stamps stand, the sound's are right
        const GstClockTime now = t0 + i * frame + 30 * ms;
        const GstClockTime picture = m.map(0, t0, now, false), sound = m.map(1, t0 + i * frame, now, false);
        ASSERT_EQ(picture, t0 + i * frame) << i;
        ASSERT_EQ(sound, t0 + i * frame) << i;
    }
    EXPECT_EQ(m.repairs().clamped, 1499u);
    EXPECT_EQ(m.repairs().jumps, 0u);
}

// A network that held everything back and then lets it through: the stamps are right all the time, and stay.
TEST(TimeMapper, ABurstIsNotMistakenForStampsThatCreep) {
    for (const GstClockTime held : {300 * ms, 1 * s, 3 * s, 8 * s}) {
        for (const GstClockTime each : {GstClockTime(0), 1 * ms, 10 * ms, 20 * ms}) { // between two units of the burst
            TimeMapper m;
            m.begin_generation();
            GstClockTime now = t0;
            for (int i = 0; i < 600; i++) {
                const GstClockTime stamp = t0 + i * frame;
                if (i == 100)
                    now += held;
                now = std::max(i < 100 ? stamp : now + each, stamp);
                ASSERT_EQ(m.map(0, stamp, now, false), stamp) << held << ' ' << each << ' ' << i;
            }
            EXPECT_EQ(m.repairs().clamped + m.repairs().jumps, 0u);
        }
    }
}

TEST(TimeMapper, ClumpsOfUnitsAreNotMistakenEither) {
    for (const int clump : {2, 5, 12, 25, 50}) {
        TimeMapper m;
        m.begin_generation();
        for (int i = 0; i < 500; i++) {
            const GstClockTime stamp = t0 + i * frame, now = t0 + GstClockTime(i / clump + 1) * clump * frame;
            ASSERT_EQ(m.map(0, stamp, now, false), stamp) << clump << ' ' << i;
        }
    }
}

TEST(TimeMapper, BFramesAreNotMistakenForStampsThatStand) {
    // Decode order of a pyramid of 8: far ahead, then back in halves.
    const int order[] = {8, 4, 2, 1, 3, 6, 5, 7};
    TimeMapper m;
    m.begin_generation();
    GstClockTime now = t0 + 400 * ms;
    EXPECT_EQ(m.map(0, t0, now, true), t0);
    for (int gop = 0; gop < 50; gop++)
        for (const int n : order) {
            now += frame;
            const GstClockTime stamp = t0 + GstClockTime(gop * 8 + n) * frame;
            ASSERT_EQ(m.map(0, stamp, now, true), stamp) << gop << ' ' << n;
        }
    EXPECT_EQ(m.repairs().clamped + m.repairs().jumps, 0u);
}

// A camera whose picture was set another hour while its sound was not: no mapping suits both, and each goes by its arrival.
TEST(TimeMapper, TracksThatContradictEachOtherStayTogetherByTheirArrival) {
    for (const int64_t apart :
         {int64_t(3600 * s), -int64_t(3600 * s), int64_t(5 * s), -int64_t(5 * s), int64_t(600 * ms)}) {
        TimeMapper m;
        m.begin_generation();
        const GstClockTime start = t0 + 7200 * s;
        GstClockTime last_picture = 0, last_sound = 0;
        for (int i = 0; i < 500; i++) {
            const GstClockTime now = start + i * frame + 20 * ms;
            const GstClockTime stamp = start + i * frame;
            const GstClockTime picture = m.map(0, stamp + (i < 100 ? 0 : apart), now, false);
            const GstClockTime sound = m.map(1, stamp, now, false);
            ASSERT_LE(std::max(picture, sound), now);
            ASSERT_GT(picture, last_picture) << apart << ' ' << i;
            ASSERT_GT(sound, last_sound) << apart << ' ' << i;
            if (i > 110) {
                ASSERT_LE(now - picture, 650 * ms) << apart << ' ' << i;
                ASSERT_LE(now - sound, 650 * ms) << apart << ' ' << i;
                ASSERT_LE(picture - last_picture, 2 * frame) << apart << ' ' << i;
            }
            last_picture = picture;
            last_sound = sound;
        }
        EXPECT_GT(m.repairs().clamped + m.repairs().jumps, 0u);
    }
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
