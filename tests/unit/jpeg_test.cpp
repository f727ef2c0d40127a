// SPDX-License-Identifier: LGPL-2.1-or-later
// What a camera's JPEG says of itself; anything may stand in it.
#include "plugins/core/jpeg.hpp"

#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace sluice;
using namespace sluice::test;

namespace {

std::optional<JpegSize> size_of(const Bytes& data) {
    Bytes exact = data;
    exact.shrink_to_fit(); // one byte too far is seen
    return jpeg_size(exact);
}

Bytes soi() { return {0xff, 0xd8}; }
Bytes frame(uint8_t marker, uint8_t components = 3, unsigned width = 640, unsigned height = 480) {
    Bytes out{0xff,
              marker,
              0,
              static_cast<uint8_t>(8 + 3 * components),
              8,
              static_cast<uint8_t>(height >> 8),
              static_cast<uint8_t>(height),
              static_cast<uint8_t>(width >> 8),
              static_cast<uint8_t>(width),
              components};
    out.resize(out.size() + size_t{3} * components, 1);
    return out;
}
Bytes segment(uint8_t marker, size_t size) {
    Bytes out{0xff, marker, static_cast<uint8_t>((size + 2) >> 8), static_cast<uint8_t>(size + 2)};
    out.resize(out.size() + size, 0xaa);
    return out;
}
Bytes fills(size_t count) { return Bytes(count, 0xff); }

TEST(Jpeg, TheFrameHeaderTellsTheSize) {
    const JpegSize usual{640, 480};
    struct Row {
        const char* name;
        Bytes data;
        std::optional<JpegSize> size;
    };
    const Row rows[] = {
        {"a whole one", jpeg(1920, 1080), JpegSize{1920, 1080}},
        {"the largest", soi() + frame(0xc0, 3, 65535, 65535), JpegSize{65535, 65535}},
        {"behind tables and application data",
         soi() + segment(0xe0, 14) + segment(0xe1, 65533) + segment(0xdb, 65) + segment(0xc4, 29) + segment(0xdd, 2) +
             segment(0xfe, 0) + frame(0xc0),
         usual},
        {"extended", soi() + frame(0xc1), usual},
        {"progressive", soi() + frame(0xc2), usual},
        {"arithmetic", soi() + segment(0xcc, 2) + frame(0xc9), usual},
        {"one component", soi() + frame(0xc0, 1), usual},
        {"fill bytes", soi() + fills(3) + segment(0xe0, 14) + fills(1) + frame(0xc0), usual},
        {"nothing", {}, {}},
        {"SOI alone", soi(), {}},
        {"no SOI", frame(0xc0), {}},
        {"H.264", key_unit(), {}},
        {"SOI twice", soi() + soi() + frame(0xc0), {}},
        {"a scan before the frame", soi() + segment(0xda, 10) + frame(0xc0), {}},
        {"the end before the frame", soi() + Bytes{0xff, 0xd9, 0xff, 0xd9} + frame(0xc0), {}},
        {"hierarchical", soi() + frame(0xc5), {}},
        {"hierarchical, arithmetic", soi() + frame(0xcf), {}},
        {"no width", soi() + frame(0xc0, 3, 0, 480), {}},
        {"the height at the end", soi() + frame(0xc0, 3, 640, 0), {}},
        {"no components", soi() + frame(0xc0, 0), {}},
        {"a segment of no length", soi() + Bytes{0xff, 0xe0, 0, 1} + frame(0xc0), {}},
        {"a segment that is longer than the rest", soi() + Bytes{0xff, 0xe0, 0xff, 0xff} + frame(0xc0), {}},
        {"rubbish between segments", soi() + segment(0xe0, 14) + Bytes{0} + frame(0xc0), {}},
        {"a marker that is none", soi() + segment(0x01, 14) + frame(0xc0), {}},
    };
    for (const Row& r : rows)
        EXPECT_EQ(size_of(r.data), r.size) << r.name;
}

TEST(Jpeg, AFrameHeaderThatIsCutOffTellsNothing) {
    const Bytes whole = soi() + segment(0xe0, 4) + frame(0xc0);
    for (size_t size = 0; size < whole.size(); size++)
        EXPECT_FALSE(size_of(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)))) << size;
    EXPECT_TRUE(size_of(whole));
    Bytes more_components = whole;
    more_components[more_components.size() - 10] = 4; // than its length has room for
    EXPECT_FALSE(size_of(more_components));
}

TEST(Jpeg, AHeaderWithoutEndIsLeft) {
    Bytes data = soi();
    while (data.size() < (1u << 20))
        data = data + segment(0xfe, 60000);
    EXPECT_FALSE(size_of(data + frame(0xc0)));
    EXPECT_FALSE(size_of(soi() + fills(4u << 20) + frame(0xc0)));
}

TEST(Jpeg, RandomBytesNeverCrash) {
    std::mt19937 random(5);
    const Bytes whole = jpeg(640, 480, 400);
    unsigned sizes = 0;
    for (int i = 0; i < 20000; i++) {
        Bytes data = whole;
        for (unsigned k = 0; k < 1 + random() % 6; k++)
            data[random() % std::min<size_t>(data.size(), 60)] = static_cast<uint8_t>(random());
        data.resize(random() % (data.size() + 1));
        const auto size = size_of(data);
        sizes += size.has_value();
        EXPECT_TRUE(!size || (size->width && size->height));
        (void)is_whole_jpeg(data);
    }
    EXPECT_GT(sizes, 100u);
}

TEST(Jpeg, WholeIsFromSoiToEoi) {
    const Bytes whole = jpeg(64, 48, 300);
    EXPECT_TRUE(is_whole_jpeg(whole));
    for (const Bytes& padding : {Bytes{'\r', '\n'}, Bytes(100, 0), Bytes{0xff, 0xff}})
        EXPECT_TRUE(is_whole_jpeg(whole + padding));
    EXPECT_FALSE(is_whole_jpeg(whole + Bytes{'x'}));
    EXPECT_FALSE(is_whole_jpeg(Bytes(whole.begin(), whole.end() - 1)));
    EXPECT_FALSE(is_whole_jpeg(Bytes(whole.begin(), whole.end() - 2)));
    EXPECT_FALSE(is_whole_jpeg(Bytes(whole.begin() + 1, whole.end())));
    for (const Bytes& none : {Bytes{}, Bytes{0xff}, soi(), Bytes{0xff, 0xd8, 0xff}, soi() + Bytes(50, 0)})
        EXPECT_FALSE(is_whole_jpeg(none));
    EXPECT_TRUE(is_whole_jpeg({soi() + Bytes{0xff, 0xd9}})) << "as small as it gets; its size says that it is nothing";
}

TEST(Jpeg, WhatTakesTooMuchToDecodeIsTooLarge) {
    EXPECT_FALSE(is_too_large({7680, 4320}, 1000));
    EXPECT_FALSE(is_too_large({4320, 7680}, max_jpeg_bytes));
    EXPECT_TRUE(is_too_large({7680, 4321}, 1000));
    EXPECT_TRUE(is_too_large({8193, 16}, 1000));
    EXPECT_TRUE(is_too_large({16, 8193}, 1000));
    EXPECT_TRUE(is_too_large({65535, 65535}, 1000));
    EXPECT_TRUE(is_too_large({640, 480}, max_jpeg_bytes + 1));
}

} // namespace
