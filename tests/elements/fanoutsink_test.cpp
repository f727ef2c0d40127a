// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/fanoutsink_rig.hpp"
#include "tests/support/live_objects.hpp"

#include <atomic>
#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

using Rig = SinkRig;

struct FanoutSink : ElementTest {};

TEST_F(FanoutSink, WhatGoesInIsInTheChannelWithItsTimeConverted) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    EXPECT_FALSE(rig.present());
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_TRUE(rig.present());
    EXPECT_EQ(rig.push(p_slice(), 9 * s + 40 * ms), GST_FLOW_OK);
    const auto k = r->next().unit, d = r->next().unit;
    ASSERT_TRUE(k && d);
    EXPECT_EQ(bytes_of(k), key_unit());
    EXPECT_EQ(bytes_of(d), p_slice());
    EXPECT_TRUE(k->key);
    EXPECT_FALSE(d->key);
    EXPECT_EQ(k->time, 4999 * s);
    EXPECT_EQ(d->time, 4999 * s + 40 * ms);
    const auto wanted = caps(h264);
    EXPECT_TRUE(gst_caps_is_equal(k->track->caps.get(), wanted.get()));
    const auto st = rig.stats();
    guint64 units = 0;
    ASSERT_TRUE(st && gst_structure_get_uint64(st.get(), "access-units", &units));
    EXPECT_EQ(units, 2u);
}

TEST_F(FanoutSink, ABufferWithoutAStampIsOfNow) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    rig.push(key_unit(), GST_CLOCK_TIME_NONE);
    EXPECT_EQ(r->next().unit->time, 5000 * s);
}

TEST_F(FanoutSink, TheSegmentCounts) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = 3600 * s; // as x264enc does
    segment.base = 8 * s;
    gst_harness_push_event(rig.h, gst_event_new_segment(&segment));
    rig.push(key_unit(), 3600 * s + s); // running time 9 s
    rig.push(p_slice(), 3600 * s - s);  // in front of the segment: 7 s
    EXPECT_EQ(r->next().unit->time, 4999 * s);
    EXPECT_EQ(rig.channel->stats(0).time.jumps, 1u); // it went back by two seconds
}

TEST_F(FanoutSink, BeforeItPlaysABufferIsOfNow) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    gst_element_set_state(rig.element(), GST_STATE_PAUSED);
    rig.push(key_unit(), 9 * s);
    EXPECT_EQ(r->next().unit->time, 5000 * s);
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    set_channel_time(5001 * s);
    gst_harness_set_time(rig.h, 101 * s);
    rig.push(p_slice(), 10 * s + 500 * ms);
    EXPECT_EQ(r->next().unit->time, 5000 * s + 500 * ms);
}

TEST_F(FanoutSink, DiscontAndFlushesAreALoss) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    rig.push(key_unit(), 9 * s, GST_BUFFER_FLAG_DISCONT);
    rig.push(p_slice(), 9 * s);
    rig.push(p_slice(), 9 * s, GST_BUFFER_FLAG_DISCONT);
    EXPECT_EQ(drain(*r), "!*Kd*d");
    gst_harness_push_event(rig.h, gst_event_new_flush_start());
    EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_FLUSHING);
    gst_harness_push_event(rig.h, gst_event_new_flush_stop(FALSE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(rig.h, gst_event_new_segment(&segment));
    EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(drain(*r), "*d");
}

TEST_F(FanoutSink, RubbishIsLeftOutAndCounted) {
    Rig rig;
    EXPECT_EQ(rig.push({1, 2, 3}, 9 * s), GST_FLOW_OK);
    EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_OK);
    const auto st = rig.channel->stats(0);
    EXPECT_EQ(st.refused, 1u);
    EXPECT_EQ(st.before_key, 1u);
    EXPECT_EQ(st.access_units, 0u);
}

TEST_F(FanoutSink, NewCapsMakeANewTrack) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    rig.push(key_unit(), 9 * s);
    gst_harness_set_src_caps_str(rig.h, "video/x-h264,stream-format=byte-stream,alignment=au,width=640,height=480");
    rig.push(key_unit(), 9 * s + 40 * ms);
    const auto a = r->next().unit, b = r->next().unit;
    EXPECT_NE(a->track, b->track);
    int width = 0;
    gst_structure_get_int(gst_caps_get_structure(b->track->caps.get(), 0), "width", &width);
    EXPECT_EQ(width, 640);
}

