// SPDX-License-Identifier: LGPL-2.1-or-later
// A source that runs beside the one that writes, and the change-over.
#include "tests/support/fanoutsink_rig.hpp"
#include "tests/support/live_objects.hpp"

#include <atomic>
#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

struct Standby : SinkRig {
    explicit Standby(const char* name = "front/main", const char* caps_text = h264)
        : SinkRig(name, caps_text, [](GstElement* e) { g_object_set(e, "standby", TRUE, nullptr); }) {}
};

struct FanoutSinkStandby : ElementTest {};

TEST_F(FanoutSinkStandby, NothingIsWrittenAndEverythingCounted) {
    Standby rig;
    OtherPad sound(rig.element(), mulaw);
    EXPECT_EQ(rig.source("last-video-unit"), GST_CLOCK_TIME_NONE);
    EXPECT_EQ(rig.source("last-audio-unit"), GST_CLOCK_TIME_NONE);
    EXPECT_EQ(sound.push(Bytes(160, 7), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(rig.push(idr(), 9 * s), GST_FLOW_OK) << "without parameter sets";
    EXPECT_EQ(rig.messages(), "");
    set_channel_time(5001 * s);
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(rig.push({1, 2, 3}, 9 * s), GST_FLOW_OK) << "rubbish is no unit";
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit") << "once";
    EXPECT_EQ(rig.channel->stats(0).generation, 0u) << "no generation was opened";
    EXPECT_FALSE(rig.present());
    EXPECT_TRUE(rig.source_is("standby"));
    EXPECT_FALSE(rig.source_is("writing"));
    EXPECT_EQ(rig.source("video-units"), 4u);
    EXPECT_EQ(rig.source("key-units"), 2u);
    EXPECT_EQ(rig.source("before-key"), 2u);
    EXPECT_EQ(rig.source("audio-units"), 1u);
    EXPECT_EQ(rig.source("last-video-unit"), 5001 * s);
    EXPECT_EQ(rig.source("last-audio-unit"), 5000 * s);
    EXPECT_STREQ(gst_structure_get_string(rig.source_stats().get(), "start-points"), "key-units");
}

TEST_F(FanoutSinkStandby, WhoWritesFromTheStartIsCountedTheSameWay) {
    SinkRig rig;
    EXPECT_FALSE(rig.source_is("writing")) << "nothing has come";
    rig.push(p_slice(), 9 * s);
    EXPECT_FALSE(rig.source_is("writing"));
    rig.push(key_unit(), 9 * s);
    EXPECT_TRUE(rig.source_is("writing"));
    EXPECT_FALSE(rig.source_is("standby"));
    EXPECT_EQ(rig.source("video-units"), 2u);
    EXPECT_EQ(rig.source("before-key"), 1u);
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit") << "and no change-over";
    gst_element_set_state(rig.element(), GST_STATE_READY);
    EXPECT_FALSE(rig.source_is("writing"));
    EXPECT_EQ(rig.source("video-units"), 2u) << "what it was can still be read";
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    EXPECT_EQ(rig.source("video-units"), 0u) << "of the start";
}

// The channel goes from one to the other in one step, on a key unit, with all tracks; nobody who reads misses anything.
TEST_F(FanoutSinkStandby, TakesTheChannelOverWithItsNextKeyUnit) {
    SinkRig fallback;
    OtherPad fallback_sound(fallback.element(), mulaw);
    Standby primary("front/main", "video/x-h264,stream-format=byte-stream,alignment=au,width=640,height=480");
    OtherPad primary_sound(primary.element(), "audio/x-alaw,rate=8000,channels=1");
    std::string changes;
    g_signal_connect(primary.face.get(), "producer-changed", G_CALLBACK(+[](GObject*, gboolean present, gpointer out) {
                         *static_cast<std::string*>(out) += present ? "1" : "0";
                     }),
                     &changes);
    auto r = primary.channel->attach(Start::cached_gop, true, true);
    GstClockTime running = 9 * s, channel_time = 5000 * s;
    const auto tick = [&] {
        running += 40 * ms;
        set_channel_time(channel_time += 40 * ms);
        gst_harness_set_time(fallback.h, 100 * s + (channel_time - 5000 * s));
        gst_harness_set_time(primary.h, 100 * s + (channel_time - 5000 * s));
    };
    fallback.push(key_unit(), running);
    fallback_sound.push(Bytes(160, 1), running);
    primary.push(key_unit(), running - 300 * ms); // as far behind as its network makes it
    for (int i = 0; i < 5; i++) {
        tick();
        fallback.push(p_slice(20, 1), running);
        fallback_sound.push(Bytes(160, 1), running);
        primary.push(p_slice(20, 2), running - 300 * ms);
        primary_sound.push(Bytes(160, 2), running - 300 * ms);
    }
    primary.standby(false);
    tick();
    fallback.push(p_slice(20, 1), running);
    primary_sound.push(Bytes(160, 2), running - 300 * ms);
    primary.push(p_slice(20, 2), running - 300 * ms);
    EXPECT_FALSE(primary.source_is("writing")) << "not in the middle of a GOP";
    EXPECT_EQ(changes, "1");
    tick();
    EXPECT_EQ(primary.push(key_unit(), running - 300 * ms), GST_FLOW_OK);
    EXPECT_EQ(primary.messages(), "sluice-source-key-unit sluice-source-writing");
    EXPECT_TRUE(primary.source_is("writing"));
    ASSERT_EQ(primary.channel->tracks().size(), 2u) << "the sound is known with the first picture";
    EXPECT_EQ(primary.channel->tracks()[1]->codec, Codec::pcma);
    for (int i = 0; i < 3; i++) {
        primary_sound.push(Bytes(160, 2), running - 300 * ms);
        tick();
        primary.push(p_slice(20, 2), running - 300 * ms);
    }
    EXPECT_EQ(fallback.push(p_slice(20, 1), running), GST_FLOW_ERROR);
    EXPECT_NE(take_error(fallback.bus.get()).find("Another producer"), std::string::npos);
    EXPECT_FALSE(fallback.source_is("writing"));

    std::string seen;
    GstClockTime last = 0, last_picture = 0;
    for (auto n = r->next(); n.unit; n = r->next()) {
        const bool video = is_video(n.unit->track->codec);
        seen += std::string(n.skipped ? "!" : "") + (n.unit->discont ? "*" : "") +
                (!video        ? "a"
                 : n.unit->key ? "K"
                               : "d");
        EXPECT_LE(n.unit->time, channel_time);
        if (video) {
            EXPECT_GT(n.unit->time, last_picture);
            EXPECT_TRUE(last_picture == 0 || n.unit->time - last_picture <= 80 * ms);
            last_picture = n.unit->time;
        }
        EXPECT_GE(n.unit->time + 41 * ms, last) << "sound and picture belong together";
        last = n.unit->time;
    }
    EXPECT_EQ(seen, "!*K*adadadadadad*K*adadad");
    EXPECT_EQ(r->skips(), 0u);
    EXPECT_EQ(changes, "1") << "the channel was never without a producer";
    auto late = primary.channel->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*late), "!*K*adadad") << "who comes now begins with the new one";
}

