// SPDX-License-Identifier: LGPL-2.1-or-later
// sluiceh264enc and sluicedecode: what any element must bear, and what they are for.
#include "hw/element_run.hpp"
#include "hw/elements.hpp"
#include "hw/test_pictures.hpp"
#include "plugins/core/mapped_buffer.hpp"
#include "plugins/core/nal.hpp"
#include "tests/support/live_objects.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace sluice;
using namespace sluice::hw;
using namespace sluice::test;

namespace {

constexpr GstClockTime first_wait = 20 * GST_SECOND;
constexpr unsigned width = 640, height = 360;

Ref<GstElement> make(const char* factory) {
    register_elements();
    return sink(gst_element_factory_make(factory, nullptr));
}

bool change(const Ref<GstElement>& e, GstState to) {
    return gst_element_set_state(e.get(), to) != GST_STATE_CHANGE_FAILURE;
}

Ref<GstElement> chain(const std::string& text) {
    register_elements();
    GError* raw = nullptr;
    Ref<GstElement> bin = sink(gst_parse_bin_from_description(text.c_str(), TRUE, &raw));
    const GErrorPtr error(raw);
    EXPECT_TRUE(bin && !error) << (error ? error->message : "");
    return bin;
}

// As many pictures as went in; of H.264 the NAL units of the first.
std::vector<Ref<GstBuffer>> run(const std::string& text, size_t count) {
    const TestPictures pictures(width, height);
    auto run = ElementRun::start(chain(text), pictures.caps());
    EXPECT_TRUE(run) << run.error().text;
    for (size_t i = 0; i < count; i++)
        EXPECT_TRUE(run->push(pictures.picture(i)));
    run->end();
    std::vector<Ref<GstBuffer>> out;
    while (Ref<GstBuffer> buffer = run->pull(first_wait))
        out.push_back(std::move(buffer));
    if (const auto error = run->error())
        ADD_FAILURE() << *error;
    return out;
}

std::vector<size_t> key_units(const std::vector<Ref<GstBuffer>>& units) {
    std::vector<size_t> out;
    for (size_t i = 0; i < units.size(); i++) {
        const MappedBuffer map(units[i].get());
        for (const NalUnit& nal : split_annex_b(map.data(), Codec::h264))
            if (is_random_access(Codec::h264, nal.type) && (out.empty() || out.back() != i))
                out.push_back(i);
    }
    return out;
}

std::string error_of(const Ref<GstElement>& e) {
    const Ref<GstBus> bus = adopt(gst_bus_new());
    gst_element_set_bus(e.get(), bus.get());
    EXPECT_FALSE(change(e, GST_STATE_READY));
    const Ref<GstMessage> message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    EXPECT_TRUE(change(e, GST_STATE_NULL));
    gst_element_set_bus(e.get(), nullptr);
    if (!message)
        return "";
    EXPECT_EQ(GST_MESSAGE_SRC(message.get()), GST_OBJECT(e.get()));
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    const GErrorPtr error(raw);
    EXPECT_TRUE(error->domain == GST_STREAM_ERROR);
    return error->message;
}

TEST(HwElements, StatesInAnyOrderLeaveNothing) {
    for (const char* factory : {encoder_element, decoder_element}) {
        SCOPED_TRACE(factory);
        expect_no_leak([&] {
            const auto e = make(factory);
            ASSERT_TRUE(e);
            constexpr GstState states[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};
            for (const GstState from : states)
                for (const GstState to : states) {
                    EXPECT_TRUE(change(e, from));
                    EXPECT_TRUE(change(e, to));
                }
            EXPECT_TRUE(change(e, GST_STATE_NULL));
            EXPECT_EQ(GST_BIN_NUMCHILDREN(e.get()), 0);
        });
    }
}

TEST(HwElements, EncodesWhatComesWithItsGop) {
    const auto units = run("sluiceh264enc encoder=x264enc key-int-max=10", 25);
    ASSERT_EQ(units.size(), 25u);
    EXPECT_EQ(key_units(units), (std::vector<size_t>{0, 10, 20}));
    const MappedBuffer map(units[0].get());
    bool constrained_baseline = false;
    for (const NalUnit& nal : split_annex_b(map.data(), Codec::h264))
        if (nal.type == 7)
            if (const auto sps = parse_sps(Codec::h264, map.data().subspan(nal.offset, nal.size)))
                constrained_baseline = sps->profile_idc == 66 && (sps->constraint_flags & 0x40);
    EXPECT_TRUE(constrained_baseline);
}

TEST(HwElements, TheFirstThatIsPresentIsTakenIfNoneIsNamed) { EXPECT_EQ(run("sluiceh264enc", 5).size(), 5u); }

TEST(HwElements, ABitRateCanBeChangedWhileItPlays) {
    const TestPictures pictures(width, height);
    const Ref<GstElement> encoder = make(encoder_element);
    g_object_set(encoder.get(), "encoder", "x264enc", "bitrate", 2000, nullptr);
    auto run = ElementRun::start(encoder, pictures.caps());
    ASSERT_TRUE(run);
    size_t at = 0;
    const auto bytes_of = [&](size_t count) {
        size_t bytes = 0;
        for (const size_t end = at + count; at < end; at++) {
            EXPECT_TRUE(run->push(pictures.picture(at)));
            const auto unit = run->pull(first_wait);
            EXPECT_TRUE(unit);
            bytes += unit ? gst_buffer_get_size(unit.get()) : 0;
        }
        return bytes;
    };
    bytes_of(50);
    const size_t before = bytes_of(50);
    g_object_set(encoder.get(), "bitrate", 300, nullptr);
    bytes_of(50);
    const size_t behind = bytes_of(50);
    EXPECT_LT(behind, before / 2) << before << " bytes before, " << behind << " behind";
}

TEST(HwElements, WhatIsWrongNamesTheProfile) {
    char path[] = "/tmp/sluice-hw-XXXXXX";
    ASSERT_TRUE(mkdtemp(path));
    const std::string before = g_getenv("SLUICE_HW"), encoders = std::string(path) + "/encoders";
    std::filesystem::create_directories(encoders);
    const auto write = [&](const char* name, const char* factory, int order, const char* settings) {
        std::ofstream(encoders + "/" + name + ".json")
            << R"({"name": ")" << name << R"(", "factory": ")" << factory << R"(", "order": )" << order
            << R"(, "codec": "h264", "kind": "software", "package": "its-package", "convert": "videoconvert",
                  "formats": ["I420"], "caps": "video/x-h264,stream-format=byte-stream,alignment=au",
                  "bitrate": {"property": "bitrate", "unit": "kbit/s"}, "key-interval": {"property": "key-int-max"},
                  "settings": )"
            << settings << "}";
    };
    write("broken", "x264enc", 1, R"({"no-such-property": 1})");
    write("gone", "no-such-element", 2, "{}");
    write("good", "x264enc", 3, R"({"tune": "zerolatency"})");
    g_setenv("SLUICE_HW", path, TRUE);
    const auto encoder = make(encoder_element);
    for (const auto& [name, part] : {std::pair{"broken", "encoder profile broken: x264enc has no property no-such"},
                                     {"gone", "the package its-package may have it"},
                                     {"nope", "there is no encoder profile nope; there are: broken, gone, good"}}) {
        g_object_set(encoder.get(), "encoder", name, nullptr);
        const std::string error = error_of(encoder);
        EXPECT_NE(error.find(part), std::string::npos) << error;
    }
    g_object_set(encoder.get(), "encoder", "", nullptr);
    EXPECT_TRUE(change(encoder, GST_STATE_READY)) << "the one that works is found behind those that do not";
    EXPECT_TRUE(change(encoder, GST_STATE_NULL));
    std::filesystem::remove(encoders + "/good.json");
    const std::string error = error_of(encoder);
    EXPECT_NE(error.find("encoder profile broken"), std::string::npos) << error;
    g_setenv("SLUICE_HW", before.c_str(), TRUE);
    std::filesystem::remove_all(path);
}

