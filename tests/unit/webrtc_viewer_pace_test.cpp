// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/viewer_rig.hpp"

namespace sluice {
namespace {

using namespace test;

using ViewerPaceTest = ViewerStreamTest;

// A key unit of 60 kB at 2 Mbit/s: it leaves in pieces, and what is behind it waits.
TEST_F(ViewerPaceTest, ABigUnitLeavesInPieces) {
    key(main_camera, 1, 60'000);
    watch();
    viewer->pace().set_estimate(2'000'000, now);
    const GstClockTime begun = now;
    send();
    EXPECT_GE(now - begun, 80 * GST_MSECOND);
    EXPECT_LE(now - begun, 250 * GST_MSECOND);
    EXPECT_GT(sent_at.size(), 10u);
    EXPECT_EQ(viewer->stats().units, 1u);
    EXPECT_TRUE(packets.back().marker);
    delta(main_camera, 2);
    EXPECT_EQ(send(), "d2");
    expect_a_sound_stream();
}

TEST_F(ViewerPaceTest, WhatComesTooLateIsDroppedUpToTheNextKeyUnit) {
    gop(main_camera, 1, 2);
    watch();
    viewer->pace().set_estimate(1'000'000, now);
    send();
    for (uint8_t id = 3; id < 63; ++id) { // 60 units of 20 kB: 4 Mbit/s in 2.4 s
        delta(main_camera, id, 20'000);
        const GstClockTime end = now;
        for (GstClockTime t = end - 40 * GST_MSECOND; t < end; t += 2 * GST_MSECOND) {
            now = t;
            step();
            EXPECT_LE(viewer->late(now), ViewerStream::latest + 10 * GST_MSECOND);
        }
        now = end;
    }
    EXPECT_EQ(viewer->stats().drops, 1u) << "all the rest of the GOP at once";
    const size_t before = packets.size();
    now += GST_SECOND;
    send();
    EXPECT_EQ(packets.size(), before);
    key(main_camera, 101);
    EXPECT_EQ(send(), "K101");
    // No gap in the numbers: the viewer asks for nothing. The picture that was cut off has no end, the next one has its own time.
    for (size_t i = 1; i < packets.size(); ++i)
        ASSERT_EQ(packets[i].seq, static_cast<uint16_t>(packets[i - 1].seq + 1));
    EXPECT_GT(static_cast<int32_t>(packets.back().timestamp - packets[before - 1].timestamp), 0);
}

TEST_F(ViewerPaceTest, ASwitchDownDoesNotWaitForABigUnit) {
    gop(sub_camera, 101, 103);
    gop(main_camera, 1, 2);
    watch();
    viewer->pace().set_estimate(800'000, now);
    send();
    key(main_camera, 3, 150'000); // a second and a half
    step();
    ask_for("sub");
    const GstClockTime asked_at = now;
    std::string what;
    while (what.find("K103") == std::string::npos && what.find("d103") == std::string::npos &&
           now < asked_at + GST_SECOND)
        what += send(1) + " ";
    EXPECT_LE(now - asked_at, 400 * GST_MSECOND) << what;
    EXPECT_EQ(viewer->stream(), "sub");
}

TEST_F(ViewerPaceTest, ASwitchUpDoesNotFillThePathWithThePast) {
    gop(sub_camera, 101, 102);
    key(main_camera, 1, 100'000);
    for (uint8_t id = 2; id < 40; ++id)
        delta(main_camera, id, 20'000); // 0.9 MB
    watch("sub");
    viewer->pace().set_estimate(6'000'000, now);
    send();
    now += GST_SECOND;
    ask_for("main");
    EXPECT_EQ(send(), "");
    delta(sub_camera, 103);
    EXPECT_EQ(send(), "d103") << "goes on where it is";
    delta(main_camera, 40, 20'000);
    EXPECT_EQ(send(), "");
    key(main_camera, 41);
    EXPECT_EQ(send(), "K41");
    EXPECT_EQ(viewer->stream(), "main");
    expect_a_sound_stream();
}

TEST_F(ViewerPaceTest, AProbeIsTheNewestPacketsOnceMore) {
    key(main_camera, 1, 20'000);
    delta(main_camera, 2);
    watch();
    viewer->pace().set_estimate(2'000'000, now);
    send();
    now += GST_SECOND;
    viewer->probe(6'000'000, 20 * GST_MSECOND);
    const GstClockTime begun = now;
    std::optional<Probe> probe;
    std::vector<uint16_t> again;
    while (viewer->probing() && now < begun + GST_SECOND) {
        auto s = viewer->step(now);
        EXPECT_FALSE(s.packets);
        if (s.probe) {
            EXPECT_TRUE(again.empty()) << "told before it leaves";
            probe = s.probe;
        }
        again.insert(again.end(), s.again.begin(), s.again.end());
        EXPECT_TRUE(!viewer->probing() || s.wait_until > now);
        now = std::max(now, s.wait_until);
    }
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->from, begun);
    EXPECT_EQ(probe->to, begun + 20 * GST_MSECOND);
    EXPECT_EQ(now, probe->to);
    EXPECT_GE(again.size(), 12u); // 15 kB
    EXPECT_LE(again.size(), 20u);
    for (const uint16_t seq : again)
        EXPECT_TRUE(std::any_of(packets.begin(), packets.end(), [&](const auto& p) { return p.seq == seq; })) << seq;
    delta(main_camera, 3);
    EXPECT_EQ(send(), "d3");
    expect_a_sound_stream();
}

TEST_F(ViewerPaceTest, WithSpotChecksOnlyTheEndOfAPictureIsReported) {
    key(main_camera, 1, 60'000);
    watch();
    viewer->set_spot_checks(true);
    viewer->pace().set_estimate(3'000'000, now);
    unsigned ends = 0;
    for (const GstClockTime end = now + GST_SECOND; now < end; now += GST_MSECOND) {
        auto s = viewer->step(now);
        if (!s.packets)
            continue;
        const bool end_of_picture = rtp_packets(s.packets.get()).back().marker;
        EXPECT_EQ(s.numbered, end_of_picture ? Numbered::last : Numbered::none);
        EXPECT_FALSE(s.probe) << "too little would be known of it";
        ends += end_of_picture;
    }
    EXPECT_EQ(ends, 1u);
}

// What is sent once more bears a number only if it bore one.
TEST_F(ViewerPaceTest, AProbeAfterSpotChecksWaitsForPacketsThatAreReported) {
    key(main_camera, 1, 20'000);
    watch();
    viewer->set_spot_checks(true);
    viewer->pace().set_estimate(20'000'000, now);
    send();
    EXPECT_EQ(viewer->numbered_again(), Numbered::none);
    viewer->set_spot_checks(false);
    viewer->probe(6'000'000, 20 * GST_MSECOND);
    auto s = viewer->step(now);
    EXPECT_TRUE(s.again.empty() && !s.probe);
    EXPECT_TRUE(viewer->probing());
    delta(main_camera, 2, 5000);
    now += GST_SECOND;
    s = viewer->step(now);
    ASSERT_TRUE(s.packets);
    EXPECT_EQ(s.numbered, Numbered::all);
    const uint16_t first = rtp_packets(s.packets.get()).front().seq;
    s = viewer->step(now);
    ASSERT_TRUE(s.probe);
    ASSERT_FALSE(s.again.empty());
    for (const uint16_t seq : s.again)
        EXPECT_GE(seq, first);
}

TEST_F(ViewerPaceTest, ABurstIsAProbeToo) {
    key(main_camera, 1, 60'000);
    watch();
    viewer->pace().set_estimate(3'000'000, now);
    std::optional<Probe> probe;
    const GstClockTime begun = now;
    while (now < begun + GST_SECOND) {
        auto s = viewer->step(now);
        if (s.probe)
            probe = s.probe;
        now = std::max(now + GST_MSECOND, s.wait_until);
    }
    ASSERT_TRUE(probe);
    EXPECT_GE(probe->from, begun);
    EXPECT_LE(probe->to - probe->from, ViewerStream::longest_train);
    EXPECT_GE(probe->bitrate, 4'000'000u);
    delta(main_camera, 2);
    EXPECT_FALSE(viewer->step(now).probe) << "one packet shows nothing";
}

} // namespace
} // namespace sluice
