// SPDX-License-Identifier: LGPL-2.1-or-later
// fanoutsink and fanoutsrc with what real encoders and parsers give, on the real clock.
#include "tests/support/element_rig.hpp"

#include <gst/app/gstappsink.h>

#include <algorithm>

using namespace sluice;
using namespace sluice::test;

namespace {

struct Pipeline {
    explicit Pipeline(const std::string& line) {
        GError* raw = nullptr;
        pipeline = sink(gst_parse_launch(line.c_str(), &raw));
        const GErrorPtr error(raw);
        EXPECT_TRUE(pipeline && !error) << (error ? error->message : "");
        bus = adopt(gst_element_get_bus(pipeline.get()));
        EXPECT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    }
    ~Pipeline() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }
    void run_to_eos() {
        const auto m = adopt(
            gst_bus_timed_pop_filtered(bus.get(), 3 * deadline, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
        ASSERT_TRUE(m);
        EXPECT_EQ(GST_MESSAGE_TYPE(m.get()), GST_MESSAGE_EOS);
    }
    Ref<GstSample> pull(const char* sink_name = "out") {
        const auto app = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), sink_name));
        auto sample = adopt(gst_app_sink_try_pull_sample(GST_APP_SINK(app.get()), deadline));
        EXPECT_TRUE(sample) << take_error(bus.get());
        return sample;
    }
    Ref<GstElement> pipeline;
    Ref<GstBus> bus;
};

std::string source(const char* encoder, int buffers = 30) {
    return "videotestsrc is-live=true num-buffers=" + std::to_string(buffers) +
           " ! video/x-raw,width=160,height=120,framerate=60/1 ! " + encoder +
           " ! fanoutsink name=sink channel=real/main";
}

struct Read {
    std::vector<AccessUnitPtr> units;
    ChannelStats stats;
};
Read read_all(const std::string& line) {
    const auto face = adopt(sluice_channel_get("real/main"));
    const auto channel = channel_of(face.get());
    auto reader = channel->attach(Channel::Start::cached_gop, true, true);
    Read out;
    {
        Pipeline p(line);
        p.run_to_eos();
        const auto clock = channel_clock();
        out.stats = channel->stats(gst_clock_get_time(clock.get()));
    }
    for (auto n = reader->next(); n.unit; n = reader->next())
        out.units.push_back(n.unit);
    return out;
}

// Whether the stream, byte by byte, is one that a fresh decoder takes: every key unit carries its parameter sets.
void expect_whole(const Read& r, Codec codec) {
    ASSERT_FALSE(r.units.empty());
    EXPECT_TRUE(r.units.front()->key);
    for (const auto& u : r.units) {
        ASSERT_FALSE(u->nals.empty());
        EXPECT_FALSE(is_delimiter(codec, u->nals.front().type));
        const bool sets = std::any_of(u->nals.begin(), u->nals.end(),
                                      [&](const NalUnit& n) { return is_parameter_set(codec, n.type); });
        EXPECT_TRUE(!u->key || sets);
        EXPECT_FALSE(u->payloads().empty());
    }
}

