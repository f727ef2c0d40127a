// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/timeline.hpp"
#include "tests/support/element_rig.hpp"
#include "tests/support/live_objects.hpp"

#include <gst/app/gstappsink.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

// A pipeline of fanoutsrc and an appsink for each pad that appears. Its clock stands at 100 s when it begins to play, and
// 5000 s on the channels' clock are that same moment: a unit of 5001 s has running time 1 s.
class Rig {
public:
    explicit Rig(const char* start_mode = "cached-gop", bool play = true, guint queue = 0) : queue_(queue) {
        clock = adopt(gst_test_clock_new_with_start_time(100 * s));
        face = adopt(sluice_channel_get("front/main"));
        channel = channel_of(face.get());
        pipeline = sink(gst_pipeline_new(nullptr));
        gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
        bus = adopt(gst_element_get_bus(pipeline.get()));
        src = make_element("fanoutsrc", "front/main");
        gst_util_set_object_arg(G_OBJECT(src.get()), "start-mode", start_mode);
        g_signal_connect(src.get(), "pad-added", G_CALLBACK(pad_added), this);
        g_signal_connect(src.get(), "pad-removed", G_CALLBACK(pad_removed), this);
        g_signal_connect(src.get(), "no-more-pads", G_CALLBACK(no_more_pads), this);
        gst_bin_add(GST_BIN(pipeline.get()), src.get());
        if (play)
            this->play();
    }
    ~Rig() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }
    void play() {
        EXPECT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        wait_for([this] { return channel->stats(0).readers == 1; }); // from here on it hears what is written
    }
    // The next buffer of that pad; nothing within the deadline is a failure.
    Ref<GstSample> pull(const char* pad = "video_0") {
        const auto app = wait_for_pad(pad);
        auto sample = adopt(gst_app_sink_try_pull_sample(GST_APP_SINK(app.get()), deadline));
        EXPECT_TRUE(sample) << pad << " got nothing; " << take_error(bus.get());
        return sample;
    }
    bool nothing_at(const char* pad = "video_0") {
        const auto app = find(pad);
        return !app || !adopt(gst_app_sink_try_pull_sample(GST_APP_SINK(app.get()), 0));
    }
    bool at_eos(const char* pad) {
        const auto app = wait_for_pad(pad);
        return !adopt(gst_app_sink_try_pull_sample(GST_APP_SINK(app.get()), deadline)) &&
               gst_app_sink_is_eos(GST_APP_SINK(app.get()));
    }
    Ref<GstElement> wait_for_pad(const std::string& pad) {
        Ref<GstElement> app;
        wait_for([&] { return bool(app = sinks_[pad]); });
        return app;
    }
    bool wait_until_removed(const std::string& pad) {
        return wait_for([&] { return removed_.contains(pad); });
    }
    std::string pads() {
        std::lock_guard lock(mutex_);
        return order_;
    }
    guint64 stat(const char* field) {
        GstStructure* raw = nullptr;
        g_object_get(src.get(), "stats", &raw, nullptr);
        const GstStructurePtr st(raw);
        guint64 v = 0;
        EXPECT_TRUE(gst_structure_get_uint64(raw, field, &v)) << field;
        return v;
    }
    // Conditions that other threads bring about without telling us are asked for again and again, until the deadline.
    template <typename F> bool wait_for(F f) {
        const gint64 end = g_get_monotonic_time() + gint64(deadline / 1000);
        std::unique_lock lock(mutex_);
        while (!f()) {
            if (g_get_monotonic_time() > end) {
                ADD_FAILURE() << "did not happen in time";
                return false;
            }
            changed_.wait_for(lock, std::chrono::milliseconds(2));
        }
        return true;
    }

    Ref<GstClock> clock;
    Ref<SluiceChannel> face;
    std::shared_ptr<Channel> channel;
    Ref<GstElement> pipeline, src;
    Ref<GstBus> bus;

