// SPDX-License-Identifier: LGPL-2.1-or-later
// A switch begins with a cached GOP, and that is older than what the viewer has in front of him.
#include "tests/support/viewer_rig.hpp"

namespace sluice::test {
namespace {

constexpr GstClockTime frame = 40 * GST_MSECOND;
constexpr uint8_t last = 29; // picture of main: rates are those of whole seconds

struct HiddenPastTest : ViewerStreamTest {
    GstClockTime began = 0;

    // Both streams have a picture every 40 ms, of the same instants; those of sub have 100 more. The viewer gets main.
    void SetUp() override {
        began = now;
        for (uint8_t id = 0; id <= last; ++id) {
            now = at(id);
            if (id == 0) {
                key(main_camera, 0);
                now = at(id);
                key(sub_camera, 100);
                watch();
            } else {
                delta(main_camera, id);
                now = at(id);
                delta(sub_camera, static_cast<uint8_t>(100 + id), 1000);
            }
            now = at(id);
            send();
        }
    }
    GstClockTime at(uint8_t id) const { return began + id * frame; }

    // How many of sub's pictures have stamps before that of main's last one.
    int hidden_after_the_switch() {
        const uint32_t newest = packets.back().timestamp;
        const size_t before = packets.size();
        ask_for("sub");
        send();
        int hidden = 0;
        bool shown = false;
        for (size_t i = before; i < packets.size(); ++i) {
            if (!packets[i].marker)
                continue;
            const bool past = static_cast<int32_t>(packets[i].timestamp - newest) < 0;
            EXPECT_FALSE(past && shown) << "back again";
            shown |= !past;
            hidden += past;
        }
        EXPECT_EQ(sent_at.size(), 2u * (last + 1)) << "all of the GOP";
        return hidden;
    }
};

TEST_F(HiddenPastTest, WhatTheViewerHasSeenIsNotShownAgain) {
    viewer->acknowledged(at(last), at(last));
    // Told of until the last one, on the screen for certain: what left 100 ms before. What may be on it by now is not shown, either.
    EXPECT_EQ(hidden_after_the_switch(), last);
}

TEST_F(HiddenPastTest, WhatIsNotKnownToHaveArrivedIsShown) { EXPECT_EQ(hidden_after_the_switch(), 0); }

TEST_F(HiddenPastTest, PicturesSinceTheFirstLossMayNotHaveBeenSeen) {
    viewer->acknowledged(at(last), at(10));
    EXPECT_EQ(hidden_after_the_switch(), 10);
}

TEST_F(HiddenPastTest, ARepetitionIsShown) {
    viewer->acknowledged(at(last), at(last));
    const uint32_t newest = packets.back().timestamp;
    const size_t before = packets.size();
    now = at(40);
    viewer->request_key_unit();
    send();
    ASSERT_GT(packets.size(), before) << "whoever asks has nothing to decode from";
    for (size_t i = before; i < packets.size(); ++i)
        EXPECT_GT(static_cast<int32_t>(packets[i].timestamp - newest), 0);
}

// On a path that needs long for it, a freeze would be worse than a moment that is seen twice.
TEST_F(HiddenPastTest, OnlyAsMuchIsHiddenAsThePathBringsSoon) {
    viewer->acknowledged(at(last), at(last));
    viewer->pace().set_estimate(2 * sub->stats(now).bitrate, now);
    EXPECT_EQ(hidden_after_the_switch(), 6) << "100 ms, in which the path brings 230 ms of pictures";
}

TEST_F(HiddenPastTest, MuchIsHiddenOnAWidePath) {
    viewer->acknowledged(at(last), at(last));
    viewer->pace().set_estimate(100 * sub->stats(now).bitrate, now);
    EXPECT_EQ(hidden_after_the_switch(), last);
}

} // namespace
} // namespace sluice::test
