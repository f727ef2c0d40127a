// SPDX-License-Identifier: LGPL-2.1-or-later
// The channel's contract: memory and readers (points 6 and 7). The others: channel_test.cpp.
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;
using Written = Channel::Written;

namespace {

constexpr GstClockTime ms = GST_MSECOND, s = GST_SECOND;

std::shared_ptr<Channel> make(ChannelLimits limits = {}) { return std::make_shared<Channel>("front/main", limits); }

struct Bell : Wakeup {
    int rung = 0;
    void wake() override { rung++; }
};

// --- 6: memory ---

TEST(ChannelMemory, ANewGopReplacesTheOldOne) {
    auto c = make();
    Producer p(c, 1000 * s, true);
    for (int gop = 0; gop < 5; gop++) {
        p.key(1000);
        for (int i = 0; i < 49; i++) {
            p.sound();
            p.delta(100);
        }
    }
    const auto st = c->stats(p.now);
    EXPECT_TRUE(st.gop_complete);
    EXPECT_LE(st.cached_time, 2 * s + 400 * ms);
    EXPECT_EQ(st.key_units, 5u);
    EXPECT_EQ(st.access_units, 5u * 99);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*r, false).find_first_not_of("Kda"), std::string::npos);
}

TEST(ChannelMemory, AReaderJustBehindKeepsTheEndOfTheOldGop) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    p.key();
    EXPECT_EQ(drain(*r), "!*K");
    for (int i = 0; i < 9; i++)
        p.delta();
    p.key();
    EXPECT_EQ(drain(*r), "dddddddddK"); // 400 ms: nothing was taken from it
    EXPECT_EQ(r->skips(), 0u);
}

TEST(ChannelMemory, OfJpegOnlyTheNewestPictureIsKept) {
    auto c = make();
    Producer p(c);
    p.begin(false, jpeg_caps());
    auto slow = c->attach(Start::cached_gop, true, true);
    for (uint8_t i = 0; i < 10; i++)
        p.video(jpeg(320, 240, 1000, i));
    const auto st = c->stats(p.now);
    EXPECT_EQ(st.cached_units, 1u);
    EXPECT_LE(st.cached_bytes, 2000u);
    EXPECT_TRUE(st.gop_complete);
    const auto next = slow->next();
    EXPECT_TRUE(next.skipped);
    EXPECT_EQ(bytes_of(next.unit), jpeg(320, 240, 1000, 9)) << "late pictures are not made up for";
    EXPECT_EQ(drain(*c->attach(Start::cached_gop, true, true)), "!K");
}

TEST(ChannelMemory, SoundBesideJpegHasNoGaps) {
    auto c = make();
    Producer p(c);
    p.begin(true, jpeg_caps());
    p.video(jpeg());
    auto r = c->attach(Start::live, false, true);
    for (int i = 0; i < 8; i++) { // 320 ms
        p.sound();
        p.video(jpeg());
    }
    EXPECT_EQ(drain(*r, false), "aaaaaaaa");
    EXPECT_EQ(r->skips(), 0u);
    for (int i = 0; i < 100; i++) {
        p.sound();
        p.video(jpeg());
    }
    EXPECT_LE(c->stats(p.now).cached_time, 440 * ms);
}

struct Bound {
    const char* name;
    ChannelLimits limits;
};
class ChannelBounds : public testing::TestWithParam<Bound> {};

TEST_P(ChannelBounds, ALongGopKeepsRunningReadersAndRefusesNewOnes) {
    auto c = make(GetParam().limits);
    Producer p(c);
    auto running = c->attach(Start::cached_gop, true, true);
    p.key(100);
    std::string got = drain(*running, false);
    for (int i = 0; i < 100; i++) {
        p.delta(100);
        got += drain(*running, false);
        const auto st = c->stats(p.now);
        const auto within = [](uint64_t value, uint64_t limit) { return limit == 0 || value <= limit; };
        ASSERT_TRUE(within(st.cached_bytes, GetParam().limits.max_bytes)) << st.cached_bytes;
        ASSERT_TRUE(within(st.cached_units, GetParam().limits.max_buffers)) << st.cached_units;
        ASSERT_TRUE(within(st.cached_time, GetParam().limits.max_time)) << st.cached_time;
    }
    EXPECT_EQ(got, "K" + std::string(100, 'd')); // nothing lost
    EXPECT_EQ(running->skips(), 0u);
    const auto st = c->stats(p.now);
    EXPECT_FALSE(st.gop_complete);
    EXPECT_EQ(st.overflows, 1u);
    EXPECT_GT(st.cached_units, 2u); // the newest are there still
    auto late = c->attach(Start::cached_gop, true, true);
    EXPECT_FALSE(late->rewind());
    EXPECT_EQ(drain(*late), "");
    p.delta(100);
    EXPECT_EQ(drain(*late), "");
    p.key(100);
    EXPECT_EQ(drain(*late), "!K");
    EXPECT_EQ(drain(*running), "dK");
    EXPECT_TRUE(c->stats(p.now).gop_complete);
}