TEST(HwElements, DecodesWhatComes) {
    for (const char* codec :
         {"x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream,alignment=au",
          "x265enc tune=zerolatency log-level=none ! video/x-h265,stream-format=byte-stream,alignment=au", "jpegenc",
          "identity"}) {
        SCOPED_TRACE(codec);
        const auto pictures =
            run(std::string("videoconvert ! ") + codec + " ! sluicedecode ! capsfilter caps=video/x-raw", 5);
        ASSERT_EQ(pictures.size(), 5u);
        EXPECT_GE(gst_buffer_get_size(pictures[0].get()), width * height);
    }
}

TEST(HwElements, PlayingLeavesNothing) {
    expect_no_leak(
        [] { EXPECT_EQ(run("videoconvert ! jpegenc ! sluicedecode ! sluiceh264enc encoder=x264enc", 5).size(), 5u); });
}

// Another codec on the same pad gets another decoder.
TEST(HwElements, ChangesWithTheCaps) {
    const TestPictures pictures(width, height);
    const auto jpeg = run("jpegenc", 1),
               h264 = run("x264enc tune=zerolatency ! capsfilter caps=video/x-h264,stream-format=byte-stream", 1);
    ASSERT_TRUE(jpeg.size() == 1 && h264.size() == 1);
    auto run = ElementRun::start(make(decoder_element), "image/jpeg");
    ASSERT_TRUE(run);
    EXPECT_TRUE(run->push(jpeg[0]));
    EXPECT_TRUE(run->pull(first_wait));
    const Ref<GstElement> pipeline = adopt(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(run->element()))));
    const Ref<GstPad> pad = adopt(gst_element_get_static_pad(run->element(), "sink"));
    const Ref<GstPad> peer = adopt(gst_pad_get_peer(pad.get()));
    const Ref<GstElement> source = adopt(gst_pad_get_parent_element(peer.get()));
    const Ref<GstCaps> caps = adopt(gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
    g_object_set(source.get(), "caps", caps.get(), nullptr);
    EXPECT_TRUE(run->push(h264[0]));
    run->end();
    EXPECT_TRUE(run->pull(first_wait)) << run->error().value_or("nothing said");
}

TEST(HwElements, NoDecoderIsAnErrorThatNamesTheCodec) {
    auto run = ElementRun::start(make(decoder_element), "video/x-nothing");
    ASSERT_TRUE(run);
    run->push(adopt(gst_buffer_new_allocate(nullptr, 100, nullptr)));
    EXPECT_FALSE(run->pull(3 * GST_SECOND));
    const auto error = run->error();
    ASSERT_TRUE(error);
    EXPECT_NE(error->find("no decoder for video/x-nothing is installed"), std::string::npos) << *error;
}

} // namespace
