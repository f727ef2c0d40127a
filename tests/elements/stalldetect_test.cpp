// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/element_rig.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

struct StallDetectTest : testing::Test {
    Harness h{gst_harness_new("stalldetect")};
    Ref<GstBus> bus = adopt(gst_bus_new());
    GstTestClock* clock = nullptr;
    Ref<GstElement> keep = ref(h.element());

    void SetUp() override {
        gst_element_set_bus(h.element(), bus.get());
        clock = gst_harness_get_testclock(h.h);
        gst_harness_set_src_caps_str(h.h, "application/x-test");
    }
    void TearDown() override {
        gst_element_set_bus(h.element(), nullptr);
        gst_object_unref(clock);
    }
    void push(GstClockTime pts, bool key = true) {
        GstBuffer* b = gst_buffer_new_allocate(nullptr, 8, nullptr);
        GST_BUFFER_PTS(b) = pts;
        if (!key)
            GST_BUFFER_FLAG_SET(b, GST_BUFFER_FLAG_DELTA_UNIT);
        EXPECT_EQ(gst_harness_push(h.h, b), GST_FLOW_OK);
        const auto out = adopt(gst_harness_pull(h.h));
        EXPECT_EQ(out.get(), b); // the same buffer, not a copy
    }
    // Lets the timer that waits ring, at its time.
    GstClockTime ring() {
        GstClockID id = nullptr;
        gst_test_clock_wait_for_next_pending_id(clock, &id);
        const GstClockTime at = gst_clock_id_get_time(id);
        gst_test_clock_set_time(clock, at);
        GstClockID done = gst_test_clock_process_next_clock_id(clock);
        EXPECT_EQ(done, id);
        gst_clock_id_unref(done);
        gst_clock_id_unref(id);
        return at;
    }
    std::string message(const char* name) {
        const auto m = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ELEMENT));
        if (!m)
            return "";
        const GstStructure* st = gst_message_get_structure(m.get());
        EXPECT_STREQ(gst_structure_get_name(st), name);
        gst_structure_get(st, "since", G_TYPE_UINT64, &since, "elapsed", G_TYPE_UINT64, &elapsed, "last-pts",
                          G_TYPE_UINT64, &last_pts, nullptr);
        return gst_structure_get_string(st, "reason");
    }
    guint64 since = 0, elapsed = 0, last_pts = 0;
};

TEST_F(StallDetectTest, MessageExactlyAtTheLimitAndRecovery) {
    gst_test_clock_set_time(clock, s);
    push(7);
    EXPECT_EQ(ring(), 3 * s); // set at the start; data has come since, so it looks again later
    EXPECT_EQ(message("stall"), "");
    EXPECT_EQ(ring(), 4 * s);
    EXPECT_EQ(message("stall"), "no-data");
    EXPECT_EQ(since, s);
    EXPECT_EQ(elapsed, 3 * s);
    EXPECT_EQ(last_pts, 7u);
    EXPECT_EQ(gst_test_clock_peek_id_count(clock), 0u); // nothing polls
    gst_test_clock_set_time(clock, 6 * s);
    push(8);
    EXPECT_EQ(message("recovered"), "no-data");
    EXPECT_EQ(elapsed, 5 * s);
    EXPECT_EQ(gst_test_clock_peek_id_count(clock), 1u);
}

TEST_F(StallDetectTest, FrozenTimestampsAreToldByTheTimer) {
    g_object_set(h.element(), "no-data-limit", G_GUINT64_CONSTANT(0), "no-key-unit-limit", G_GUINT64_CONSTANT(0),
                 nullptr);
    push(5);
    push(5);
    GstClockTime at = 0;
    while ((at = ring()) < 5 * s)
        EXPECT_EQ(message("stall"), "");
    EXPECT_EQ(at, 5 * s);
    EXPECT_EQ(message("stall"), "frozen-timestamps");
}

TEST_F(StallDetectTest, ErrorOnStallNamesTheReason) {
    g_object_set(h.element(), "error-on-stall", TRUE, nullptr);
    ring();
    EXPECT_EQ(message("stall"), "no-data");
    EXPECT_NE(take_error(bus.get()).find("stalled: no-data"), std::string::npos);
}

TEST_F(StallDetectTest, AnEndIsNoStall) {
    push(1);
    gst_harness_push_event(h.h, gst_event_new_eos());
    EXPECT_EQ(gst_test_clock_peek_id_count(clock), 0u);
}

TEST_F(StallDetectTest, WatchingGoesOnBehindAnEnd) {
    for (GstEvent* again : {gst_event_new_stream_start("again"), gst_event_new_flush_stop(TRUE)}) {
        gst_harness_push_event(h.h, gst_event_new_eos());
        EXPECT_EQ(gst_test_clock_peek_id_count(clock), 0u);
        gst_element_set_state(h.element(), GST_STATE_PAUSED);
        gst_element_set_state(h.element(), GST_STATE_PLAYING);
        EXPECT_EQ(gst_test_clock_peek_id_count(clock), 0u) << "it has still ended";
        if (GST_EVENT_TYPE(again) == GST_EVENT_FLUSH_STOP)
            gst_harness_push_event(h.h, gst_event_new_flush_start());
        gst_harness_push_event(h.h, again);
        EXPECT_EQ(gst_test_clock_peek_id_count(clock), 1u);
    }
    ring();
    EXPECT_EQ(message("stall"), "no-data");
}

TEST_F(StallDetectTest, TenThousandStartsAndStops) {
    for (int i = 0; i < 10000; i++) {
        ASSERT_NE(gst_element_set_state(h.element(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
        ASSERT_EQ(gst_test_clock_peek_id_count(clock), 0u);
        ASSERT_NE(gst_element_set_state(h.element(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        ASSERT_EQ(gst_test_clock_peek_id_count(clock), 1u);
    }
}

} // namespace