private:
    Ref<GstElement> find(const std::string& pad) {
        std::lock_guard lock(mutex_);
        return sinks_[pad];
    }
    static void pad_added(GstElement*, GstPad* pad, Rig* self) {
        auto app = sink(gst_element_factory_make("appsink", nullptr));
        // async=FALSE: a flush while the pipeline still changes its state can deadlock in GstBin's latency handling (1.22).
        g_object_set(app.get(), "sync", FALSE, "async", FALSE, "max-buffers", self->queue_, "wait-on-eos", FALSE,
                     nullptr);
        gst_bin_add(GST_BIN(self->pipeline.get()), app.get());
        gst_element_sync_state_with_parent(app.get());
        const auto in = adopt(gst_element_get_static_pad(app.get(), "sink"));
        EXPECT_EQ(gst_pad_link(pad, in.get()), GST_PAD_LINK_OK);
        std::lock_guard lock(self->mutex_);
        self->sinks_[GST_PAD_NAME(pad)] = app;
        self->order_ += std::string(GST_PAD_NAME(pad)) + " ";
        self->changed_.notify_all();
    }
    static void pad_removed(GstElement*, GstPad* pad, Rig* self) {
        std::lock_guard lock(self->mutex_);
        self->removed_.insert({GST_PAD_NAME(pad), true});
        self->changed_.notify_all();
    }
    static void no_more_pads(GstElement*, Rig* self) {
        std::lock_guard lock(self->mutex_);
        self->order_ += "done ";
    }
    const guint queue_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Ref<GstElement>> sinks_;
    std::map<std::string, bool> removed_;
    std::string order_;
};

GstBuffer* buffer(const Ref<GstSample>& sample) { return gst_sample_get_buffer(sample.get()); }
GstClockTime pts(const Ref<GstSample>& sample) { return GST_BUFFER_PTS(buffer(sample)); }
// K key, d delta, in front of it * for DISCONT.
std::string kind(const Ref<GstSample>& sample) {
    return std::string(GST_BUFFER_FLAG_IS_SET(buffer(sample), GST_BUFFER_FLAG_DISCONT) ? "*" : "") +
           (GST_BUFFER_FLAG_IS_SET(buffer(sample), GST_BUFFER_FLAG_DELTA_UNIT) ? "d" : "K");
}

struct FanoutSrc : ElementTest {};

TEST_F(FanoutSrc, WhatIsInTheChannelComesOutWithItsTimeConverted) {
    Rig rig;
    Producer p(rig.channel, 5001 * s, true);
    p.key();
    p.sound(9);
    p.delta();
    const auto k = rig.pull(), d = rig.pull(), a = rig.pull("audio_0");
    EXPECT_EQ(rig.pads(), "video_0 audio_0 done ");
    EXPECT_EQ(bytes_of(buffer(k)), key_unit());
    EXPECT_EQ(bytes_of(buffer(d)), p_slice());
    EXPECT_EQ(bytes_of(buffer(a)), Bytes(160, 9));
    EXPECT_EQ(kind(k), "*K");
    EXPECT_EQ(kind(d), "d");
    EXPECT_EQ(kind(a), "*K");
    EXPECT_EQ(pts(k), 1 * s);
    EXPECT_EQ(pts(d), 1 * s + 40 * ms);
    EXPECT_EQ(pts(a), 1 * s + 40 * ms);
    EXPECT_EQ(GST_BUFFER_DTS(buffer(k)), GST_CLOCK_TIME_NONE);
    const auto video = h264_caps(), sound = mulaw_caps();
    EXPECT_TRUE(gst_caps_is_equal(gst_sample_get_caps(k.get()), video.get()));
    EXPECT_TRUE(gst_caps_is_equal(gst_sample_get_caps(a.get()), sound.get()));
    const GstSegment* segment = gst_sample_get_segment(k.get());
    EXPECT_EQ(segment->format, GST_FORMAT_TIME);
    EXPECT_EQ(segment->start, 0u);
    EXPECT_EQ(rig.stat("units"), 3u);
    EXPECT_EQ(rig.stat("generation"), p.token);
    const auto pad = adopt(gst_element_get_static_pad(rig.src.get(), "video_0"));
    const GString8 id(gst_pad_get_stream_id(pad.get()));
    EXPECT_STREQ(id.get(), "front/main/video_0");
}

