// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/websocket_bounds.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr uint8_t text = 0x01, more = 0x00, ping = 0x89, pong = 0x8a, end = 0x80;

TEST(WebsocketBounds, AMessageMayBeAsLongAsTheLimitInOneFrameOrMany) {
    WebsocketBounds b(100);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(b.frame(text | end, 100, 0));
        EXPECT_FALSE(b.frame(text, 50, 0));
        EXPECT_FALSE(b.frame(more, 50, 0));
        EXPECT_FALSE(b.frame(more | end, 0, 0));
    }
}

TEST(WebsocketBounds, AndNotLonger) {
    EXPECT_TRUE(WebsocketBounds(100).frame(text | end, 101, 0));
    WebsocketBounds b(100);
    EXPECT_FALSE(b.frame(text, 60, 0));
    EXPECT_FALSE(b.frame(ping, 100, 0)) << "no part of it";
    const auto wrong = b.frame(more, 41, 0);
    ASSERT_TRUE(wrong);
    EXPECT_NE(wrong->find("100 bytes"), std::string::npos);
    WebsocketBounds endless(100);
    EXPECT_FALSE(endless.frame(text, 100, 0));
    EXPECT_TRUE(endless.frame(more, SIZE_MAX, 0));
}

TEST(WebsocketBounds, PingsAndPongsHaveARate) {
    WebsocketBounds b(100);
    for (int64_t period = 1; period < 4; ++period) {
        const int64_t now = period * (WebsocketBounds::control_period_us + 1);
        for (unsigned i = 0; i < WebsocketBounds::max_control; ++i)
            EXPECT_FALSE(b.frame(i % 2 ? ping : pong, 0, now + i));
        EXPECT_TRUE(b.frame(ping, 0, now + 100));
    }
    WebsocketBounds busy(100);
    for (int i = 0; i < 10000; ++i)
        EXPECT_FALSE(busy.frame(text | end, 100, 0)) << "messages are counted by who answers them";
}

} // namespace
} // namespace sluice
