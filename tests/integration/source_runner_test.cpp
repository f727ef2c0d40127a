// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker process does with a template, here without the process.
#include "launcher/camera/source_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <vector>

using namespace sluice;

namespace {

// In place of the launcher's encoder: a bin around x264enc.
struct ChosenEncoder {
    GstBin parent;
    GstElement* inside;
};
struct ChosenEncoderClass {
    GstBinClass parent;
};
GType chosen_encoder_get_type();
G_DEFINE_TYPE(ChosenEncoder, chosen_encoder, GST_TYPE_BIN) // NOLINT

std::mutex chosen_mutex;
std::vector<std::pair<std::string, GstElement*>> chosen_encoders; // guarded: name, what is inside

constexpr const char* late = "late"; // the first key unit is lost behind it

GstPadProbeReturn drop_first(GstPad* pad, GstPadProbeInfo* info, gpointer) {
    gst_pad_remove_probe(pad, GST_PAD_PROBE_INFO_ID(info));
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = nullptr;
    return GST_PAD_PROBE_HANDLED;
}

void chosen_encoder_class_init(ChosenEncoderClass* klass) {
    G_OBJECT_CLASS(klass)->set_property = [](GObject* object, guint, const GValue* value, GParamSpec*) {
        GstElement* inside = reinterpret_cast<ChosenEncoder*>(object)->inside;
        if (g_str_equal(g_value_get_string(value), late)) {
            const auto pipeline = adopt(GST_BIN(gst_object_get_parent(GST_OBJECT(object))));
            const auto fanout = adopt(gst_bin_get_by_name(pipeline.get(), "fanout"));
            const auto pad = adopt(gst_element_get_static_pad(fanout.get(), "sink_0"));
            gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, drop_first, nullptr, nullptr);
        }
        const std::lock_guard lock(chosen_mutex);
        chosen_encoders.emplace_back(g_value_get_string(value), inside);
    };
    g_object_class_install_property(G_OBJECT_CLASS(klass), 1,
                                    g_param_spec_string("encoder", "", "", nullptr, G_PARAM_WRITABLE));
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Chosen", "Codec/Encoder/Video", "Test", "Sluice");
}

void chosen_encoder_init(ChosenEncoder* self) {
    self->inside = gst_element_factory_make("x264enc", nullptr);
    gst_util_set_object_arg(G_OBJECT(self->inside), "tune", "zerolatency");
    g_object_set(self->inside, "key-int-max", 300, nullptr);
    gst_bin_add(GST_BIN(self), self->inside);
    for (const char* name : {"sink", "src"}) {
        const auto pad = adopt(gst_element_get_static_pad(self->inside, name));
        gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(name, pad.get()));
    }
}

class SourceRunnerTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        gst_element_register(nullptr, chosen_encoder, GST_RANK_NONE, chosen_encoder_get_type());
    }
    void SetUp() override { chosen_encoders.clear(); }

    void begin(const std::string& pipeline, const std::string& encoder = "") {
        SourceJob job{.template_text =
                          Json{{"name", "own"}, {"parameters", Json::object()}, {"pipeline", {pipeline}}}.dump(),
                      .source = {},
                      .encoder = encoder};
        job.source.source_template = "own";
        runner_ = std::make_unique<SourceRunner>(
            std::move(job), "runner/main", [this](const SourceEvent& event) { events_.push_back(event); },
            [this] { watchable_++; });
    }
    // The first event of that kind.
    SourceEvent wait_for(SourceEvent::Kind kind) {
        SourceEvent out{.kind = SourceEvent::Kind::connected, .failure = {.reason = "none came"}};
        EXPECT_TRUE(wait([&] {
            const auto found =
                std::find_if(events_.begin(), events_.end(), [&](const auto& event) { return event.kind == kind; });
            if (found != events_.end())
                out = *found;
            return found != events_.end();
        }));
        return out;
    }
    static bool wait(const std::function<bool()>& condition) {
        const gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
        const guint tick = g_timeout_add(
            20, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
        while (!condition() && g_get_monotonic_time() < end)
            g_main_context_iteration(nullptr, TRUE);
        g_source_remove(tick);
        return condition();
    }

    std::vector<SourceEvent> events_;
    int watchable_ = 0;
    std::unique_ptr<SourceRunner> runner_;
};

constexpr const char* encoded =
    "videotestsrc is-live=true name=source ! video/x-raw,format=I420,width=64,height=64 ! sluiceh264enc "
    "! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au ! fanout.sink_0 "
    "fanoutsink name=fanout key-unit-requests=true";

TEST_F(SourceRunnerTest, TheEncoderIsTheOneThatWasChosen) {
    begin(encoded, "the best");
    EXPECT_EQ(wait_for(SourceEvent::Kind::connected).kind, SourceEvent::Kind::connected);
    const std::lock_guard lock(chosen_mutex);
    ASSERT_EQ(chosen_encoders.size(), 1u);
    EXPECT_EQ(chosen_encoders[0].first, "the best");
}

TEST_F(SourceRunnerTest, ItsErrorsAreKnownAsSuch) {
    begin(encoded, "the best");
    wait_for(SourceEvent::Kind::connected);
    ASSERT_EQ(chosen_encoders.size(), 1u);
    GST_ELEMENT_ERROR(chosen_encoders[0].second, STREAM, ENCODE, ("the driver was reset"), (nullptr));
    const SourceEvent event = wait_for(SourceEvent::Kind::failed);
    EXPECT_TRUE(event.failure.of_encoder);
    EXPECT_EQ(event.failure.kind, FailureClass::codec);
    EXPECT_NE(event.failure.reason.find("the driver was reset"), std::string::npos) << event.failure.reason;
}

TEST_F(SourceRunnerTest, OfACameraThatWasJoinedBetweenKeyUnitsDataAreTold) {
    begin(encoded, late);
    wait_for(SourceEvent::Kind::data);
    EXPECT_EQ(watchable_, 0);
    EXPECT_TRUE(wait([&] { return watchable_ == 1; }));
}

TEST_F(SourceRunnerTest, ErrorsOfOthersAreNot) {
    begin("filesrc location=/does/not/exist name=source ! fanout.sink_0 fanoutsink name=fanout");
    const SourceEvent event = wait_for(SourceEvent::Kind::failed);
    EXPECT_FALSE(event.failure.of_encoder);
    EXPECT_EQ(event.failure.kind, FailureClass::not_found);
}

TEST_F(SourceRunnerTest, WhatCannotBeMadeIsSaid) {
    begin("no-such-element name=source ! fanout.sink_0 fanoutsink name=fanout");
    const SourceEvent event = wait_for(SourceEvent::Kind::failed);
    EXPECT_EQ(event.failure.kind, FailureClass::codec);
    EXPECT_NE(event.failure.reason.find("no-such-element"), std::string::npos) << event.failure.reason;
}

} // namespace
