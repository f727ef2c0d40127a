// SPDX-License-Identifier: LGPL-2.1-or-later
// A key frame becomes a JPEG by the real decoder: sizes, brightness, broken pictures, and how long it takes.
#include "launcher/media/jpeg_maker.hpp"
#include "launcher/media/picture_job.hpp"
#include "plugins/core/mapped_buffer.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// What a pipeline's sink got last.
Ref<GstSample> last_sample(const std::string& description) {
    const auto pipeline = sink(gst_parse_launch((description + " ! appsink name=out sync=false").c_str(), nullptr));
    const auto out = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    Ref<GstSample> last;
    for (;;) {
        GstSample* sample = nullptr;
        g_signal_emit_by_name(out.get(), "try-pull-sample", 20 * GST_SECOND, &sample);
        if (!sample)
            break;
        last = adopt(sample);
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return last;
}

struct Encoded {
    Codec codec;
    Ref<GstBuffer> unit;
    Ref<GstCaps> caps;
};

Encoded encode(Codec codec, const std::string& pattern, unsigned width, unsigned height) {
    const char* encoder = codec == Codec::jpeg ? "videoconvert ! video/x-raw,format=I420,colorimetry=1:4:7:1 ! jpegenc"
                          : codec == Codec::h265
                              ? "x265enc tune=zerolatency speed-preset=ultrafast ! h265parse config-interval=-1 ! "
                                "video/x-h265,stream-format=byte-stream,alignment=au"
                              : "x264enc tune=zerolatency speed-preset=ultrafast ! h264parse config-interval=-1 ! "
                                "video/x-h264,stream-format=byte-stream,alignment=au";
    const auto sample = last_sample("videotestsrc num-buffers=1 pattern=" + pattern + " ! video/x-raw,format=" +
                                    (codec == Codec::jpeg ? "BGRx" : "I420") + ",width=" + std::to_string(width) +
                                    ",height=" + std::to_string(height) + " ! " + encoder);
    return {codec, ref(gst_sample_get_buffer(sample.get())), ref(gst_sample_get_caps(sample.get()))};
}

// By the template that is shipped, as it goes over the link.
Result<JpegMaker> maker_of(const Encoded& e, unsigned width = 0) {
    static const Templates templates = Templates::load(template_directories()).value();
    const auto chains = picture_chains(templates, width);
    if (!chains)
        return chains.error();
    return JpegMaker::create(picture_job(picture_job_json(chains.value())).value(), e.caps.get());
}

Result<Ref<GBytes>> jpeg_of(const Encoded& e, unsigned width = 0, GstBuffer* instead = nullptr) {
    auto maker = maker_of(e, width);
    if (!maker)
        return maker.error();
    return maker->make(instead ? instead : e.unit.get(), 10s);
}

// Decoded again: its size, and the sample in its middle.
struct Seen {
    int width = 0, height = 0, luma = -1;
};
Seen look(GBytes* jpeg) {
    const auto pipeline = sink(gst_parse_launch(
        "appsrc name=in caps=image/jpeg ! jpegdec ! videoconvert ! video/x-raw,format=GRAY8,colorimetry=1:4:7:1 ! "
        "appsink name=out sync=false",
        nullptr));
    const auto in = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
    const auto out = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto buffer = adopt(gst_buffer_new_wrapped_bytes(jpeg));
    GstFlowReturn flow = GST_FLOW_OK;
    g_signal_emit_by_name(in.get(), "push-buffer", buffer.get(), &flow);
    g_signal_emit_by_name(in.get(), "end-of-stream", &flow);
    GstSample* raw = nullptr;
    g_signal_emit_by_name(out.get(), "try-pull-sample", 20 * GST_SECOND, &raw);
    const auto sample = adopt(raw);
    Seen seen;
    if (sample) {
        const GstStructure* s = gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0);
        gst_structure_get(s, "width", G_TYPE_INT, &seen.width, "height", G_TYPE_INT, &seen.height, nullptr);
        const MappedBuffer bytes(gst_sample_get_buffer(sample.get()));
        const size_t stride = bytes.data().size() / static_cast<size_t>(seen.height);
        seen.luma = bytes.data()[stride * static_cast<size_t>(seen.height / 2) + static_cast<size_t>(seen.width / 2)];
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return seen;
}

TEST(JpegMaker, WhiteIsWhiteAndBlackIsBlack) {
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::jpeg}) {
        const auto white = jpeg_of(encode(codec, "white", 320, 240));
        ASSERT_TRUE(white) << white.error().text;
        const Seen seen = look(white.value().get());
        EXPECT_EQ(seen.width, 320);
        EXPECT_EQ(seen.height, 240);
        EXPECT_GT(seen.luma, 250) << "235 is white for a camera, 255 for JPEG";
        const auto black = jpeg_of(encode(codec, "black", 320, 240));
        EXPECT_LT(look(black.value().get()).luma, 5);
    }
}