TEST_F(FanoutSink, SoundOnASecondPad) {
    Rig rig;
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    {
        OtherPad sound(rig.element(), mulaw);
        EXPECT_STREQ(GST_PAD_NAME(sound.sinkpad.get()), "sink_1");
        rig.push(key_unit(), 9 * s);
        EXPECT_EQ(sound.push(Bytes(160, 7), 9 * s + 10 * ms), GST_FLOW_OK);
        EXPECT_EQ(drain(*r), "!*K*a");
        EXPECT_EQ(rig.channel->tracks().size(), 2u);
    }
    EXPECT_EQ(rig.channel->tracks().size(), 1u);
    rig.push(p_slice(), 9 * s + 40 * ms);
    EXPECT_EQ(drain(*r), "d");
}

TEST_F(FanoutSink, PadNames) {
    const auto e = make_element("fanoutsink", "front/main");
    const auto five = adopt(gst_element_request_pad_simple(e.get(), "sink_5"));
    const auto next = adopt(gst_element_request_pad_simple(e.get(), "sink_%u"));
    EXPECT_STREQ(GST_PAD_NAME(five.get()), "sink_5");
    EXPECT_STREQ(GST_PAD_NAME(next.get()), "sink_6");
    gst_element_release_request_pad(e.get(), five.get());
    const auto again = adopt(gst_element_request_pad_simple(e.get(), "sink_5"));
    EXPECT_STREQ(GST_PAD_NAME(again.get()), "sink_5");
    EXPECT_EQ(gst_element_request_pad_simple(e.get(), "sink_99999999999"), nullptr);
}

// --- bad input ---