INSTANTIATE_TEST_SUITE_P(Limits, ChannelBounds,
                         testing::Values(Bound{"bytes", {3000, 0, 0}}, Bound{"buffers", {0, 20, 0}},
                                         Bound{"time", {0, 0, 2 * s}}),
                         [](const auto& bound) { return bound.param.name; });

TEST(ChannelMemory, OneUnitLargerThanTheLimitIsKept) {
    auto c = make({.max_bytes = 1000});
    Producer p(c);
    p.key(5000);
    EXPECT_EQ(c->stats(p.now).cached_units, 1u);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*r), "!*K");
}

TEST(ChannelMemory, SmallerLimitsActAtOnce) {
    auto c = make();
    Producer p(c);
    p.key();
    for (int i = 0; i < 50; i++)
        p.delta();
    ChannelLimits l = c->limits();
    l.max_buffers = 10;
    c->set_limits(l);
    EXPECT_EQ(c->stats(p.now).cached_units, 10u);
    EXPECT_FALSE(c->stats(p.now).gop_complete);
}

TEST(ChannelMemory, DefaultsHoldTenSecondsAtFourMegabits) {
    auto c = make();
    Producer p(c);
    p.key(60000);
    for (int i = 0; i < 249; i++)
        p.delta(20000);
    EXPECT_TRUE(c->stats(p.now).gop_complete);
    EXPECT_EQ(c->stats(p.now).overflows, 0u);
    EXPECT_EQ(c->stats(p.now).cached_units, 250u);
}

TEST(ChannelMemory, AfterTheProducerHasGoneNobodyStartsWithAnOldPicture) {
    auto c = make();
    Producer p(c);
    auto running = c->attach(Start::cached_gop, true, true);
    p.key();
    p.delta();
    c->close(p.token);
    EXPECT_EQ(drain(*running), "!*Kd"); // what is there may be finished
    auto late = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*late), "");
    p.begin();
    p.key();
    EXPECT_EQ(drain(*late), "!*K");
    EXPECT_EQ(drain(*running), "*K");
}

// --- 7: readers ---

TEST(ChannelReaders, StartModes) {
    auto c = make();
    Producer p(c);
    p.key();
    p.delta();
    auto cached = c->attach(Start::cached_gop, true, true), next = c->attach(Start::next_key_unit, true, true),
         live = c->attach(Start::live, true, true);
    EXPECT_EQ(drain(*cached), "!*Kd");
    EXPECT_EQ(drain(*next), "");
    EXPECT_EQ(drain(*live), "");
    p.delta();
    EXPECT_EQ(drain(*cached), "d");
    EXPECT_EQ(drain(*next), "");
    EXPECT_EQ(drain(*live), "!d");
    p.key();
    EXPECT_EQ(drain(*cached), "K");
    EXPECT_EQ(drain(*next), "!K");
    EXPECT_EQ(drain(*live), "K");
}

TEST(ChannelReaders, TakeTheKindsThatTheyWant) {
    auto c = make();
    Producer p(c, 1000 * s, true);
    auto video = c->attach(Start::cached_gop, true, false), audio = c->attach(Start::cached_gop, false, true),
         both = c->attach(Start::cached_gop, true, true);
    p.key();
    p.sound();
    p.delta();
    p.sound();
    EXPECT_EQ(drain(*video, false), "Kd");
    EXPECT_EQ(drain(*audio, false), "aa");
    EXPECT_EQ(drain(*both, false), "Kada");
}

TEST(ChannelReaders, ASlowOneIsMovedToTheNewestKeyUnitAndCounted) {
    auto c = make();
    Producer p(c);
    auto slow = c->attach(Start::cached_gop, true, true), quick = c->attach(Start::cached_gop, true, true);
    std::string got;
    for (int gop = 0; gop < 3; gop++) {
        p.key();
        for (int i = 0; i < 25; i++)
            p.delta();
        got += drain(*quick, false);
        if (gop == 0) {
            EXPECT_TRUE(slow->next().unit->key);
        }
    }
    EXPECT_EQ(got.size(), 78u);
    EXPECT_EQ(slow->backlog(), 26u); // what is still there
    const auto n = slow->next();
    EXPECT_TRUE(n.skipped);
    EXPECT_TRUE(n.unit->key);
    EXPECT_EQ(n.unit->seq, 52u); // the newest GOP's
    EXPECT_EQ(slow->skips(), 1u);
    EXPECT_EQ(quick->skips(), 0u);
    EXPECT_EQ(c->stats(p.now).skips, 1u);
    EXPECT_EQ(drain(*slow), std::string(25, 'd'));
}

