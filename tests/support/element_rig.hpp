// SPDX-License-Identifier: LGPL-2.1-or-later
// What tests of elements share: messages with a deadline, a clock that the test moves.
#pragma once

#include "plugins/core/channel_access.hpp"
#include "tests/support/units.hpp"

#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::test {

constexpr GstClockTime ms = GST_MSECOND, s = GST_SECOND;
constexpr GstClockTime deadline = 10 * GST_SECOND; // for what must happen; long, for machines under load

inline Ref<GstElement> make_element(const char* factory, const char* channel = nullptr) {
    auto e = sink(gst_element_factory_make(factory, nullptr));
    EXPECT_TRUE(e) << factory << " is not there: is GST_PLUGIN_PATH set?";
    if (e && channel)
        g_object_set(e.get(), "channel", channel, nullptr);
    return e;
}

// The text of the error on the bus, with what it says for developers; empty if there is none.
inline std::string take_error(GstBus* bus, GstClockTime wait = 0) {
    const auto m = adopt(gst_bus_timed_pop_filtered(bus, wait, GST_MESSAGE_ERROR));
    if (!m)
        return "";
    GError* raw = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(m.get(), &raw, &debug);
    const GErrorPtr error(raw);
    const GString8 text(debug);
    return std::string(error->message) + " " + (debug ? debug : "");
}

inline bool take_eos(GstBus* bus, GstClockTime wait = 0) {
    return bool(adopt(gst_bus_timed_pop_filtered(bus, wait, GST_MESSAGE_EOS)));
}

struct Harness {
    GstHarness* h;
    explicit Harness(GstHarness* harness) : h(harness) {}
    ~Harness() { gst_harness_teardown(h); }
    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;
    GstElement* element() const { return h->element; }
};

// The channels' clock is not the pipelines' clock: both are moved by the test, and everything must be converted.
class ElementTest : public testing::Test {
protected:
    void SetUp() override {
        channels_clock = adopt(gst_test_clock_new_with_start_time(5000 * s));
        set_channel_clock_for_testing(channels_clock.get());
    }
    void TearDown() override {
        EXPECT_TRUE(all_channels().empty()) << "a channel is left over";
        const auto system = adopt(gst_system_clock_obtain());
        set_channel_clock_for_testing(system.get());
    }
    void set_channel_time(GstClockTime t) { gst_test_clock_set_time(GST_TEST_CLOCK(channels_clock.get()), t); }
    Ref<GstClock> channels_clock;
};

} // namespace sluice::test