TEST_F(FanoutSrc, WhenItWasCapturedComesOutWithTheBuffer) {
    constexpr GstClockTime captured = 1700000000 * s + 7;
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    const auto with_time = buffer_of(key_unit());
    const auto ntp = caps("timestamp/x-ntp"), unix_time = caps("timestamp/x-unix");
    gst_buffer_add_reference_timestamp_meta(with_time.get(), ntp.get(), captured + 2208988800u * s,
                                            GST_CLOCK_TIME_NONE);
    p.channel->write(p.token, 0, with_time.get(), p.now, p.now, false);
    p.delta();
    const auto k = rig.pull(), d = rig.pull();
    const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer(k), unix_time.get());
    ASSERT_NE(meta, nullptr);
    EXPECT_EQ(meta->timestamp, captured);
    EXPECT_EQ(gst_buffer_get_reference_timestamp_meta(buffer(d), nullptr), nullptr) << "nobody knows";
    EXPECT_EQ(gst_buffer_get_reference_timestamp_meta(buffer(k), ntp.get()), nullptr) << "only once";
}

TEST_F(FanoutSrc, JpegComesOutPictureByPicture) {
    const auto face = adopt(sluice_channel_get("front/main"));
    Producer p(channel_of(face.get()), 5001 * s);
    p.begin(false, jpeg_caps());
    p.video(jpeg(320, 240, 200, 1));
    p.video(jpeg(320, 240, 200, 2));
    Rig rig;
    const auto first = rig.pull();
    EXPECT_EQ(bytes_of(buffer(first)), jpeg(320, 240, 200, 2)) << "the newest is what there is";
    EXPECT_EQ(kind(first), "*K");
    const auto video = jpeg_caps();
    EXPECT_TRUE(gst_caps_is_equal(gst_sample_get_caps(first.get()), video.get()));
    p.video(jpeg(320, 240, 200, 3));
    EXPECT_EQ(kind(rig.pull()), "K");
}

TEST_F(FanoutSrc, MemoryIsSharedNotCopied) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    auto r = rig.channel->attach(Start::cached_gop, true, true);
    p.key();
    const auto k = rig.pull();
    EXPECT_EQ(gst_buffer_peek_memory(buffer(k), 0), gst_buffer_peek_memory(r->next().unit->buffer.get(), 0));
}

TEST_F(FanoutSrc, TheCachedGopComesAtOnceSqueezedIntoTheFirstMoment) {
    const auto face = adopt(sluice_channel_get("front/main"));
    Producer p(channel_of(face.get()), 4992 * s);
    p.key();
    for (int i = 1; i < 200; i++)
        p.delta();
    ASSERT_EQ(p.now, 5000 * s);
    Rig rig;
    EXPECT_EQ(kind(rig.pull()), "*K");
    GstClockTime last = 0;
    for (int i = 1; i < 200; i++) {
        const auto d = rig.pull();
        ASSERT_EQ(kind(d), "d");
        ASSERT_GT(pts(d), last);
        last = pts(d);
    }
    EXPECT_LT(last, Timeline::catch_up);
    p.now = 5002 * s;
    p.delta();
    EXPECT_EQ(pts(rig.pull()), 2 * s); // nothing is left of it
}

TEST_F(FanoutSrc, StartModes) {
    struct Row {
        const char *mode, *first, *second;
    };
    for (const Row& row : {Row{"cached-gop", "*K", "d"}, Row{"next-key-unit", "*K", "d"}, Row{"live", "*d", "K"}}) {
        const auto face = adopt(sluice_channel_get("front/main"));
        Producer p(channel_of(face.get()),
                   4999 * s + 920 * ms); // all of it within what a new key unit leaves in front of it
        p.key(50);
        p.delta();
        Rig rig(row.mode);
        p.video(p_slice(60));
        p.key(70);
        p.video(p_slice(80));
        const auto a = rig.pull(), b = rig.pull();
        EXPECT_EQ(kind(a), row.first) << row.mode;
        EXPECT_EQ(kind(b), row.second) << row.mode;
        const size_t size = gst_buffer_get_size(buffer(a));
        const std::string mode = row.mode;
        EXPECT_EQ(size, mode == "cached-gop" ? key_unit(50).size()
                        : mode == "live"     ? p_slice(60).size()
                                             : key_unit(70).size());
    }
}