TEST(ChannelReaders, ASlowOneWaitsWhenNoKeyUnitIsThere) {
    auto c = make({.max_buffers = 10});
    Producer p(c);
    auto slow = c->attach(Start::cached_gop, true, true);
    p.key();
    EXPECT_EQ(drain(*slow), "!*K");
    for (int i = 0; i < 30; i++)
        p.delta();
    EXPECT_EQ(drain(*slow), "");
    EXPECT_EQ(slow->skips(), 1u);
    p.delta();
    EXPECT_EQ(drain(*slow), "");
    p.key();
    p.delta();
    EXPECT_EQ(drain(*slow), "!Kd");
    EXPECT_EQ(slow->skips(), 1u);
}

TEST(ChannelReaders, TheBacklogIsOfTheKindsThatAreRead) {
    auto c = make();
    Producer p(c, 1000 * GST_SECOND, true);
    auto both = c->attach(Start::cached_gop, true, true), video = c->attach(Start::cached_gop, true, false),
         sound = c->attach(Start::live, false, true);
    const auto backlogs = [&] {
        return std::to_string(both->backlog()) + " " + std::to_string(video->backlog()) + " " +
               std::to_string(sound->backlog());
    };
    EXPECT_EQ(backlogs(), "0 0 0");
    p.key();
    p.sound();
    p.sound();
    p.delta();
    p.sound();
    EXPECT_EQ(backlogs(), "5 2 3");
    EXPECT_TRUE(video->next().unit);
    EXPECT_TRUE(sound->next().unit);
    EXPECT_TRUE(both->next().unit);
    EXPECT_EQ(backlogs(), "4 1 2");
    sound->skip_all();
    EXPECT_EQ(backlogs(), "4 1 0");
    EXPECT_EQ(drain(*sound), "");
    p.sound();
    EXPECT_EQ(drain(*sound), "!a");
}

TEST(ChannelReaders, SkipAndRewind) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_FALSE(r->rewind());
    EXPECT_FALSE(r->skip_to_newest_key());
    p.key();
    p.delta();
    EXPECT_EQ(drain(*r), "!*Kd");
    EXPECT_TRUE(r->rewind());
    EXPECT_EQ(drain(*r), "!*Kd");
    EXPECT_EQ(r->skips(), 0u); // going back loses nothing
    p.delta();
    p.key();
    EXPECT_TRUE(r->newer_key_waiting());
    EXPECT_EQ(r->backlog(), 2u);
    EXPECT_TRUE(r->skip_to_newest_key());
    EXPECT_FALSE(r->newer_key_waiting());
    EXPECT_EQ(drain(*r), "!K");
    EXPECT_EQ(r->skips(), 1u);
    EXPECT_FALSE(r->skip_to_newest_key());
}

TEST(ChannelReaders, HoldNoMemoryOfTheChannel) {
    auto c = make({.max_buffers = 10});
    Producer p(c);
    auto idle = c->attach(Start::cached_gop, true, true);
    p.key();
    for (int i = 0; i < 500; i++)
        ASSERT_EQ(p.delta(), Written::ok);
    EXPECT_EQ(c->stats(p.now).cached_units, 10u);
}

TEST(ChannelReaders, OutliveTheChannelsOwner) {
    auto c = make();
    Producer p(c);
    p.key();
    auto r = c->attach(Start::cached_gop, true, true);
    p.channel.reset();
    c.reset();
    EXPECT_EQ(drain(*r), "!*K");
}

TEST(ChannelReaders, AreWokenAndOnlyWhileTheyWant) {
    auto c = make();
    Producer p(c);
    auto bell = std::make_shared<Bell>();
    p.key();
    c->add_wakeup(bell);
    p.delta();
    p.delta();
    EXPECT_EQ(bell->rung, 2);
    p.video(aud()); // nothing came of it
    EXPECT_EQ(bell->rung, 2);
    c->remove_wakeup(bell);
    c->remove_wakeup(bell);
    p.delta();
    EXPECT_EQ(bell->rung, 2);
}

TEST(ChannelReaders, AreCounted) {
    auto c = make();
    std::vector<unsigned> told;
    c->on_readers_changed = [&](unsigned n) { told.push_back(n); };
    auto a = c->attach(Start::live, true, true);
    auto b = c->attach(Start::live, true, true);
    EXPECT_EQ(c->stats(0).readers, 2u);
    a.reset();
    b.reset();
    EXPECT_EQ(told, (std::vector<unsigned>{1, 2, 1, 0}));
}

} // namespace
