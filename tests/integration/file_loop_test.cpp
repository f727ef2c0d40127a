// SPDX-License-Identifier: LGPL-2.1-or-later
// A file that is played again and again: what reaches the channel goes on over its ends as if there were none.
#include "launcher/camera/pipeline_factory.hpp"
#include "plugins/core/sluicechannel.h"
#include "tests/support/element_rig.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {
namespace {

using namespace test;

const Templates& templates() {
    static const Templates all = [] {
        const char* directory = std::getenv("SLUICE_PIPELINES");
        Result<Templates> loaded = Templates::load(directory ? directory : "");
        EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().text);
        return loaded ? std::move(loaded).value() : Templates();
    }();
    return all;
}

class Directory {
public:
    Directory() {
        char name[] = "/tmp/sluice-file-loop-XXXXXX";
        if (mkdtemp(name))
            path = name;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::string path;
};

// Runs a pipeline to its end.
void make_file(const std::string& text) {
    GError* raw = nullptr;
    const auto pipeline = sink(gst_parse_launch(text.c_str(), &raw));
    const GErrorPtr error(raw);
    ASSERT_FALSE(error) << error->message;
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = adopt(gst_element_get_bus(pipeline.get()));
    const auto message = adopt(
        gst_bus_timed_pop_filtered(bus.get(), 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    ASSERT_TRUE(message) << text;
    ASSERT_EQ(GST_MESSAGE_TYPE(message.get()), GST_MESSAGE_EOS) << text;
}

// A file that plays, and the times at which its units come to the fanoutsink.
class Player {
public:
    Player(const std::string& name, const std::string& file) : channel_(adopt(sluice_channel_get(name.c_str()))) {
        SourceConfig source;
        source.source_template = "file";
        source.parameters["location"] = file;
        Result<Ref<GstElement>> made = make_source_pipeline(templates(), source, name);
        EXPECT_TRUE(made) << made.error().text;
        pipeline_ = std::move(made).value();
        const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"));
        GstIterator* it = gst_element_iterate_sink_pads(fanout.get());
        gst_iterator_foreach(
            it,
            [](const GValue* item, gpointer self) {
                gst_pad_add_probe(GST_PAD(g_value_get_object(item)), GST_PAD_PROBE_TYPE_BUFFER, seen, self, nullptr);
            },
            this);
        gst_iterator_free(it);
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    ~Player() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;

    std::vector<GstClockTime> times(bool video) {
        const std::lock_guard lock(mutex_);
        return video ? video_ : sound_;
    }
    std::string error() const {
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        return take_error(bus.get());
    }
    uint64_t stat(const char* name) const {
        GstStructure* raw = nullptr;
        g_object_get(channel_.get(), "stats", &raw, nullptr);
        const GstStructurePtr stats(raw);
        guint64 value = 0;
        gst_structure_get_uint64(stats.get(), name, &value);
        return value;
    }

private:
    static GstPadProbeReturn seen(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
        auto* self = static_cast<Player*>(data);
        const auto segment = adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
        const auto caps = adopt(gst_pad_get_current_caps(pad));
        const GstSegment* s = nullptr;
        gst_event_parse_segment(segment.get(), &s);
        guint64 running = 0;
        gst_segment_to_running_time_full(s, GST_FORMAT_TIME, GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)), &running);
        const auto parent = adopt(gst_pad_get_parent_element(pad));
        const bool video = g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), "video/");
        const std::lock_guard lock(self->mutex_);
        (video ? self->video_ : self->sound_).push_back(gst_element_get_base_time(parent.get()) + running);
        return GST_PAD_PROBE_OK;
    }

    const Ref<SluiceChannel> channel_;
    Ref<GstElement> pipeline_;
    std::mutex mutex_;
    std::vector<GstClockTime> video_, sound_;
};

// The longest and the shortest time between two, in the order of time. Without the newest: between them others may be on
// their way (B-frames).
std::pair<GstClockTime, GstClockTime> steps(std::vector<GstClockTime> times) {
    std::sort(times.begin(), times.end());
    times.resize(times.size() - std::min<size_t>(times.size(), 4));
    GstClockTime longest = 0, shortest = GST_CLOCK_TIME_NONE;
    for (size_t i = 1; i < times.size(); i++) {
        longest = std::max(longest, times[i] - times[i - 1]);
        shortest = std::min(shortest, times[i] - times[i - 1]);
    }
    return {longest, shortest};
}

const std::string picture = "videotestsrc num-buffers=50 ! video/x-raw,width=160,height=128,framerate=25/1 ! ";
const std::string h264 = picture + "x264enc tune=zerolatency key-int-max=25 ! h264parse ! mux. ";
const std::string reordered = picture + "x264enc bframes=2 b-adapt=false key-int-max=25 ! h264parse ! mux. ";
const std::string h265 = picture + "x265enc tune=zerolatency key-int-max=25 ! h265parse ! mux. ";