TEST_F(FanoutSinkStandby, AStreamOfSoundAloneTakesOverWithItsNextBuffer) {
    SinkRig old("front/main", mulaw);
    old.push(Bytes(160, 1), 9 * s);
    Standby rig("front/main", mulaw);
    rig.push(Bytes(160, 2), 9 * s);
    rig.push(Bytes(160, 2), 9 * s);
    EXPECT_EQ(rig.messages(), "") << "a picture may come any moment";
    set_channel_time(5001 * s);
    rig.push(Bytes(160, 2), 9 * s);
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit");
    rig.standby(false);
    EXPECT_EQ(old.push(Bytes(160, 1), 9 * s + 20 * ms), GST_FLOW_OK);
    EXPECT_EQ(rig.push(Bytes(160, 2), 9 * s + 20 * ms), GST_FLOW_OK);
    EXPECT_EQ(rig.messages(), "sluice-source-writing");
    EXPECT_EQ(old.push(Bytes(160, 1), 9 * s + 40 * ms), GST_FLOW_ERROR);
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    EXPECT_EQ(bytes_of(r->next().unit), Bytes(160, 2));
}

// As from a parser that has not seen an SPS yet: that there will be a picture shows only in what it could send.
TEST_F(FanoutSinkStandby, SoundWaitsForAPictureThatIsToCome) {
    Standby rig("front/main", mulaw);
    const auto video = adopt(gst_element_request_pad_simple(rig.element(), "sink_%u"));
    const auto parser = sink(gst_element_factory_make("h264parse", nullptr));
    const auto out = adopt(gst_element_get_static_pad(parser.get(), "src"));
    gst_element_set_state(parser.get(), GST_STATE_PAUSED);
    ASSERT_EQ(gst_pad_link(out.get(), video.get()), GST_PAD_LINK_OK);
    rig.push(Bytes(160, 2), 9 * s);
    set_channel_time(5001 * s);
    rig.push(Bytes(160, 2), 9 * s);
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit") << "a branch where nothing flows does not count";
    gst_element_set_state(rig.element(), GST_STATE_READY);
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    gst_pad_push_event(out.get(), gst_event_new_stream_start("video"));
    gst_harness_push_event(rig.h, gst_event_new_stream_start("sound"));
    gst_harness_set_src_caps_str(rig.h, mulaw);
    rig.push(Bytes(160, 2), 9 * s);
    set_channel_time(5002 * s);
    rig.push(Bytes(160, 2), 9 * s);
    rig.standby(false);
    rig.push(Bytes(160, 2), 9 * s);
    EXPECT_EQ(rig.messages(), "");
    EXPECT_FALSE(rig.present());
    const auto c = caps(h264);
    gst_pad_push_event(out.get(), gst_event_new_caps(c.get()));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(out.get(), gst_event_new_segment(&segment));
    gst_pad_push(out.get(), buffer_of(key_unit()).release());
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit sluice-source-writing");
    EXPECT_EQ(rig.channel->tracks().size(), 2u);
    gst_pad_unlink(out.get(), video.get());
    gst_element_release_request_pad(rig.element(), video.get());
    gst_element_set_state(parser.get(), GST_STATE_NULL);
}

