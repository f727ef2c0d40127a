// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/quality.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Quality, WhatCanBeOne) {
    for (const char* good : {"auto", "main", "sub", "web-2",
                             "\xc3\xa4u\xc3\x9f"
                             "eres"})
        EXPECT_TRUE(is_quality(good)) << good;
    for (const char* bad : {"", "a b", "a,b", "a=b", "front/sub", "a\nb", "\x7f"})
        EXPECT_FALSE(is_quality(bad)) << bad;
    EXPECT_TRUE(is_quality(std::string(64, 'x')));
    EXPECT_FALSE(is_quality(std::string(65, 'x')));
}

TEST(Quality, OfCameras) {
    const auto parsed = parse_qualities("front=sub, yard = auto ,, gate=web");
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(to_text(parsed.value()), "front=sub,gate=web,yard=auto");
    const QualityDefaults defaults{"main", parsed.value()};
    EXPECT_EQ(defaults.of("front"), "sub");
    EXPECT_EQ(defaults.of("yard"), "auto");
    EXPECT_EQ(defaults.of("elsewhere"), "main");
    EXPECT_EQ(QualityDefaults().of("front"), "auto");
    EXPECT_TRUE(parse_qualities("").value().empty());
}

TEST(Quality, MistakesAreNamed) {
    for (const char* bad : {"front", "front=", "=sub", "front=sub=main", "front=a b", "front/main=sub"}) {
        const auto parsed = parse_qualities(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_NE(parsed.error().text.find(bad), std::string::npos) << parsed.error().text;
        EXPECT_NE(parsed.error().text.find("CAMERA=auto"), std::string::npos) << parsed.error().text;
    }
    const auto twice = parse_qualities("front=sub,front=main");
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().text.find("'front' is named twice"), std::string::npos);
}

} // namespace
} // namespace sluice