TEST_F(FanoutSrc, ASourceThatComesBackIsADiscontOnAContinuousTimeline) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    p.delta();
    rig.channel->close(p.token);
    EXPECT_EQ(kind(rig.pull()), "*K");
    EXPECT_EQ(kind(rig.pull()), "d");
    EXPECT_TRUE(rig.nothing_at());
    Producer again(rig.channel, 5010 * s);
    again.write(key_unit(), 3 * s); // a camera that has rebooted: its clock begins anew
    const auto k = rig.pull();
    EXPECT_EQ(kind(k), "*K");
    EXPECT_EQ(pts(k), 10 * s);
    EXPECT_EQ(rig.pads(), "video_0 done ");
    EXPECT_EQ(take_error(rig.bus.get()), "");
}

TEST_F(FanoutSrc, OtherCapsArriveInFrontOfTheirFirstBuffer) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    rig.channel->close(p.token);
    p.begin(false, h264_caps(640));
    p.key();
    const auto a = rig.pull(), b = rig.pull();
    const auto narrow = h264_caps(), wide = h264_caps(640);
    EXPECT_TRUE(gst_caps_is_equal(gst_sample_get_caps(a.get()), narrow.get()));
    EXPECT_TRUE(gst_caps_is_equal(gst_sample_get_caps(b.get()), wide.get()));
    EXPECT_EQ(kind(b), "*K");
}

TEST_F(FanoutSrc, ATrackThatIsNewGetsAPadAndOneThatHasGoneEndsInOrder) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    (void)rig.pull();
    EXPECT_EQ(rig.pads(), "video_0 done ");
    p.begin(true); // now with sound
    p.key();
    p.sound(1);
    (void)rig.pull("audio_0");
    EXPECT_EQ(rig.pads(), "video_0 done audio_0 ");
    p.begin(); // and without
    p.key();
    for (int i = 0; i < 49; i++)
        p.delta();
    EXPECT_EQ(p.now, 5001 * s + 52 * 40 * ms);
    for (int i = 0; i < 51; i++)
        (void)rig.pull();
    EXPECT_TRUE(rig.nothing_at("audio_0")); // it may still come: sound is often later than the picture
    p.delta();
    EXPECT_TRUE(rig.at_eos("audio_0"));
    EXPECT_TRUE(rig.wait_until_removed("audio_0"));
    EXPECT_EQ(kind(rig.pull()), "d");
}

TEST_F(FanoutSrc, OnlyTheMediaThatAreAskedForHavePads) {
    for (const bool video : {true, false}) {
        Rig rig("cached-gop", false);
        gst_util_set_object_arg(G_OBJECT(rig.src.get()), "media", video ? "video" : "audio");
        rig.play();
        Producer p(rig.channel, 5001 * s, true);
        p.key();
        p.sound(1);
        p.delta();
        p.sound(2);
        if (video) {
            (void)rig.pull();
            EXPECT_EQ(kind(rig.pull()), "d");
            EXPECT_EQ(rig.pads(), "video_0 done ");
        } else {
            EXPECT_EQ(bytes_of(buffer(rig.pull("audio_0"))), Bytes(160, 1));
            EXPECT_EQ(bytes_of(buffer(rig.pull("audio_0"))), Bytes(160, 2));
            EXPECT_EQ(rig.pads(), "audio_0 done ");
        }
    }
}

TEST_F(FanoutSrc, SoundThatComesLateKeepsItsPad) {
    Rig rig;
    Producer p(rig.channel, 5001 * s, true);
    p.key();
    p.sound(1);
    (void)rig.pull("audio_0");
    p.begin();
    p.key();
    const auto sound = mulaw_caps();
    rig.channel->set_track(p.token, 3, sound.get()); // another pad of the new source's sink
    for (int i = 0; i < 100; i++)
        p.delta();
    p.write(Bytes(160, 2), p.now, false, 3);
    const auto a = rig.pull("audio_0");
    EXPECT_EQ(bytes_of(buffer(a)), Bytes(160, 2));
    EXPECT_EQ(kind(a), "*K");
    EXPECT_EQ(rig.pads(), "video_0 audio_0 done ");
}

