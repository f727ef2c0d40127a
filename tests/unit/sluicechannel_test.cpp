// SPDX-License-Identifier: LGPL-2.1-or-later
// The public face: names, properties, signals, demand (point 8 of the contract), on a clock that the test moves.
#include "plugins/core/channel_access.hpp"
#include "tests/support/units.hpp"

#include <gst/check/gsttestclock.h>
#include <gtest/gtest.h>

#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

constexpr GstClockTime s = GST_SECOND;

struct Signals {
    std::mutex mutex;
    std::vector<bool> heard;
    std::vector<bool> list() {
        std::lock_guard lock(mutex);
        return heard;
    }
    static void on(SluiceChannel*, gboolean value, gpointer data) {
        auto* self = static_cast<Signals*>(data);
        std::lock_guard lock(self->mutex);
        self->heard.push_back(value);
    }
};

class SluiceChannelTest : public testing::Test {
protected:
    void SetUp() override {
        clock = adopt(gst_test_clock_new_with_start_time(1000 * s));
        set_channel_clock_for_testing(clock.get());
    }
    void TearDown() override {
        EXPECT_TRUE(all_channels().empty());
        const auto system = adopt(gst_system_clock_obtain());
        set_channel_clock_for_testing(system.get());
    }
    GstTestClock* test_clock() { return GST_TEST_CLOCK(clock.get()); }
    // Moves the clock; timers that are due fire on this thread.
    void advance(GstClockTime by) {
        gst_test_clock_advance_time(test_clock(), by);
        GstClockID id = nullptr;
        while (gst_test_clock_peek_next_pending_id(test_clock(), &id)) {
            const bool due = gst_clock_id_get_time(id) <= gst_clock_get_time(clock.get());
            gst_clock_id_unref(id);
            if (!due)
                break;
            gst_clock_id_unref(gst_test_clock_process_next_clock_id(test_clock()));
        }
    }
    Ref<SluiceChannel> get(const char* name = "front/main") { return adopt(sluice_channel_get(name)); }
    Ref<GstClock> clock;
};

TEST_F(SluiceChannelTest, OneForEachName) {
    const auto a = get(), b = get(), other = get("front/sub");
    EXPECT_EQ(a.get(), b.get());
    EXPECT_NE(a.get(), other.get());
    EXPECT_STREQ(sluice_channel_get_name(a.get()), "front/main");
    const auto found = adopt(sluice_channel_lookup("front/main"));
    EXPECT_EQ(found.get(), a.get());
    EXPECT_EQ(sluice_channel_lookup("back/main"), nullptr);
    EXPECT_EQ(all_channels().size(), 2u);
}

TEST_F(SluiceChannelTest, LivesAsLongAsSomebodyHoldsIt) {
    const auto a = get();
    auto b = get();
    b = nullptr;
    EXPECT_EQ(all_channels().size(), 1u);
    auto c = get("front/sub");
    c = nullptr;
    EXPECT_EQ(sluice_channel_lookup("front/sub"), nullptr);
    EXPECT_EQ(all_channels().size(), 1u);
}

TEST_F(SluiceChannelTest, NamesThatAreNotAllowed) {
    for (const char* name : {"", " ", "front main", "front\n", "fr\xc3\xb6nt"})
        EXPECT_EQ(sluice_channel_get(name), nullptr) << name;
    EXPECT_EQ(sluice_channel_get(std::string(201, 'a').c_str()), nullptr);
    EXPECT_TRUE(get(std::string(200, 'a').c_str()));
}

TEST_F(SluiceChannelTest, PropertiesReadAndWrite) {
    const auto c = get();
    guint64 bytes = 0, buffers = 0, time = 0;
    g_object_get(c.get(), "max-gop-bytes", &bytes, "max-gop-buffers", &buffers, "max-gop-time", &time, nullptr);
    EXPECT_EQ(bytes, SLUICE_CHANNEL_DEFAULT_MAX_BYTES);
    EXPECT_EQ(buffers, SLUICE_CHANNEL_DEFAULT_MAX_BUFFERS);
    EXPECT_EQ(time, SLUICE_CHANNEL_DEFAULT_MAX_TIME);
    g_object_set(c.get(), "max-gop-bytes", guint64(1), "max-gop-buffers", guint64(2), "max-gop-time", guint64(3),
                 nullptr);
    const ChannelLimits l = channel_of(c.get())->limits();
    EXPECT_EQ(l.max_bytes, 1u);
    EXPECT_EQ(l.max_buffers, 2u);
    EXPECT_EQ(l.max_time, 3u);
    GstCaps* caps = nullptr;
    char* name = nullptr;
    g_object_get(c.get(), "caps", &caps, "name", &name, nullptr);
    EXPECT_EQ(caps, nullptr);
    EXPECT_STREQ(name, "front/main");
    g_free(name);
}