std::string sound(const std::string& encoder) {
    return "audiotestsrc samplesperbuffer=480 num-buffers=200 ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! "
           "audioresample ! " +
           encoder + " ! mux. ";
}

struct Kind {
    const char* name;
    std::string text; // up to the file
    bool sound = true;
};

TEST(FileLoop, GoesOnOverItsEnds) {
    const Directory directory;
    const std::vector<Kind> kinds = {
        {"h264-aac.mp4", h264 + sound("avenc_aac ! aacparse") + "mp4mux name=mux"},
        {"h264-opus.mkv", h264 + sound("opusenc") + "matroskamux name=mux"},
        {"h264-pcmu.mkv", h264 + sound("audio/x-raw,rate=8000 ! mulawenc") + "matroskamux name=mux"},
        {"h265-aac.mp4", h265 + sound("avenc_aac ! aacparse") + "mp4mux name=mux"},
        {"h264-aac.ts", h264 + sound("avenc_aac ! aacparse") + "mpegtsmux name=mux"},
        {"h264-aac.mov", reordered + sound("avenc_aac ! aacparse") + "qtmux name=mux"},
        {"reordered.mp4", reordered + "mp4mux name=mux", false},
        {"silent.ts", h264 + "mpegtsmux name=mux", false},
    };
    std::vector<std::unique_ptr<Player>> players;
    for (const Kind& kind : kinds) {
        const std::string file = directory.path + "/" + kind.name;
        ASSERT_NO_FATAL_FAILURE(make_file(kind.text + " ! filesink location=" + file)) << kind.name;
        players.push_back(std::make_unique<Player>(kind.name, file));
    }
    // Two seconds each: the end comes three times.
    g_usleep(7'500'000);
    for (size_t i = 0; i < kinds.size(); i++) {
        SCOPED_TRACE(kinds[i].name);
        Player& player = *players[i];
        EXPECT_EQ(player.error(), "");
        const std::vector<GstClockTime> video = player.times(true);
        EXPECT_GE(video.size(), 160u);
        EXPECT_LE(video.size(), 250u) << "played at its own pace";
        const auto [longest, shortest] = steps(video);
        EXPECT_LE(longest, 50 * GST_MSECOND) << "the picture stands still";
        EXPECT_GE(shortest, 30 * GST_MSECOND);
        EXPECT_EQ(player.stat("generation"), 1u) << "one producer all the time";
        EXPECT_EQ(player.stat("time-jumps"), 0u);
        EXPECT_EQ(player.times(false).empty(), !kinds[i].sound);
        if (kinds[i].sound) {
            EXPECT_LE(steps(player.times(false)).first, 150 * GST_MSECOND) << "the sound is away";
        }
        g_print("%s: %zu pictures, longest step %u ms, shortest %u ms, sound %u ms, clamped %u\n", kinds[i].name,
                video.size(), unsigned(longest / GST_MSECOND), unsigned(shortest / GST_MSECOND),
                unsigned(steps(player.times(false)).first / GST_MSECOND), unsigned(player.stat("time-clamped")));
    }
}

TEST(FileLoop, WhatCannotBePlayedIsAnError) {
    const Directory directory;
    const auto error_of = [](const std::string& file) {
        Player player("broken", file);
        for (int i = 0; i < 100; i++) {
            if (const std::string error = player.error(); !error.empty())
                return error;
            g_usleep(50'000);
        }
        return std::string();
    };
    EXPECT_NE(error_of(directory.path + "/none.mp4").find("No such file"), std::string::npos);
    const std::string text = directory.path + "/text.mp4";
    ASSERT_TRUE(g_file_set_contents(text.c_str(), "no film at all", -1, nullptr));
    EXPECT_NE(error_of(text), "");
    const std::string moment = directory.path + "/moment.mp4";
    ASSERT_NO_FATAL_FAILURE(make_file("videotestsrc num-buffers=2 ! video/x-raw,width=160,height=128,framerate=60/1 ! "
                                      "x264enc tune=zerolatency ! h264parse ! mp4mux ! filesink location=" +
                                      moment));
    EXPECT_NE(error_of(moment).find("too short"), std::string::npos);
}

TEST(FileLoop, EndsWhileItRewinds) {
    const Directory directory;
    const std::string file = directory.path + "/short.mp4";
    ASSERT_NO_FATAL_FAILURE(make_file("videotestsrc num-buffers=4 ! video/x-raw,width=160,height=128,framerate=30/1 ! "
                                      "x264enc tune=zerolatency ! h264parse ! mp4mux ! filesink location=" +
                                      file));
    for (unsigned i = 0; i < 40; i++) {
        const Player player("short", file);
        g_usleep(100'000 + i * 2'000); // the end comes after 133 ms
    }
}

} // namespace
} // namespace sluice