TEST_F(FanoutSrc, WaitsForAProducerAndStopsAtOnce) {
    Rig rig;
    EXPECT_EQ(rig.pads(), "");
    GstState state = GST_STATE_NULL;
    EXPECT_EQ(gst_element_get_state(rig.src.get(), &state, nullptr, 0), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(state, GST_STATE_PLAYING);
    EXPECT_EQ(gst_element_set_state(rig.pipeline.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
    EXPECT_EQ(gst_element_set_state(rig.pipeline.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(rig.channel->stats(0).readers, 0u);
    EXPECT_EQ(take_error(rig.bus.get()), "");
}

TEST_F(FanoutSrc, ReadsOnlyWhilePlayingAndGoesOnBehindAPause) {
    Rig rig("cached-gop", false);
    Producer p(rig.channel, 5001 * s);
    gst_element_set_state(rig.pipeline.get(), GST_STATE_PAUSED);
    p.key();
    EXPECT_EQ(rig.channel->stats(0).readers, 0u);
    rig.play();
    const auto first = rig.pull();
    EXPECT_EQ(pts(first), 1 * s);
    gst_element_set_state(rig.pipeline.get(), GST_STATE_PAUSED);
    p.delta();
    gst_test_clock_set_time(GST_TEST_CLOCK(rig.clock.get()), 110 * s);
    set_channel_time(5010 * s);
    p.now = 5010 * s;
    gst_element_set_state(rig.pipeline.get(), GST_STATE_PLAYING);
    const auto k = rig.pull(), d = rig.pull(); // from the key unit on again, behind what was
    EXPECT_EQ(kind(k), "*K");
    EXPECT_GT(pts(k), pts(first));
    EXPECT_GT(pts(d), pts(k));
}

TEST_F(FanoutSrc, ASlowBranchHoldsNobodyAndContinuesAtAKeyUnit) {
    Rig rig("cached-gop", true, 1);
    Producer p(rig.channel, 5001 * s);
    p.key(100);
    EXPECT_EQ(gst_buffer_get_size(buffer(rig.pull())), key_unit(100).size());
    // The branch has one waiting and one in the door, and then takes nothing, while three GOPs are written.
    p.delta();
    p.delta();
    rig.wait_for([&] { return rig.stat("units") == 3; });
    for (int gop = 0; gop < 3; gop++) {
        p.key(200 + gop);
        for (int i = 0; i < 49; i++)
            ASSERT_EQ(p.delta(), Channel::Written::ok);
    }
    std::string seen;
    while (seen.find("*K") == std::string::npos)
        seen += kind(rig.pull());
    EXPECT_LT(seen.size(), 10u);
    EXPECT_EQ(rig.stat("skips"), 1u);
}

TEST_F(FanoutSrc, AnEosThatIsAskedForComesBehindTheData) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    (void)rig.pull();
    EXPECT_TRUE(gst_element_send_event(rig.pipeline.get(), gst_event_new_eos()));
    EXPECT_TRUE(take_eos(rig.bus.get(), deadline));
}

TEST_F(FanoutSrc, AFlushBeginsAnewAtTheCachedGop) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    p.delta();
    (void)rig.pull();
    (void)rig.pull();
    EXPECT_TRUE(gst_element_send_event(rig.src.get(), gst_event_new_flush_start()));
    EXPECT_TRUE(gst_element_send_event(rig.src.get(), gst_event_new_flush_stop(TRUE)));
    const auto k = rig.pull();
    EXPECT_EQ(kind(k), "*K");
    EXPECT_EQ(pts(k), 1 * s);
    EXPECT_EQ(gst_sample_get_segment(k.get())->format, GST_FORMAT_TIME);
    EXPECT_EQ(kind(rig.pull()), "d");
}

TEST_F(FanoutSrc, ABranchThatEndsByItselfIsNoError) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    p.key();
    (void)rig.pull();
    const auto pad = adopt(gst_element_get_static_pad(rig.src.get(), "video_0"));
    std::atomic<int> dropped = 0;
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer n) {
            ++*static_cast<std::atomic<int>*>(n);
            GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
            gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
            return GST_PAD_PROBE_HANDLED;
        },
        &dropped, nullptr);
    p.delta();
    EXPECT_TRUE(take_eos(rig.bus.get(), deadline));
    EXPECT_EQ(dropped, 1);
    EXPECT_EQ(take_error(rig.bus.get()), "");
}