// As from a jitter buffer that had a sender report: what depayloaders and parsers make of it is not lost on the way.
TEST(Encoders, WhenItWasCapturedSurvivesDepayloadersAndParsers) {
    struct Row {
        const char *name, *line;
    };
    const Row rows[] = {
        {"H.264", // one GOP: nobody reads before the end, and of older ones a channel keeps little
         "videotestsrc num-buffers=30 ! video/x-raw,width=320,height=240 ! x264enc tune=zerolatency key-int-max=30 ! "
         "rtph264pay mtu=600 ! identity name=arrival ! rtph264depay ! "
         "video/x-h264,stream-format=byte-stream,alignment=au ! h264parse config-interval=-1"},
        {"PCMU", "audiotestsrc num-buffers=30 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! "
                 "rtppcmupay ! "
                 "identity name=arrival ! rtppcmudepay"},
    };
    for (const Row& row : rows) {
        const auto face = adopt(sluice_channel_get("real/main"));
        auto reader = channel_of(face.get())->attach(Channel::Start::cached_gop, true, true);
        GError* raw = nullptr;
        const auto pipeline =
            sink(gst_parse_launch((std::string(row.line) + " ! fanoutsink channel=real/main").c_str(), &raw));
        const GErrorPtr error(raw);
        ASSERT_TRUE(pipeline && !error) << row.name;
        const auto arrival = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "arrival"));
        const auto pad = adopt(gst_element_get_static_pad(arrival.get(), "sink"));
        const auto mark = +[](GstPad*, GstPadProbeInfo* info, gpointer) {
            const auto ntp = caps("timestamp/x-ntp");
            const auto put = [&ntp](GstBuffer* b) {
                gst_buffer_add_reference_timestamp_meta(b, ntp.get(), 3900000000u * s + GST_BUFFER_PTS(b),
                                                        GST_CLOCK_TIME_NONE);
            };
            if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
                GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
                for (guint i = 0; i < gst_buffer_list_length(list); i++)
                    put(gst_buffer_list_get_writable(list, i));
                info->data = list;
            } else {
                info->data = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
                put(GST_PAD_PROBE_INFO_BUFFER(info));
            }
            return GST_PAD_PROBE_OK;
        };
        gst_pad_add_probe(pad.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), mark,
                          nullptr, nullptr);
        const auto bus = adopt(gst_element_get_bus(pipeline.get()));
        gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
        const auto m = adopt(
            gst_bus_timed_pop_filtered(bus.get(), 3 * deadline, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
        EXPECT_TRUE(m && GST_MESSAGE_TYPE(m.get()) == GST_MESSAGE_EOS) << row.name;
        gst_element_set_state(pipeline.get(), GST_STATE_NULL);
        unsigned units = 0, known = 0;
        GstClockTime last = 0;
        for (auto n = reader->next(); n.unit; n = reader->next(), units++) {
            if (!n.unit->capture_time)
                continue;
            known++;
            EXPECT_GE(*n.unit->capture_time, (3900000000u - 2208988800u) * s) << row.name;
            EXPECT_GT(*n.unit->capture_time, last) << row.name;
            last = *n.unit->capture_time;
        }
        EXPECT_EQ(units, 30u) << row.name;
        EXPECT_EQ(known, units) << row.name;
    }
}

TEST(Encoders, X264WithoutReordering) {
    const Read r = read_all(source("x264enc bframes=0 tune=zerolatency key-int-max=30"));
    expect_whole(r, Codec::h264);
    EXPECT_EQ(r.units.size(), 30u);
    EXPECT_FALSE(r.stats.reorder);
    EXPECT_EQ(r.stats.key_units, 1u);
    EXPECT_EQ(r.stats.video.width, 160u);
    EXPECT_EQ(r.stats.video.height, 120u);
    EXPECT_EQ(r.stats.time.jumps, 0u);
    EXPECT_EQ(r.stats.overflows, 0u);
    EXPECT_TRUE(
        std::is_sorted(r.units.begin(), r.units.end(), [](const auto& a, const auto& b) { return a->time < b->time; }));
}

TEST(Encoders, X264WithBFrames) {
    const Read r = read_all(source("x264enc bframes=2 b-adapt=false key-int-max=30 rc-lookahead=0"));
    expect_whole(r, Codec::h264);
    EXPECT_TRUE(r.stats.reorder);
    EXPECT_EQ(r.stats.time.jumps, 0u);
    // In decode order the times go back, in the order of presentation they are frames of 60 Hz.
    std::vector<GstClockTime> times;
    for (const auto& u : r.units)
        times.push_back(u->time);
    EXPECT_FALSE(std::is_sorted(times.begin(), times.end()));
    std::sort(times.begin(), times.end());
    for (size_t i = 1; i < times.size(); i++)
        EXPECT_NEAR(double(times[i] - times[i - 1]), 1e9 / 60, 1e6);
}