TEST_F(SluiceChannelTest, CapsAndStatsFollowTheStream) {
    const auto c = get();
    Producer p(channel_of(c.get()), 1000 * s);
    p.key();
    p.delta();
    channel_of(c.get())->close(p.token);
    gst_test_clock_set_time(test_clock(), 1002 * s);
    GstCaps* caps = nullptr;
    GstStructure* raw = nullptr;
    gboolean present = TRUE;
    g_object_get(c.get(), "caps", &caps, "stats", &raw, "producer-present", &present, nullptr);
    const auto owned_caps = adopt(caps);
    const GstStructurePtr stats(raw);
    ASSERT_NE(caps, nullptr);
    EXPECT_FALSE(present);
    EXPECT_TRUE(gst_structure_has_name(raw, "sluice-channel-stats"));
    const auto u64 = [raw](const char* field) {
        guint64 v = G_MAXUINT64 - 1;
        EXPECT_TRUE(gst_structure_get_uint64(raw, field, &v)) << field;
        return v;
    };
    EXPECT_EQ(u64("access-units"), 2u);
    EXPECT_EQ(u64("key-units"), 1u);
    EXPECT_EQ(u64("cached-units"), 2u);
    EXPECT_EQ(u64("last-unit-age"), 2 * s - 40 * GST_MSECOND);
    for (const char* field : {"generation", "bytes", "cached-bytes", "cached-time", "overflows", "skips", "before-key",
                              "refused", "time-clamped", "time-jumps", "stale-writes", "bitrate"})
        u64(field);
    guint width = 0, height = 0;
    gboolean complete = TRUE, reorder = TRUE;
    gdouble fps = -1;
    EXPECT_TRUE(gst_structure_get(raw, "width", G_TYPE_UINT, &width, "height", G_TYPE_UINT, &height, "gop-complete",
                                  G_TYPE_BOOLEAN, &complete, "reorder", G_TYPE_BOOLEAN, &reorder, "fps", G_TYPE_DOUBLE,
                                  &fps, nullptr));
    EXPECT_EQ(width, 320u);
    EXPECT_EQ(height, 240u);
    EXPECT_FALSE(complete);
    EXPECT_FALSE(reorder);
}

TEST_F(SluiceChannelTest, RemembersWhatItIsTold) {
    const auto c = get();
    const auto video = h264_caps(640), sound = mulaw_caps();
    sluice_channel_remember(c.get(), nullptr, nullptr);
    sluice_channel_remember(c.get(), video.get(), sound.get());
    const auto remembered = [&c](const char* property) {
        GstCaps* caps = nullptr;
        g_object_get(c.get(), property, &caps, nullptr);
        return adopt(caps);
    };
    const auto v = remembered("caps"), a = remembered("audio-caps");
    ASSERT_TRUE(v && a);
    EXPECT_TRUE(gst_caps_is_equal(v.get(), video.get()));
    EXPECT_TRUE(gst_caps_is_equal(a.get(), sound.get()));
    // They go from one run of an application to the next as text.
    const GString8 text(gst_caps_to_string(v.get()));
    const auto again = caps(text.get());
    const auto next = get("front/sub");
    sluice_channel_remember(next.get(), again.get(), nullptr);
    EXPECT_EQ(channel_of(next.get())->video_track()->codec, Codec::h264);
}

TEST_F(SluiceChannelTest, SaysWhereReadersCanStart) {
    const auto c = get();
    const auto start_points = [&c] {
        GstStructure* raw = nullptr;
        g_object_get(c.get(), "stats", &raw, nullptr);
        const GstStructurePtr stats(raw);
        return std::string(gst_structure_get_string(raw, "start-points"));
    };
    EXPECT_EQ(start_points(), "key-units");
    channel_of(c.get())->open({.recovery_points = true});
    EXPECT_EQ(start_points(), "recovery-points");
}

TEST_F(SluiceChannelTest, NoUnitYetHasNoAge) {
    const auto c = get();
    GstStructure* raw = nullptr;
    g_object_get(c.get(), "stats", &raw, nullptr);
    const GstStructurePtr stats(raw);
    guint64 age = 0;
    EXPECT_TRUE(gst_structure_get_uint64(raw, "last-unit-age", &age));
    EXPECT_EQ(age, GST_CLOCK_TIME_NONE);
}

TEST_F(SluiceChannelTest, ProducerChangesAreTold) {
    const auto c = get();
    Signals changed;
    int notified = 0;
    g_signal_connect(c.get(), "producer-changed", G_CALLBACK(Signals::on), &changed);
    g_signal_connect(c.get(), "notify::producer-present", G_CALLBACK(+[](GObject*, GParamSpec*, int* n) { ++*n; }),
                     &notified);
    Producer p(channel_of(c.get()));
    p.key();
    p.delta();
    channel_of(c.get())->close(p.token);
    EXPECT_EQ(changed.list(), (std::vector<bool>{true, false}));
    EXPECT_EQ(notified, 2);
}