TEST_F(FanoutSinkStandby, WhatCameInStandbyIsKnownAfterIt) {
    Standby rig;
    rig.push(sps() + pps() + p_slice(), 9 * s); // never again
    gst_harness_set_src_caps_str(rig.h, "video/x-h264,stream-format=byte-stream,alignment=au,width=640,height=480");
    {
        OtherPad sound(rig.element(), mulaw);
        sound.push(Bytes(160, 1), 9 * s);
    }
    rig.standby(false);
    rig.push(idr(), 9 * s);
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    const auto unit = r->next().unit;
    ASSERT_TRUE(unit);
    EXPECT_EQ(bytes_of(unit), key_unit());
    int width = 0;
    gst_structure_get_int(gst_caps_get_structure(unit->track->caps.get(), 0), "width", &width);
    EXPECT_EQ(width, 640);
    EXPECT_EQ(rig.channel->tracks().size(), 1u) << "a track that has gone";
}

TEST_F(FanoutSinkStandby, PutIntoStandbyItLeavesTheChannelAndComesBack) {
    SinkRig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    rig.push(key_unit(), 9 * s);
    rig.standby(true);
    EXPECT_FALSE(rig.present());
    EXPECT_EQ(rig.push(key_unit(), 9 * s + 40 * ms), GST_FLOW_OK);
    EXPECT_EQ(rig.push(p_slice(), 9 * s + 80 * ms), GST_FLOW_OK);
    EXPECT_FALSE(rig.present());
    rig.standby(false);
    EXPECT_EQ(rig.push(p_slice(), 9 * s + 120 * ms), GST_FLOW_OK);
    EXPECT_FALSE(rig.present());
    EXPECT_EQ(rig.push(key_unit(), 9 * s + 160 * ms), GST_FLOW_OK);
    EXPECT_TRUE(rig.present());
    EXPECT_EQ(drain(*r), "!*K*K");
    EXPECT_EQ(rig.messages(), "sluice-source-key-unit sluice-source-writing");
    EXPECT_EQ(take_error(rig.bus.get()), "");
    EXPECT_EQ(rig.channel->stats(0).stale_writes, 0u);
}

TEST_F(FanoutSinkStandby, StandbyThatEndsBeforeItPlaysIsNone) {
    const auto e = make_element("fanoutsink", "front/main");
    g_object_set(e.get(), "standby", TRUE, nullptr);
    g_object_set(e.get(), "standby", FALSE, nullptr);
    const auto face = adopt(sluice_channel_get("front/main"));
    gst_element_set_state(e.get(), GST_STATE_PAUSED);
    EXPECT_EQ(channel_of(face.get())->stats(0).generation, 1u) << "it opens its generation at once";
    gst_element_set_state(e.get(), GST_STATE_NULL);
}