TEST(Encoders, X264KeyUnitsAndTheNewestGop) {
    const auto face = adopt(sluice_channel_get("real/main"));
    const auto channel = channel_of(face.get());
    Pipeline p(source("x264enc bframes=0 tune=zerolatency key-int-max=10 ! h264parse config-interval=0", 100000));
    Pipeline out("fanoutsrc channel=real/main ! h264parse ! appsink name=out sync=false");
    unsigned keys = 0;
    for (int i = 0; i < 25; i++) {
        const auto sample = out.pull();
        ASSERT_TRUE(sample);
        keys += !GST_BUFFER_FLAG_IS_SET(gst_sample_get_buffer(sample.get()), GST_BUFFER_FLAG_DELTA_UNIT);
    }
    EXPECT_GE(keys, 2u);
    EXPECT_TRUE(channel->stats(0).gop_complete);
    EXPECT_LE(channel->stats(0).cached_units, 10u + 26); // a GOP, and 400 ms in front of it
}

TEST(Encoders, X265) {
    const Read r = read_all(source("x265enc tune=zerolatency key-int-max=30 ! h265parse"));
    expect_whole(r, Codec::h265);
    EXPECT_EQ(r.stats.video.width, 160u);
    EXPECT_FALSE(r.stats.reorder);
}

TEST(Encoders, OpusAndG711BesideTheVideo) {
    for (const char* audio : {"mulawenc", "alawenc", "audioresample ! opusenc"}) {
        const auto face = adopt(sluice_channel_get("real/main"));
        Pipeline in(
            source("x264enc tune=zerolatency ! h264parse", 100000) +
            " audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! audioconvert ! " +
            audio + " ! sink.");
        Pipeline out("fanoutsrc name=src channel=real/main src.video_0 ! queue ! appsink name=out sync=false "
                     "src.audio_0 ! queue ! appsink name=sound sync=false");
        for (int i = 0; i < 5; i++) {
            EXPECT_TRUE(bool(out.pull()));
            EXPECT_TRUE(bool(out.pull("sound")));
        }
    }
}

// What comes out is a picture again: the way to every consumer that decodes.
TEST(Encoders, WhatComesOutDecodes) {
    for (const char* encoder : {"x264enc bframes=2 key-int-max=20", "x264enc tune=zerolatency key-int-max=20"}) {
        Pipeline in(source(encoder, 100000));
        Pipeline out("fanoutsrc channel=real/main ! queue ! h264parse ! avdec_h264 ! video/x-raw,width=160,height=120 "
                     "! appsink name=out sync=false");
        GstClockTime last = 0;
        for (int i = 0; i < 20; i++) {
            const auto sample = out.pull();
            ASSERT_TRUE(sample);
            const GstClockTime pts = GST_BUFFER_PTS(gst_sample_get_buffer(sample.get()));
            EXPECT_TRUE(i == 0 || pts > last);
            last = pts;
        }
    }
}

// The source dies and another takes its place: the output goes on by itself, on one timeline.
TEST(Encoders, AnOutputOutlivesItsSources) {
    Pipeline out("fanoutsrc channel=real/main ! queue ! h264parse ! avdec_h264 ! appsink name=out sync=false");
    GstClockTime last = 0;
    for (int source_number = 0; source_number < 3; source_number++) {
        Pipeline in(source("x264enc tune=zerolatency key-int-max=20", 100000));
        for (int i = 0; i < 10; i++) {
            const auto sample = out.pull();
            ASSERT_TRUE(sample);
            const GstClockTime pts = GST_BUFFER_PTS(gst_sample_get_buffer(sample.get()));
            EXPECT_GE(pts, last);
            last = pts;
        }
    }
    EXPECT_EQ(take_error(out.bus.get()), "");
}

// A file is what most tools read: the muxer takes the stream without complaint from its first unit on.
TEST(Encoders, AMuxerTakesIt) {
    Pipeline in(source("x264enc tune=zerolatency key-int-max=20", 100000));
    // No second parser behind h264timestamper (1.22): it gives the first two pictures one PTS, a parser would remove it.
    Pipeline out("fanoutsrc channel=real/main ! queue ! h264parse ! video/x-h264,stream-format=avc,alignment=au "
                 "! h264timestamper ! mp4mux fragment-duration=100 ! appsink name=out sync=false");
    size_t bytes = 0;
    for (int i = 0; i < 10; i++) {
        const auto sample = out.pull();
        ASSERT_TRUE(sample);
        bytes += gst_buffer_get_size(gst_sample_get_buffer(sample.get()));
    }
    EXPECT_GT(bytes, 1000u);
}

} // namespace