TEST(JpegMaker, AWidthKeepsTheShape) {
    const Encoded e = encode(Codec::h264, "smpte", 640, 360);
    for (const auto& [width, height] : {std::pair(320, 180), {16, 9}, {322, 181}}) {
        const auto jpeg = jpeg_of(e, static_cast<unsigned>(width));
        ASSERT_TRUE(jpeg) << jpeg.error().text;
        const Seen seen = look(jpeg.value().get());
        EXPECT_EQ(seen.width, width);
        EXPECT_NEAR(seen.height, height, 1);
    }
}

TEST(JpegMaker, AJpegBecomesASmallerOne) {
    const Encoded e = encode(Codec::jpeg, "smpte", 640, 360);
    const auto jpeg = jpeg_of(e, 320);
    ASSERT_TRUE(jpeg) << jpeg.error().text;
    EXPECT_EQ(look(jpeg.value().get()).width, 320);
    Bytes cut = bytes_of(e.unit.get());
    cut.resize(cut.size() - 2); // there are cameras that leave EOI out
    const auto buffer = buffer_of(cut);
    const auto mended = jpeg_of(e, 0, buffer.get());
    ASSERT_TRUE(mended) << mended.error().text;
    EXPECT_EQ(look(mended.value().get()).width, 640);
}

TEST(JpegMaker, BrokenPicturesAreErrorsOrPicturesAndNothingWorse) {
    std::mt19937 random(6);
    unsigned refused = 0;
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::jpeg}) {
        const Encoded e = encode(codec, "smpte", 320, 240);
        const Bytes whole = bytes_of(e.unit.get());
        for (int i = 0; i < 60; i++) {
            Bytes broken = whole;
            if (i % 3 == 0)
                broken.resize(1 + random() % broken.size());
            for (unsigned k = 0; i % 3 != 0 && k < 1 + random() % 40; k++)
                broken[random() % broken.size()] = static_cast<uint8_t>(random());
            const auto buffer = buffer_of(broken);
            const auto jpeg = jpeg_of(e, 0, buffer.get());
            refused += !jpeg;
            EXPECT_TRUE(jpeg || jpeg.error().kind == ErrorKind::unavailable);
        }
        const auto nothing = buffer_of({0, 0, 0, 1});
        EXPECT_EQ(jpeg_of(e, 0, nothing.get()).error().text, "the camera's picture cannot be decoded");
    }
    EXPECT_GT(refused, 4u);
    std::printf("# %u of 180 broken pictures refused\n", refused);
}

TEST(JpegMaker, ADecoderThatDoesNotAnswerIsGivenUp) {
    const Encoded e = encode(Codec::h264, "snow", 1920, 1080);
    auto maker = maker_of(e);
    ASSERT_TRUE(maker);
    const auto begun = std::chrono::steady_clock::now();
    const auto result = maker->make(e.unit.get(), 0ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
    // On a machine that is faster than the question it may be there already.
    EXPECT_TRUE(result || result.error().text == "the picture was not decoded in time");
}

TEST(JpegMaker, AMissingDecoderIsNamedWithItsPackage) {
    const Encoded e = encode(Codec::h264, "smpte", 320, 240);
    const auto feature = adopt(gst_registry_find_feature(gst_registry_get(), "avdec_h264", GST_TYPE_ELEMENT_FACTORY));
    ASSERT_TRUE(feature);
    gst_registry_remove_feature(gst_registry_get(), feature.get());
    const auto refused = maker_of(e);
    gst_registry_add_feature(gst_registry_get(), feature.get());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text,
              "snapshots need the element avdec_h264, which is not installed (Debian: gstreamer1.0-libav)");
    EXPECT_TRUE(jpeg_of(e));
}

TEST(JpegMaker, HowLongItTakes) {
    for (const Codec codec : {Codec::h264, Codec::h265}) {
        const Encoded e = encode(codec, "smpte", 1920, 1080);
        std::vector<double> ms;
        for (int i = 0; i < 20; i++) {
            const auto begun = std::chrono::steady_clock::now();
            ASSERT_TRUE(jpeg_of(e));
            ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
        }
        std::sort(ms.begin(), ms.end());
        std::printf("# 1080p %s to JPEG: median %.1f ms, slowest of 20 %.1f ms\n", codec_name(codec), ms[10],
                    ms.back());
    }
}

} // namespace