TEST_F(FanoutSinkStandby, ItsEndIsToldAndTouchesNobody) {
    SinkRig writer;
    writer.push(key_unit(), 9 * s);
    Standby rig;
    rig.push(key_unit(), 9 * s);
    gst_harness_push_event(rig.h, gst_event_new_eos());
    EXPECT_TRUE(take_eos(rig.bus.get()));
    rig.standby(false);
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_EOS);
    EXPECT_TRUE(writer.present());
    EXPECT_EQ(writer.push(p_slice(), 9 * s), GST_FLOW_OK);
}

TEST_F(FanoutSinkStandby, GoneInStandbyOrWhileItWaitsItTouchesNobody) {
    SinkRig writer;
    writer.push(key_unit(), 9 * s);
    for (const bool waiting : {false, true}) {
        Standby rig;
        rig.push(key_unit(), 9 * s);
        if (waiting)
            rig.standby(false);
    }
    EXPECT_TRUE(writer.present());
    EXPECT_EQ(writer.push(p_slice(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(take_error(writer.bus.get()), "");
}

TEST_F(FanoutSinkStandby, AnEncoderIsAskedForTheKeyUnitToBeginWith) {
    Standby rig;
    g_object_set(rig.element(), "key-unit-requests", TRUE, nullptr);
    rig.push(p_slice(), 9 * s);
    const auto requests = [&rig] {
        int n = 0;
        while (const auto e = adopt(gst_harness_try_pull_upstream_event(rig.h)))
            n += gst_event_has_name(e.get(), "GstForceKeyUnit");
        return n;
    };
    EXPECT_EQ(requests(), 0);
    rig.standby(false);
    EXPECT_EQ(requests(), 1);
}

TEST_F(FanoutSinkStandby, OrdersAtAnyMomentWhileDataComes) {
    SinkRig other;
    Standby rig;
    other.push(key_unit(), 9 * s);
    auto reader = rig.channel->attach(Start::cached_gop, true, true);
    std::atomic<bool> over = false;
    std::atomic<int> failures = 0;
    std::thread video([&] {
        for (int i = 0; !over; i++)
            failures += rig.push(i % 3 ? p_slice() : key_unit(), 9 * s) != GST_FLOW_OK;
    });
    std::thread sound([&] {
        while (!over) {
            OtherPad pad(rig.element(), mulaw);
            for (int i = 0; i < 20; i++)
                failures += pad.push(Bytes(160, 7), 9 * s) != GST_FLOW_OK;
        }
    });
    std::thread watcher([&] {
        while (!over) {
            rig.source_stats();
            rig.stats();
            reader->next();
        }
    });
    // On a busy machine the data may come only after all the orders: until the channel was taken over, it is the other's.
    const uint64_t others = rig.channel->stats(0).generation;
    for (int i = 0; i < 2000 || rig.channel->stats(0).generation == others; i++) {
        rig.standby(i % 2);
        if (i % 5 == 0)
            std::this_thread::yield();
    }
    rig.standby(true);
    EXPECT_FALSE(rig.source_is("writing"));
    over = true;
    video.join();
    sound.join();
    watcher.join();
    EXPECT_EQ(failures, 0);
    EXPECT_FALSE(rig.present()) << "nothing was left open";
    EXPECT_EQ(take_error(rig.bus.get()), "");
    rig.standby(false);
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_TRUE(rig.present());
    EXPECT_TRUE(rig.source_is("writing"));
}

// The channel tells of the new tracks in the middle of the opening, in its thread and with no lock held.
TEST_F(FanoutSinkStandby, AnOrderInTheMiddleOfTheChangeOverLeavesNothingOpen) {
    for (const bool and_back : {false, true}) {
        SinkRig other;
        Standby rig;
        struct Order : Wakeup {
            std::function<void()> give;
            void wake() override {
                if (const auto once = std::exchange(give, nullptr))
                    once();
            }
        };
        const auto order = std::make_shared<Order>();
        other.push(key_unit(), 9 * s);
        rig.push(key_unit(), 9 * s);
        rig.standby(false);
        order->give = [&] {
            rig.standby(true);
            if (and_back)
                rig.standby(false);
        };
        rig.channel->add_wakeup(order);
        EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
        rig.channel->remove_wakeup(order);
        EXPECT_EQ(order->give, nullptr) << "it came in between";
        EXPECT_FALSE(rig.present()) << "nobody writes";
        EXPECT_FALSE(rig.source_is("writing"));
        EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_OK);
        EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
        EXPECT_EQ(rig.present(), and_back);
        EXPECT_EQ(take_error(rig.bus.get()), "");
    }
}

TEST_F(FanoutSinkStandby, UpAndDownWhileOrdersAndDataCome) {
    Standby rig;
    std::atomic<bool> over = false;
    std::thread pusher([&] { push_sound_until(over, rig.element()); });
    std::thread orders([&] {
        for (int i = 0; !over; i++)
            rig.standby(i % 2);
    });
    for (int i = 0; i < 100; i++)
        for (const GstState state : {GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_PAUSED})
            ASSERT_EQ(gst_element_set_state(rig.element(), state), GST_STATE_CHANGE_SUCCESS);
    over = true;
    pusher.join();
    orders.join();
    EXPECT_EQ(take_error(rig.bus.get()), "");
    gst_element_set_state(rig.element(), GST_STATE_NULL);
    EXPECT_FALSE(rig.present());
}

TEST_F(FanoutSinkStandby, ManyChangeOversBetweenTwoThatRun) {
    Standby a, b;
    auto reader = a.channel->attach(Start::cached_gop, true, true);
    int discont = 0, units = 0;
    GstClockTime last = 0;
    GstClockTime now = 5000 * s;
    for (int round = 0; round < 50; round++) {
        Standby& in = round % 2 ? b : a;
        Standby& out = round % 2 ? a : b;
        in.standby(false);
        in.push(p_slice(), GST_CLOCK_TIME_NONE);
        in.push(key_unit(), GST_CLOCK_TIME_NONE);
        EXPECT_TRUE(in.source_is("writing")) << round;
        out.standby(true); // in time: it has not written since, and is not told that it was taken over
        for (int i = 0; i < 3; i++) {
            set_channel_time(now += 40 * ms);
            EXPECT_EQ(in.push(p_slice(), GST_CLOCK_TIME_NONE), GST_FLOW_OK);
            EXPECT_EQ(out.push(p_slice(), GST_CLOCK_TIME_NONE), GST_FLOW_OK);
        }
        for (auto n = reader->next(); n.unit; n = reader->next()) {
            units++;
            discont += n.unit->discont;
            EXPECT_EQ(n.unit->discont, n.unit->key);
            EXPECT_GE(n.unit->time, last);
            last = n.unit->time;
        }
    }
    EXPECT_EQ(units, 50 * 4);
    EXPECT_EQ(discont, 50);
    EXPECT_EQ(reader->skips(), 0u);
    EXPECT_EQ(take_error(a.bus.get()) + take_error(b.bus.get()), "");
}

// --- where readers can start ---

TEST_F(FanoutSinkStandby, RecoveryPointsByConfiguration) {
    const Bytes sei = nal({0x06, 0x06, 0x01, 0xc4, 0x80});
    for (const bool on : {false, true}) {
        SinkRig rig("front/main", h264,
                    [on](GstElement* e) { g_object_set(e, "recovery-points", gboolean(on), nullptr); });
        g_object_set(rig.element(), "recovery-points", gboolean(!on), nullptr); // for the next start
        rig.push(sps() + pps() + p_slice(), 9 * s);
        rig.push(sei + p_slice(), 9 * s);
        rig.push(i_slice(), 9 * s);
        EXPECT_EQ(rig.present(), on);
        EXPECT_EQ(rig.source("key-units"), on ? 2u : 0u);
        EXPECT_EQ(rig.source("before-key"), on ? 1u : 3u);
        EXPECT_EQ(rig.messages(), on ? "sluice-source-key-unit" : "");
        const char* expected = on ? "recovery-points" : "key-units";
        EXPECT_STREQ(gst_structure_get_string(rig.source_stats().get(), "start-points"), expected);
        EXPECT_STREQ(gst_structure_get_string(rig.stats().get(), "start-points"), expected);
    }
}

TEST_F(FanoutSinkStandby, LeaksNothing) {
    expect_no_leak([] {
        Standby rig;
        SinkRig other;
        OtherPad sound(rig.element(), mulaw);
        other.push(key_unit(), 9 * s);
        rig.push(key_unit(), 9 * s);
        rig.standby(false);
        sound.push(Bytes(160, 1), 9 * s);
        rig.push(key_unit(), 9 * s);
        other.push(p_slice(), 9 * s);
        rig.source_stats();
        rig.standby(true);
        rig.push(key_unit(), 9 * s);
        rig.messages();
        take_error(other.bus.get());
        while (adopt(gst_bus_pop(rig.bus.get())) || adopt(gst_bus_pop(other.bus.get()))) {
        }
    });
}

} // namespace
