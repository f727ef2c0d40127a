// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/viewer_rig.hpp"

namespace sluice {
namespace {

using namespace test;

TEST_F(ViewerStreamTest, BeginsWithTheCachedGopInItsOrderAndGoesOnLive) {
    gop(main_camera, 1, 3);
    gop(main_camera, 4, 7);
    watch();
    EXPECT_EQ(send(), "K4 d5 d6 d7");
    delta(main_camera, 8);
    EXPECT_EQ(send(), "d8");
    key(main_camera, 9);
    EXPECT_EQ(send(), "K9");
    expect_a_sound_stream();
    EXPECT_EQ(viewer->stats().units, 6u);
    EXPECT_EQ(viewer->stats().skips, 0u);
}

TEST_F(ViewerStreamTest, SendsNothingBeforeAKeyUnitThere) {
    watch();
    EXPECT_EQ(send(), "");
    key(main_camera, 1);
    EXPECT_EQ(send(), "K1");
}

// The GOP may have gone on for seconds while ICE and DTLS were busy.
TEST_F(ViewerStreamTest, StartsAtTheNewestKeyUnitOfTheMomentItIsConnected) {
    gop(main_camera, 1, 3);
    watch();
    gop(main_camera, 4, 6);
    viewer->start();
    EXPECT_EQ(send(), "K4 d5 d6");
}

TEST_F(ViewerStreamTest, TheBurstIsPacedByDeadlines) {
    gop(main_camera, 1, 101);
    watch();
    const GstClockTime begun = now;
    EXPECT_TRUE(send().ends_with(" d101"));
    const GstClockTime took = now - begun;
    EXPECT_GE(took, 97 * Pacer::unit_gap);
    EXPECT_LE(took, 101 * Pacer::unit_gap);
    EXPECT_EQ(sent_at.front(), begun) << "the first picture at once";
}

TEST_F(ViewerStreamTest, LiveUnitsAreNotHeldBack) {
    gop(main_camera, 1, 3);
    watch();
    send();
    for (uint8_t id = 4; id < 40; ++id) {
        delta(main_camera, id, 200'000); // would be 26 ms at the burst's rate
        const GstClockTime before = now;
        EXPECT_EQ(send(), "d" + std::to_string(id));
        EXPECT_EQ(now, before);
    }
}

TEST_F(ViewerStreamTest, ANewGopDuringTheBurstIsReached) {
    gop(main_camera, 1, 50);
    watch();
    EXPECT_EQ(send(5), "K1 d2 d3 d4 d5");
    gop(main_camera, 101, 102);
    EXPECT_EQ(send(), "K101 d102") << "why send 45 old pictures when a new key unit is there";
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, APliIsAnsweredWithTheCachedGop) {
    gop(main_camera, 1, 4);
    watch();
    send();
    now += 2 * GST_SECOND;
    viewer->request_key_unit();
    EXPECT_EQ(send(), "K1 d2 d3 d4");
    delta(main_camera, 5);
    EXPECT_EQ(send(), "d5");
    expect_a_sound_stream();
    EXPECT_EQ(viewer->stats().plis, 1u);
    EXPECT_EQ(viewer->stats().repeats, 1u);
    EXPECT_FALSE(asked) << "the cache has what is wanted";
}

TEST_F(ViewerStreamTest, PlisAreAnsweredOnceASecond) {
    gop(main_camera, 1, 2);
    watch();
    send();
    const GstClockTime burst = sent_at.front();
    viewer->request_key_unit();
    now = burst + ViewerStream::repeat_interval - 1;
    EXPECT_EQ(send(), "") << "the start burst is just under way";
    viewer->request_key_unit();
    now = burst + ViewerStream::repeat_interval;
    EXPECT_EQ(send(), "K1 d2");
    for (int i = 0; i < 50; ++i) {
        viewer->request_key_unit();
        EXPECT_EQ(send(), "");
    }
    now += ViewerStream::repeat_interval;
    viewer->request_key_unit();
    EXPECT_EQ(send(), "K1 d2");
    EXPECT_EQ(viewer->stats().plis, 53u);
    EXPECT_EQ(viewer->stats().repeats, 2u);
}

TEST_F(ViewerStreamTest, APliBeforeTheFirstPictureChangesNothing) {
    watch();
    viewer->request_key_unit();
    EXPECT_EQ(send(), "");
    gop(main_camera, 1, 2);
    EXPECT_EQ(send(), "K1 d2");
}

TEST_F(ViewerStreamTest, APliWithoutACachedGopAsksTheProducer) {
    main->set_limits({.max_bytes = 0, .max_buffers = 4, .max_time = 0});
    key(main_camera, 1);
    watch();
    send();
    for (uint8_t id = 2; id < 10; ++id) { // the key unit no longer fits
        delta(main_camera, id);
        EXPECT_EQ(send(), "d" + std::to_string(id));
    }
    now += 2 * GST_SECOND;
    EXPECT_FALSE(asked);
    viewer->request_key_unit();
    EXPECT_EQ(send(), "");
    EXPECT_EQ(asked, main);
    delta(main_camera, 10);
    EXPECT_EQ(send(), "") << "of no use to a decoder that asked for a key unit";
    key(main_camera, 11);
    EXPECT_EQ(send(), "K11");
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, ASlowViewerIsMovedToTheNewestKeyUnitWithoutLookingLikeLoss) {
    gop(main_camera, 1, 2);
    watch();
    send();
    for (uint8_t id = 3; id < 30; ++id)
        delta(main_camera, id);
    gop(main_camera, 101, 103);
    EXPECT_EQ(send(), "K101 d102 d103");
    expect_a_sound_stream();
    EXPECT_EQ(viewer->stats().skips, 1u);
}

TEST_F(ViewerStreamTest, ASlowViewerWithoutANewerKeyUnitGetsEverything) {
    gop(main_camera, 1, 2);
    watch();
    send();
    for (uint8_t id = 3; id < 30; ++id)
        delta(main_camera, id);
    EXPECT_TRUE(send().starts_with("d3 d4 d5"));
    EXPECT_EQ(packets.back().payload.back(), 29);
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, AFewUnitsBehindIsNoReasonToSkip) {
    gop(main_camera, 1, 2);
    watch();
    send();
    for (uint8_t id = 3; id < 6; ++id)
        delta(main_camera, id);
    key(main_camera, 101);
    EXPECT_EQ(send(), "d3 d4 d5 K101");
}

TEST_F(ViewerStreamTest, WhatIsNoLongerCachedIsSkippedToo) {
    main->set_limits({.max_bytes = 0, .max_buffers = 5, .max_time = 0});
    gop(main_camera, 1, 2);
    watch();
    send();
    for (uint8_t id = 3; id < 20; ++id)
        delta(main_camera, id);
    EXPECT_EQ(send(), "") << "undecodable";
    key(main_camera, 101);
    EXPECT_EQ(send(), "K101");
    expect_a_sound_stream();
    EXPECT_EQ(viewer->stats().skips, 1u);
}

TEST_F(ViewerStreamTest, SwitchesAtOnceFromTheOtherChannelsCache) {
    gop(main_camera, 1, 3);
    gop(sub_camera, 101, 104);
    watch();
    send();
    ask_for("sub");
    EXPECT_EQ(viewer->stream(), "main");
    EXPECT_EQ(send(), "K101 d102 d103 d104");
    EXPECT_EQ(viewer->stream(), "sub");
    delta(main_camera, 4);
    delta(sub_camera, 105);
    EXPECT_EQ(send(), "d105");
    EXPECT_EQ(viewer->stats().switches, 1u);
    EXPECT_FALSE(asked);
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, GoesOnWithMainUntilSubHasAKeyUnit) {
    gop(main_camera, 1, 3);
    watch();
    send();
    ask_for("sub");
    EXPECT_EQ(send(), "");
    EXPECT_EQ(asked, sub) << "an encoder can make one";
    delta(main_camera, 4);
    EXPECT_EQ(send(), "d4");
    EXPECT_EQ(viewer->listening(), (std::vector{main, sub}));
    key(sub_camera, 101);
    EXPECT_EQ(send(), "K101");
    EXPECT_EQ(viewer->listening(), std::vector{sub});
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, SwitchesBackAndForth) {
    gop(main_camera, 1, 3);
    gop(sub_camera, 101, 103);
    watch();
    EXPECT_EQ(send(), "K1 d2 d3");
    for (int i = 0; i < 5; ++i) {
        ask_for("sub");
        EXPECT_EQ(send(), "K101 d102 d103");
        ask_for("main");
        EXPECT_EQ(send(), "K1 d2 d3");
    }
    EXPECT_EQ(viewer->stats().switches, 10u);
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, ASwitchThatIsAskedBackLeavesNoTrace) {
    gop(main_camera, 1, 3);
    watch();
    send();
    ask_for("sub");
    send();
    EXPECT_EQ(sub->stats(now).readers, 1u);
    ask_for("main");
    EXPECT_EQ(send(), "");
    EXPECT_EQ(sub->stats(now).readers, 0u);
    EXPECT_EQ(main->stats(now).readers, 1u);
    key(sub_camera, 101);
    delta(main_camera, 4);
    EXPECT_EQ(send(), "d4");
    EXPECT_EQ(viewer->stats().switches, 0u);
    EXPECT_EQ(viewer->listening(), std::vector{main});
}

TEST_F(ViewerStreamTest, TheChannelThatWasLeftHasNoReader) {
    gop(main_camera, 1, 3);
    gop(sub_camera, 101, 103);
    watch();
    send();
    ask_for("sub");
    send();
    EXPECT_EQ(main->stats(now).readers, 0u);
    EXPECT_EQ(sub->stats(now).readers, 1u);
}

TEST_F(ViewerStreamTest, ThereIsNoReaderForAnUnknownStream) {
    watch();
    EXPECT_FALSE(viewer->reader_for("third"));
    EXPECT_FALSE(viewer->reader_for(""));
}

TEST_F(ViewerStreamTest, AHeldUnitOfTheOldStreamIsNotSentAfterTheSwitch) {
    gop(main_camera, 1, 50);
    gop(sub_camera, 101, 103);
    watch();
    send(5);
    GstClockTime wait = 0;
    EXPECT_EQ(step(&wait), "");
    EXPECT_GT(wait, now) << "a unit is fetched and waits";
    ask_for("sub");
    EXPECT_EQ(send(), "K101 d102 d103");
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, APliJustAfterASwitchIsAnsweredByIt) {
    gop(main_camera, 1, 3);
    gop(sub_camera, 101, 103);
    watch();
    send();
    now += 5 * GST_SECOND;
    ask_for("sub");
    viewer->request_key_unit();
    EXPECT_EQ(send(), "K101 d102 d103");
    EXPECT_EQ(viewer->stats().repeats, 0u);
}

TEST_F(ViewerStreamTest, ASwitchToAnotherCodecIsNotMade) {
    sub_camera.begin(false, caps("video/x-h265, stream-format=byte-stream, alignment=au"));
    gop(main_camera, 1, 3);
    watch();
    send();
    ask_for("sub");
    // VPS, SPS, PPS and an IDR slice of H.265, as far as a channel looks.
    unit(sub_camera, nal({0x40, 1, 0x0c}) + nal({0x42, 1, 0x01}) + nal({0x44, 1, 0xc1}) + nal({0x26, 1, 0xaf, 9}));
    delta(main_camera, 4);
    EXPECT_EQ(send(), "d4");
    EXPECT_FALSE(wrong_codec);
    EXPECT_EQ(viewer->stream(), "main");
    EXPECT_EQ(viewer->listening(), std::vector{main});
    EXPECT_EQ(sub->stats(now).readers, 0u);
}

TEST_F(ViewerStreamTest, ACameraThatChangesItsCodecEndsTheSession) {
    gop(main_camera, 1, 3);
    watch();
    send();
    main_camera.begin(false, caps("video/x-h265, stream-format=byte-stream, alignment=au"));
    unit(main_camera, nal({0x40, 1, 0x0c}) + nal({0x42, 1, 0x01}) + nal({0x44, 1, 0xc1}) + nal({0x26, 1, 0xaf, 9}));
    EXPECT_EQ(send(), "");
    EXPECT_TRUE(wrong_codec);
}

TEST_F(ViewerStreamTest, TheCameraGoesAndANewOneTakesItsPlace) {
    gop(main_camera, 1, 3);
    watch();
    send();
    main->close(main_camera.token);
    EXPECT_EQ(send(), "");
    now += 20 * GST_SECOND;
    viewer->request_key_unit(); // the browser notices that nothing comes
    EXPECT_EQ(send(), "");
    main_camera.begin();
    gop(main_camera, 101, 103);
    EXPECT_EQ(send(), "K101 d102 d103");
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, ACameraClockThatJumpsAnHourStopsNobody) {
    gop(main_camera, 1, 3);
    watch();
    send();
    const uint32_t before = packets.back().timestamp;
    for (uint8_t id = 4; id < 30; ++id) {
        main_camera.now = now;
        main_camera.write(p_slice(20, id), now + 3600 * GST_SECOND);
        const GstClockTime then = now;
        EXPECT_EQ(send(), "d" + std::to_string(id));
        EXPECT_EQ(now, then) << "waited";
        now += 40 * GST_MSECOND;
    }
    EXPECT_LT(packets.back().timestamp - before, 90000u * 2) << "two seconds at most, not an hour";
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, SoundInTheChannelIsPassedOver) {
    main_camera.begin(true);
    key(main_camera, 1);
    watch();
    send();
    for (uint8_t id = 2; id < 20; ++id) {
        main_camera.sound();
        delta(main_camera, id);
        main_camera.sound();
        EXPECT_EQ(send(), "d" + std::to_string(id));
    }
    expect_a_sound_stream();
}

TEST_F(ViewerStreamTest, TellsWhenTheFirstPictureWent) {
    watch();
    send();
    EXPECT_EQ(viewer->stats().first_unit, 0u);
    key(main_camera, 1);
    const GstClockTime then = now;
    send();
    EXPECT_EQ(viewer->stats().first_unit, then);
    delta(main_camera, 2);
    send();
    EXPECT_EQ(viewer->stats().first_unit, then);
}

TEST_F(ViewerStreamTest, KnowsSinceWhenAPictureIsMissing) {
    key(main_camera, 1);
    watch();
    send();
    for (uint8_t id = 2; id < 60; ++id) {
        delta(main_camera, id, 3000);
        send();
    }
    ASSERT_EQ(sent_at.size(), 59u);
    ASSERT_LT(packets.back().seq, packets.front().seq) << "the numbers have wrapped";
    size_t whole = 0; // pictures
    for (const RtpPacket& p : packets) {
        whole += p.marker;
        EXPECT_EQ(viewer->missing_since(p.seq), whole < sent_at.size() ? sent_at[whole] : 0) << p.seq;
    }
}

TEST_F(ViewerStreamTest, IsAReaderFromTheBeginningAndNoneAfterItsEnd) {
    EXPECT_EQ(main->stats(now).readers, 0u);
    watch();
    EXPECT_EQ(main->stats(now).readers, 1u);
    viewer.reset();
    EXPECT_EQ(main->stats(now).readers, 0u);
}

} // namespace
} // namespace sluice
