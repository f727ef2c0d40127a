// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/sink_gate.hpp"

#include "plugins/fanout/source_counts.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using State = SinkGate::State;

namespace {

TEST(SinkGate, WithoutStandbyItOpensAtOnceAndWrites) {
    SinkGate g;
    EXPECT_EQ(g.state(), State::closed);
    const auto ticket = g.start();
    ASSERT_TRUE(ticket);
    EXPECT_EQ(g.token(), 0u);
    EXPECT_FALSE(g.start_point()) << "somebody is opening already";
    EXPECT_TRUE(g.opened(*ticket, 7));
    EXPECT_EQ(g.state(), State::writing);
    EXPECT_EQ(g.token(), 7u);
    EXPECT_FALSE(g.start_point());
    EXPECT_EQ(g.end(), 7u);
    EXPECT_EQ(g.end(), 0u) << "closed once";
    EXPECT_EQ(g.token(), 0u);
}

TEST(SinkGate, InStandbyNothingOpensUntilAStartPointAfterIt) {
    SinkGate g;
    EXPECT_EQ(g.set_standby(true), 0u);
    EXPECT_FALSE(g.start());
    EXPECT_EQ(g.state(), State::standby);
    EXPECT_FALSE(g.start_point());
    EXPECT_EQ(g.set_standby(false), 0u);
    EXPECT_EQ(g.state(), State::waiting);
    const auto ticket = g.start_point();
    ASSERT_TRUE(ticket);
    EXPECT_FALSE(g.start_point()) << "one opens";
    EXPECT_TRUE(g.opened(*ticket, 3));
    EXPECT_EQ(g.set_standby(false), 0u) << "no news";
    EXPECT_EQ(g.state(), State::writing);
    EXPECT_EQ(g.set_standby(true), 3u) << "it leaves the channel";
    EXPECT_EQ(g.state(), State::standby);
}

TEST(SinkGate, StandbyThatIsOverBeforeTheStartLeavesNoTrace) {
    SinkGate g;
    g.set_standby(true);
    g.set_standby(false);
    EXPECT_EQ(g.state(), State::closed);
    EXPECT_TRUE(g.start());
}

TEST(SinkGate, AnOrderWhileItOpensWins) {
    for (const int order : {0, 1, 2, 3}) {
        SinkGate g;
        g.set_standby(true);
        g.start();
        g.set_standby(false);
        const auto ticket = g.start_point();
        ASSERT_TRUE(ticket);
        std::optional<SinkGate::Ticket> second;
        switch (order) {
        case 0: EXPECT_EQ(g.set_standby(true), 0u); break;
        case 1: EXPECT_EQ(g.end(), 0u); break;
        case 2: // there and back: the unit in hand is an old one, the next start point opens
            g.set_standby(true);
            g.set_standby(false);
            break;
        case 3: // and another thread is at it already
            g.set_standby(true);
            g.set_standby(false);
            second = g.start_point();
            break;
        }
        const State before = g.state();
        EXPECT_FALSE(g.opened(*ticket, 5)) << order;
        EXPECT_EQ(g.state(), before) << order;
        EXPECT_EQ(g.token(), 0u) << order;
        if (second) {
            EXPECT_TRUE(g.opened(*second, 6));
            EXPECT_EQ(g.token(), 6u);
        }
    }
}

TEST(SinkGate, BehindItsEndOnlyAStartBringsItBack) {
    SinkGate g;
    g.opened(*g.start(), 4);
    g.end();
    g.set_standby(true);
    g.set_standby(false);
    EXPECT_EQ(g.state(), State::closed);
    EXPECT_FALSE(g.start_point());
    EXPECT_TRUE(g.start());
}

TEST(SourceCounts, PicturesBeforeTheFirstKeyUnitAreOfUseToNobody) {
    SourceCounts c;
    EXPECT_EQ(c.last_video, GST_CLOCK_TIME_NONE);
    c.video(false, 1);
    c.video(false, 2);
    c.audio(3);
    c.video(true, 4);
    c.video(false, 5);
    EXPECT_EQ(c.video_units, 4u);
    EXPECT_EQ(c.key_units, 1u);
    EXPECT_EQ(c.before_key, 2u);
    EXPECT_EQ(c.last_video, 5u);
    EXPECT_EQ(c.audio_units, 1u);
    EXPECT_EQ(c.last_audio, 3u);
}

TEST(SourceCounts, SoundIsTakenForAllThereIsAfterASecond) {
    SourceCounts c;
    EXPECT_FALSE(c.sound_settled(GST_SECOND));
    c.audio(5 * GST_SECOND);
    c.audio(5 * GST_SECOND + 20 * GST_MSECOND);
    EXPECT_FALSE(c.sound_settled(6 * GST_SECOND - 1));
    EXPECT_TRUE(c.sound_settled(6 * GST_SECOND));
}

} // namespace