TEST_F(SluiceChannelTest, UnavailableIsForTheViewersToRead) {
    const auto c = get();
    sluice_channel_set_unavailable(c.get(), "no route to the camera");
    EXPECT_EQ(channel_of(c.get())->unavailable(), "no route to the camera");
    sluice_channel_set_unavailable(c.get(), nullptr);
    EXPECT_EQ(channel_of(c.get())->unavailable(), "");
}

// --- demand ---

TEST_F(SluiceChannelTest, DemandRisesAtOnceAndFallsAfterTheGraceTime) {
    const auto c = get();
    Signals demand;
    g_signal_connect(c.get(), "demand", G_CALLBACK(Signals::on), &demand);
    auto a = channel_of(c.get())->attach(Start::cached_gop, true, true);
    auto b = channel_of(c.get())->attach(Start::cached_gop, true, true);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
    a.reset();
    advance(100 * s);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
    b.reset();
    EXPECT_EQ(gst_test_clock_peek_id_count(test_clock()), 1u);
    advance(5 * s - 1);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
    advance(1);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true, false}));
    EXPECT_EQ(gst_test_clock_peek_id_count(test_clock()), 0u);
}

TEST_F(SluiceChannelTest, AReaderWithinTheGraceTimeChangesNothing) {
    const auto c = get();
    Signals demand;
    g_signal_connect(c.get(), "demand", G_CALLBACK(Signals::on), &demand);
    for (int i = 0; i < 10; i++) {
        auto r = channel_of(c.get())->attach(Start::cached_gop, true, true);
        advance(4 * s);
        r.reset();
        advance(4 * s);
    }
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
    EXPECT_EQ(gst_test_clock_peek_id_count(test_clock()), 1u); // timers do not pile up
    advance(1 * s);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true, false}));
}

TEST_F(SluiceChannelTest, ATimerNeitherKeepsTheChannelNorOutlivesIt) {
    {
        const auto c = get();
        auto r = channel_of(c.get())->attach(Start::cached_gop, true, true);
        r.reset();
        EXPECT_EQ(gst_test_clock_peek_id_count(test_clock()), 1u);
    }
    EXPECT_EQ(sluice_channel_lookup("front/main"), nullptr);
    EXPECT_EQ(gst_test_clock_peek_id_count(test_clock()), 0u);
    advance(10 * s);
}

TEST_F(SluiceChannelTest, AReaderOfAnOldChannelDoesNotCountForTheNewOneOfTheSameName) {
    std::unique_ptr<Channel::Reader> left_over;
    {
        const auto c = get();
        left_over = channel_of(c.get())->attach(Start::cached_gop, true, true);
    }
    const auto c = get();
    Signals demand;
    g_signal_connect(c.get(), "demand", G_CALLBACK(Signals::on), &demand);
    auto r = channel_of(c.get())->attach(Start::cached_gop, true, true);
    left_over.reset();
    advance(10 * s);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
}

TEST_F(SluiceChannelTest, HandlersMayUseTheChannel) {
    const auto c = get();
    struct Data {
        std::unique_ptr<Channel::Reader> reader;
        int calls = 0;
    } data;
    const auto handler = +[](SluiceChannel* channel, gboolean, Data* d) {
        d->calls++;
        guint readers = 0;
        g_object_get(channel, "readers", &readers, nullptr);
        EXPECT_GE(readers, 1u);
        if (!d->reader)
            d->reader = channel_of(channel)->attach(Start::live, true, true);
    };
    g_signal_connect(c.get(), "demand", G_CALLBACK(handler), &data);
    auto r = channel_of(c.get())->attach(Start::live, true, true);
    EXPECT_EQ(data.calls, 1);
}

TEST_F(SluiceChannelTest, ThreadsLeaveTheLevelRight) {
    const auto c = get();
    Signals demand;
    g_signal_connect(c.get(), "demand", G_CALLBACK(Signals::on), &demand);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&c] {
            for (int k = 0; k < 500; k++)
                channel_of(c.get())->attach(Start::live, true, true).reset();
        });
    for (auto& t : threads)
        t.join();
    auto r = channel_of(c.get())->attach(Start::live, true, true);
    advance(100 * s);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true}));
    r.reset();
    advance(5 * s);
    EXPECT_EQ(demand.list(), (std::vector<bool>{true, false}));
}

TEST_F(SluiceChannelTest, ThreadsMayMakeAndDropTheSameName) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([] {
            for (int k = 0; k < 1000; k++) {
                const auto c = adopt(sluice_channel_get("front/main"));
                ASSERT_STREQ(sluice_channel_get_name(c.get()), "front/main");
                all_channels();
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(sluice_channel_lookup("front/main"), nullptr);
}

} // namespace
