// SPDX-License-Identifier: LGPL-2.1-or-later
// A fanoutsink in a harness, and what it writes.
#pragma once

#include "tests/support/element_rig.hpp"

#include <atomic>
#include <functional>
#include <thread>

namespace sluice::test {

inline constexpr const char* h264 =
    "video/x-h264,stream-format=byte-stream,alignment=au,width=320,height=240,framerate=25/1";
inline constexpr const char* mulaw = "audio/x-mulaw,rate=8000,channels=1";

inline GstHarness* harness_of(const Ref<GstElement>& element) {
    return gst_harness_new_with_element(element.get(), "sink_0", nullptr);
}

// A playing fanoutsink with video on sink_0. Its pipeline's clock stands at 100 s and its base time is 90 s, so now is
// running time 10 s, and 5000 s on the channels' clock.
struct SinkRig : Harness {
    using Configure = std::function<void(GstElement*)>; // before it plays
    explicit SinkRig(const char* name = "front/main", const char* caps_text = h264, const Configure& configure = {})
        : Harness(harness_of(configured(name, configure))) {
        gst_harness_use_testclock(h);
        gst_harness_set_time(h, 100 * s);
        gst_element_set_base_time(element(), 90 * s);
        bus = adopt(gst_bus_new());
        gst_element_set_bus(element(), bus.get());
        face = adopt(sluice_channel_get(name));
        channel = channel_of(face.get());
        gst_harness_set_src_caps_str(h, caps_text);
    }
    ~SinkRig() { gst_element_set_bus(element(), nullptr); }
    GstFlowReturn push(const Bytes& data, GstClockTime pts, GstBufferFlags flags = GstBufferFlags(0)) {
        auto b = buffer_of(data);
        GST_BUFFER_PTS(b.get()) = pts;
        GST_BUFFER_FLAG_SET(b.get(), flags);
        return gst_harness_push(h, b.release());
    }
    GstStructurePtr stats() const {
        GstStructure* st = nullptr;
        g_object_get(h->element, "stats", &st, nullptr);
        return GstStructurePtr(st);
    }
    GstStructurePtr source_stats() const {
        GstStructure* st = nullptr;
        g_object_get(h->element, "source-stats", &st, nullptr);
        return GstStructurePtr(st);
    }
    guint64 source(const char* field) const {
        guint64 v = G_MAXUINT64 - 1;
        EXPECT_TRUE(gst_structure_get_uint64(source_stats().get(), field, &v)) << field;
        return v;
    }
    bool source_is(const char* field) const {
        gboolean v = FALSE;
        EXPECT_TRUE(gst_structure_get_boolean(source_stats().get(), field, &v)) << field;
        return v;
    }
    // The names of the element messages since the last call.
    std::string messages() const {
        std::string out;
        while (const auto m = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ELEMENT)))
            out += std::string(out.empty() ? "" : " ") + gst_structure_get_name(gst_message_get_structure(m.get()));
        return out;
    }
    void standby(bool on) const { g_object_set(h->element, "standby", gboolean(on), nullptr); }
    bool present() const { return channel->producer_present(); }
    Ref<GstBus> bus;
    Ref<SluiceChannel> face;
    std::shared_ptr<Channel> channel;

private:
    static Ref<GstElement> configured(const char* name, const Configure& configure) {
        auto e = make_element("fanoutsink", name);
        if (configure)
            configure(e.get());
        return e;
    }
};

// A second pad of the same element, fed by hand.
struct OtherPad {
    OtherPad(GstElement* e, const char* caps_text, const char* name = "sink_%u") : element(e) {
        sinkpad = adopt(gst_element_request_pad_simple(e, name));
        src = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC))));
        gst_pad_set_active(src.get(), TRUE);
        EXPECT_EQ(gst_pad_link(src.get(), sinkpad.get()), GST_PAD_LINK_OK);
        begin(caps_text);
    }
    // What comes of it shows with the first buffer.
    void begin(const char* caps_text) {
        gst_pad_push_event(src.get(), gst_event_new_stream_start("other"));
        const auto c = caps(caps_text);
        gst_pad_push_event(src.get(), gst_event_new_caps(c.get()));
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(src.get(), gst_event_new_segment(&segment));
    }
    ~OtherPad() {
        gst_pad_unlink(src.get(), sinkpad.get());
        gst_element_release_request_pad(element, sinkpad.get());
    }
    GstFlowReturn push(const Bytes& data, GstClockTime pts) {
        auto b = buffer_of(data);
        GST_BUFFER_PTS(b.get()) = pts;
        return gst_pad_push(src.get(), b.release());
    }
    GstElement* element;
    Ref<GstPad> sinkpad, src;
};

// Sound that comes all the time, whatever the element's state, until it is told to stop: for a thread of its own.
inline void push_sound_until(const std::atomic<bool>& over, GstElement* element) {
    OtherPad sound(element, mulaw);
    while (!over) {
        auto b = buffer_of(Bytes(160, 7));
        if (gst_pad_push(sound.src.get(), b.release()) == GST_FLOW_FLUSHING) {
            sound.begin(mulaw);
            std::this_thread::yield();
        }
    }
}

} // namespace sluice::test