TEST_F(FanoutSink, NamesTheChannelErrors) {
    struct Row {
        const char *name, *error;
    };
    for (const Row& row : {Row{nullptr, "'channel' is not set"}, Row{"", "'channel' is not set"},
                           Row{"front door", "'front door' is not allowed"}}) {
        const auto e = make_element("fanoutsink", row.name);
        const auto bus = adopt(gst_bus_new());
        gst_element_set_bus(e.get(), bus.get());
        EXPECT_EQ(gst_element_set_state(e.get(), GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
        EXPECT_NE(take_error(bus.get()).find(row.error), std::string::npos) << row.error;
        gst_element_set_bus(e.get(), nullptr);
        gst_element_set_state(e.get(), GST_STATE_NULL);
    }
}

TEST_F(FanoutSink, TheNameCanBeChangedInReadyAndNotLater) {
    const auto e = make_element("fanoutsink", "front/main");
    const auto other = adopt(sluice_channel_get("front/sub"));
    gst_element_set_state(e.get(), GST_STATE_READY);
    g_object_set(e.get(), "channel", "front/sub", nullptr);
    gst_element_set_state(e.get(), GST_STATE_PAUSED);
    EXPECT_EQ(sluice_channel_lookup("front/main"), nullptr);
    EXPECT_EQ(channel_of(other.get())->stats(0).generation, 1u);
    g_object_set(e.get(), "channel", "front/third", nullptr);
    char* name = nullptr;
    g_object_get(e.get(), "channel", &name, nullptr);
    EXPECT_STREQ(name, "front/sub");
    g_free(name);
    gst_element_set_state(e.get(), GST_STATE_NULL);
}

TEST_F(FanoutSink, JpegPassesAndEachPictureIsAKeyUnit) {
    Rig rig("front/main", "image/jpeg");
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    EXPECT_EQ(rig.push(jpeg(1280, 720), 9 * s), GST_FLOW_OK);
    const auto first = r->next().unit;
    ASSERT_TRUE(first);
    EXPECT_EQ(bytes_of(first), jpeg(1280, 720));
    EXPECT_TRUE(first->key);
    EXPECT_EQ(first->time, 4999 * s);
    const auto parsed = caps("image/jpeg, parsed=true");
    EXPECT_TRUE(gst_caps_is_equal(first->track->caps.get(), parsed.get())) << "for who decodes it";
    EXPECT_EQ(rig.push({1, 2, 3}, 9 * s + 40 * ms), GST_FLOW_OK) << "left out";
    EXPECT_EQ(rig.push(jpeg(1280, 720), 9 * s + 80 * ms), GST_FLOW_OK);
    EXPECT_EQ(drain(*r), "K");
    EXPECT_EQ(rig.source("video-units"), 2u);
    EXPECT_EQ(rig.source("key-units"), 2u);
    const auto st = rig.stats();
    guint width = 0, height = 0;
    ASSERT_TRUE(gst_structure_get_uint(st.get(), "width", &width) &&
                gst_structure_get_uint(st.get(), "height", &height));
    EXPECT_EQ(std::pair(width, height), std::pair(1280u, 720u));
}

TEST_F(FanoutSink, AJpegThatClaimsTooMuchIsAnError) {
    Rig rig("front/main", "image/jpeg");
    EXPECT_EQ(rig.push(jpeg(15000, 15000), 9 * s), GST_FLOW_ERROR);
    EXPECT_NE(take_error(rig.bus.get()).find("15000x15000"), std::string::npos);
    EXPECT_EQ(rig.channel->stats(0).access_units, 0u);
}

TEST_F(FanoutSink, ASecondVideoTrackIsAnError) {
    Rig rig;
    OtherPad second(rig.element(), h264);
    EXPECT_EQ(second.push(key_unit(), 9 * s), GST_FLOW_NOT_NEGOTIATED);
    EXPECT_NE(take_error(rig.bus.get()).find("one video track"), std::string::npos);
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
}

TEST_F(FanoutSink, WhatTheChannelCannotCarryIsAnError) {
    Rig rig;
    OtherPad surround(rig.element(), "audio/x-opus,channel-mapping-family=1,channels=6");
    EXPECT_EQ(surround.push(Bytes(100, 1), 9 * s), GST_FLOW_NOT_NEGOTIATED);
    const std::string error = take_error(rig.bus.get());
    EXPECT_NE(error.find("sink_1"), std::string::npos) << error;
    EXPECT_NE(error.find("channel-mapping-family"), std::string::npos) << error;
}

TEST_F(FanoutSink, WhoIsTakenOverIsTold) {
    Rig old;
    old.push(key_unit(), 9 * s);
    Rig fresh;
    EXPECT_FALSE(fresh.present());
    EXPECT_EQ(fresh.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_EQ(old.push(p_slice(), 9 * s), GST_FLOW_ERROR);
    EXPECT_NE(take_error(old.bus.get()).find("'front/main'"), std::string::npos);
    gst_element_set_state(old.element(), GST_STATE_NULL);
    EXPECT_TRUE(fresh.present());
    EXPECT_EQ(fresh.push(p_slice(), 9 * s), GST_FLOW_OK);
}

// --- ends ---

TEST_F(FanoutSink, EosEndsTheGenerationAndIsPosted) {
    Rig rig;
    rig.push(key_unit(), 9 * s);
    gst_harness_push_event(rig.h, gst_event_new_eos());
    EXPECT_TRUE(take_eos(rig.bus.get()));
    EXPECT_FALSE(rig.present());
    EXPECT_EQ(rig.push(p_slice(), 9 * s), GST_FLOW_EOS);
}

TEST_F(FanoutSink, EosNeedsAllPads) {
    Rig rig;
    rig.push(key_unit(), 9 * s);
    {
        OtherPad sound(rig.element(), mulaw);
        gst_harness_push_event(rig.h, gst_event_new_eos());
        EXPECT_FALSE(take_eos(rig.bus.get()));
        EXPECT_TRUE(rig.present());
    }
    EXPECT_TRUE(take_eos(rig.bus.get())); // the one that was left has gone
}

TEST_F(FanoutSink, EosIsPostedAgainWhenItPlaysAgain) {
    Rig rig;
    gst_element_set_state(rig.element(), GST_STATE_PAUSED);
    gst_harness_push_event(rig.h, gst_event_new_eos());
    EXPECT_FALSE(take_eos(rig.bus.get()));
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    EXPECT_TRUE(take_eos(rig.bus.get()));
}

TEST_F(FanoutSink, ReadyEndsTheGenerationAndPausedBeginsAnother) {
    Rig rig;
    rig.push(key_unit(), 9 * s);
    const auto generation = rig.channel->stats(0).generation;
    gst_element_set_state(rig.element(), GST_STATE_READY);
    EXPECT_FALSE(rig.present());
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    gst_harness_push_event(rig.h, gst_event_new_stream_start("again"));
    const auto c = caps(h264);
    gst_harness_push_event(rig.h, gst_event_new_caps(c.get()));
    EXPECT_EQ(rig.push(key_unit(), 9 * s), GST_FLOW_OK);
    EXPECT_TRUE(rig.present());
    EXPECT_GT(rig.channel->stats(0).generation, generation);
}

TEST_F(FanoutSink, UpAndDownManyTimesWhileDataComes) {
    Rig rig;
    std::atomic<bool> over = false;
    std::thread pusher([&] { push_sound_until(over, rig.element()); });
    for (int i = 0; i < 100; i++)
        for (const GstState state :
             {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED})
            ASSERT_EQ(gst_element_set_state(rig.element(), state), GST_STATE_CHANGE_SUCCESS);
    over = true;
    pusher.join();
    EXPECT_EQ(take_error(rig.bus.get()), "");
}

// --- queries and requests ---

TEST_F(FanoutSink, SerializedQueriesAreAnsweredHere) {
    Rig rig;
    const auto c = caps(h264);
    for (GstQuery* q : {gst_query_new_allocation(c.get(), TRUE), gst_query_new_drain()}) {
        EXPECT_TRUE(gst_pad_peer_query(rig.h->srcpad, q)) << GST_QUERY_TYPE_NAME(q);
        gst_query_unref(q);
    }
    const auto vp8 = caps("video/x-vp8"), avc = caps("video/x-h264,stream-format=avc");
    EXPECT_TRUE(gst_pad_peer_query_accept_caps(rig.h->srcpad, c.get()));
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(rig.h->srcpad, vp8.get()));
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(rig.h->srcpad, avc.get()));
}

TEST_F(FanoutSink, LatencyIsUpstreams) {
    Rig rig;
    gst_harness_set_upstream_latency(rig.h, 30 * ms);
    GstQuery* q = gst_query_new_latency();
    ASSERT_TRUE(gst_element_query(rig.element(), q));
    gboolean live = FALSE;
    GstClockTime min = 0, max = 0;
    gst_query_parse_latency(q, &live, &min, &max);
    gst_query_unref(q);
    EXPECT_TRUE(live);
    EXPECT_EQ(min, 30 * ms);
}

TEST_F(FanoutSink, PositionIsThatOfTheLastBuffer) {
    Rig rig;
    gint64 position = -1;
    EXPECT_FALSE(gst_element_query_position(rig.element(), GST_FORMAT_TIME, &position));
    rig.push(key_unit(), 9 * s);
    rig.push(p_slice(), 9 * s + 40 * ms);
    EXPECT_TRUE(gst_element_query_position(rig.element(), GST_FORMAT_TIME, &position));
    EXPECT_EQ(position, gint64(9 * s + 40 * ms));
    EXPECT_FALSE(gst_element_query_position(rig.element(), GST_FORMAT_BYTES, &position));
}

TEST_F(FanoutSink, KeyUnitRequestsGoUpstreamOncePerSecondIfWanted) {
    Rig rig;
    rig.push(key_unit(), 9 * s);
    const auto requests = [&rig] {
        int n = 0;
        while (const auto e = adopt(gst_harness_try_pull_upstream_event(rig.h)))
            n += gst_event_has_name(e.get(), "GstForceKeyUnit");
        return n;
    };
    requests();
    rig.channel->request_key_unit();
    EXPECT_EQ(requests(), 0); // a camera would not hear it
    g_object_set(rig.element(), "key-unit-requests", TRUE, nullptr);
    for (int i = 0; i < 10; i++)
        rig.channel->request_key_unit();
    EXPECT_EQ(requests(), 1);
    set_channel_time(5001 * s);
    rig.channel->request_key_unit();
    EXPECT_EQ(requests(), 1);
    gst_element_set_state(rig.element(), GST_STATE_READY);
    set_channel_time(5003 * s);
    rig.channel->request_key_unit();
    EXPECT_EQ(requests(), 0);
}

// The bit rates that were asked for since the last call.
std::vector<guint64> bitrates(GstHarness* h) {
    std::vector<guint64> out;
    while (const auto e = adopt(gst_harness_try_pull_upstream_event(h))) {
        guint64 rate = 0;
        if (gst_event_has_name(e.get(), "sluice-bitrate") &&
            gst_structure_get_uint64(gst_event_get_structure(e.get()), "bitrate", &rate))
            out.push_back(rate);
    }
    return out;
}

TEST_F(FanoutSink, WhatTheSlowestReadersPathCarriesGoesUpstreamIfWanted) {
    using Rates = std::vector<guint64>;
    Rig rig("front/main", h264, [](GstElement* e) { g_object_set(e, "bitrate-requests", TRUE, nullptr); });
    OtherPad sound(rig.element(), mulaw);
    rig.push(key_unit(), 9 * s);
    auto slow = rig.channel->attach(Start::cached_gop, true, false);
    auto fast = rig.channel->attach(Start::cached_gop, true, false);
    bitrates(rig.h);
    const auto says = [&](Channel::Reader& reader, uint64_t rate) {
        if (reader.set_carries(rate))
            rig.channel->tell_rate();
    };
    EXPECT_TRUE(rig.channel->wants_rates());
    says(*fast, 900'000);
    says(*slow, 400'000);
    says(*fast, 800'000); // changes nothing
    EXPECT_EQ(bitrates(rig.h), (Rates{900'000, 400'000}));
    // Perhaps another encoder.
    gst_harness_set_src_caps_str(
        rig.h, "video/x-h264,stream-format=byte-stream,alignment=au,width=640,height=480,framerate=25/1");
    EXPECT_EQ(bitrates(rig.h), Rates{400'000});
    slow.reset();
    EXPECT_EQ(bitrates(rig.h), Rates{800'000});
    fast.reset();
    EXPECT_EQ(bitrates(rig.h), Rates{0});
}

TEST_F(FanoutSink, WhoComesBackIsToldWhatReadersHaveSaid) {
    Rig rig("front/main", h264, [](GstElement* e) { g_object_set(e, "bitrate-requests", TRUE, nullptr); });
    rig.push(key_unit(), 9 * s);
    auto reader = rig.channel->attach(Start::cached_gop, true, false);
    (void)reader->set_carries(300'000);
    gst_element_set_state(rig.element(), GST_STATE_READY);
    EXPECT_FALSE(rig.channel->wants_rates());
    bitrates(rig.h);
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
    gst_harness_set_src_caps_str(rig.h, h264);
    EXPECT_EQ(bitrates(rig.h), std::vector<guint64>{300'000});
}

TEST_F(FanoutSink, ACameraIsAskedForNoBitrate) {
    Rig rig;
    rig.push(key_unit(), 9 * s);
    auto reader = rig.channel->attach(Start::cached_gop, true, false);
    EXPECT_FALSE(rig.channel->wants_rates());
    bitrates(rig.h);
    if (reader->set_carries(300'000))
        rig.channel->tell_rate();
    EXPECT_TRUE(bitrates(rig.h).empty());
}

TEST_F(FanoutSink, LeaksNothing) {
    expect_no_leak([] {
        Rig rig;
        auto r = rig.channel->attach(Start::cached_gop, true, true);
        OtherPad sound(rig.element(), mulaw), bad(rig.element(), h264);
        rig.push(key_unit(), 9 * s);
        sound.push(Bytes(160, 1), 9 * s);
        rig.push(p_slice(), 9 * s);
        drain(*r);
        g_object_set(rig.element(), "key-unit-requests", TRUE, nullptr);
        rig.channel->request_key_unit();
        rig.stats();
        gst_harness_push_event(rig.h, gst_event_new_eos());
        while (adopt(gst_bus_pop(rig.bus.get()))) {
        }
    });
}

} // namespace