TEST_F(FanoutSrc, AnUnlinkedOutputIsAnError) {
    const auto pipeline = sink(gst_pipeline_new(nullptr));
    const auto src = make_element("fanoutsrc", "front/main");
    gst_bin_add(GST_BIN(pipeline.get()), src.get());
    const auto face = adopt(sluice_channel_get("front/main"));
    Producer p(channel_of(face.get()), 5001 * s);
    p.key();
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = adopt(gst_element_get_bus(pipeline.get()));
    EXPECT_NE(take_error(bus.get(), deadline), "");
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(FanoutSrc, LatencyIsLiveAndNone) {
    Rig rig;
    for (int with_pad = 0; with_pad < 2; with_pad++) {
        GstQuery* q = gst_query_new_latency();
        if (with_pad) {
            Producer p(rig.channel, 5001 * s);
            p.key();
            (void)rig.pull();
            const auto pad = adopt(gst_element_get_static_pad(rig.src.get(), "video_0"));
            ASSERT_TRUE(gst_pad_query(pad.get(), q));
        } else {
            ASSERT_TRUE(gst_element_query(rig.src.get(), q));
        }
        gboolean live = FALSE;
        GstClockTime min = 1, max = 1;
        gst_query_parse_latency(q, &live, &min, &max);
        gst_query_unref(q);
        EXPECT_TRUE(live);
        EXPECT_EQ(min, 0u);
        EXPECT_EQ(max, GST_CLOCK_TIME_NONE);
    }
}

TEST_F(FanoutSrc, KeyUnitRequestsReachTheProducer) {
    Rig rig;
    Producer p(rig.channel, 5001 * s);
    std::atomic<int> asked = 0;
    rig.channel->set_key_unit_handler(p.token, [&] { asked++; });
    p.key();
    (void)rig.pull();
    const auto pad = adopt(gst_element_get_static_pad(rig.src.get(), "video_0"));
    const auto peer = adopt(gst_pad_get_peer(pad.get()));
    EXPECT_TRUE(gst_pad_push_event(
        peer.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty("GstForceKeyUnit"))));
    EXPECT_EQ(asked, 1);
    EXPECT_FALSE(gst_pad_push_event(peer.get(), gst_event_new_seek(1, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE,
                                                                   GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0)));
    rig.channel->set_key_unit_handler(p.token, nullptr);
}

TEST_F(FanoutSrc, UpAndDownManyTimesWhileDataComes) {
    Rig rig("cached-gop", false);
    std::atomic<bool> over = false;
    std::thread producer([&] {
        Producer p(rig.channel, 5001 * s, true);
        for (int i = 0; !over; i++) {
            if (i % 500 == 499)
                p.begin(i % 1000 > 500);
            if (i % 20)
                p.delta();
            else
                p.key();
            p.sound();
        }
    });
    for (int i = 0; i < 100; i++)
        for (const GstState state :
             {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED})
            ASSERT_NE(gst_element_set_state(rig.src.get(), state), GST_STATE_CHANGE_FAILURE);
    over = true;
    producer.join();
    gst_element_set_state(rig.src.get(), GST_STATE_NULL);
    EXPECT_EQ(rig.channel->stats(0).readers, 0u);
    EXPECT_EQ(rig.src->numpads, 0);
}

TEST_F(FanoutSrc, LeaksNothing) {
    expect_no_leak([] {
        Rig rig;
        Producer p(rig.channel, 5001 * s, true);
        p.key();
        p.sound();
        (void)rig.pull();
        (void)rig.pull("audio_0");
        p.begin();
        p.key();
        for (int i = 0; i < 60; i++)
            p.delta();
        rig.wait_until_removed("audio_0");
        gst_element_send_event(rig.pipeline.get(), gst_event_new_eos());
        take_eos(rig.bus.get(), deadline);
    });
}

} // namespace
