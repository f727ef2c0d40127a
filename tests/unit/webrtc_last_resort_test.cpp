// SPDX-License-Identifier: LGPL-2.1-or-later
// A viewer that gets what is made for those who can play none of the camera's streams, when the camera sends another one.
#include "plugins/webrtc/scene.hpp"
#include "plugins/webrtc/viewer_control.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

struct LastResort : testing::Test {
    GstClockTime now = 1000 * GST_SECOND;
    std::shared_ptr<Channel> main = std::make_shared<Channel>("front/main"),
                             sub = std::make_shared<Channel>("front/sub"), web = std::make_shared<Channel>("front/web");
    Producer main_camera{main}, sub_camera{sub}, worker{web};
    std::unique_ptr<ViewerStream> stream;
    std::unique_ptr<ViewerPath> path;
    std::unique_ptr<ViewerControl> control;
    bool main_plays = true, main_reorders = true, sub_plays = false;

    void join(const std::string& quality = quality_auto, const std::string& first = "web") {
        web->set_last_resort(true);
        stream = std::make_unique<ViewerStream>(
            ViewerStream::Scene{{"main", main}, {"sub", sub}, {"web", web}}, first, Codec::h264,
            RtpWriter::Identity{.ssrc = 1, .payload_type = 96, .first_seq = 1, .timestamp_offset = 0});
        path = std::make_unique<ViewerPath>(ViewerPath::Start{.near = true, .quality = quality});
        control = std::make_unique<ViewerControl>(*stream, *path);
        path->connected(now, *stream);
        turn();
        stream->start();
    }
    void turn() {
        for (int i = 0; i < 100; ++i) {
            const auto turn = control->turn(now);
            if (turn.orders) {
                auto change = control->prepare(*turn.orders);
                control->carry_out(change, now);
            } else if (!turn.step.packets) {
                return;
            }
        }
        FAIL() << "it has always something to do";
    }
    // A key unit each second, of each that plays.
    void watch(unsigned seconds) {
        const auto shoot = [&](Producer& camera, bool reorders, unsigned i) {
            camera.now = now;
            camera.write(i % 25 == 0                ? (reorders ? sps() : sps_no_reorder()) + pps() + idr(400)
                         : reorders && i % 25 >= 15 ? b_slice(200)
                                                    : p_slice(200),
                         now);
        };
        for (unsigned i = 0; i < 25 * seconds; ++i, now += 40 * GST_MSECOND) {
            shoot(worker, false, i);
            if (main_plays)
                shoot(main_camera, main_reorders, i);
            if (sub_plays)
                shoot(sub_camera, false, i);
            turn();
        }
    }
    // The camera comes back as another one.
    void become(const char* video) {
        main_camera.begin(false, caps(video));
        main_reorders = false;
    }
};
constexpr const char* h264 = "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";
constexpr const char* h265 = "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au";

TEST_F(LastResort, IsAllThereIsAsLongAsTheCameraSendsNothingElse) {
    join();
    watch(5);
    EXPECT_EQ(stream->stream(), "web");
    EXPECT_EQ(path->decision().reason, "the only stream");
    EXPECT_EQ(path->decision().keep, std::vector<std::string>{"web"}) << "what it cannot play is not read";
    become(h265);
    main_plays = false; // H.264 units are none of it
    watch(5);
    EXPECT_EQ(stream->stream(), "web");
}

TEST_F(LastResort, IsLeftWhenTheCameraSendsWhatTheViewerCanPlay) {
    join();
    watch(3);
    ASSERT_EQ(stream->stream(), "web");
    become(h264);
    watch(3);
    EXPECT_EQ(stream->stream(), "main");
    EXPECT_EQ(stream->wanted(), "main");
    main_plays = false; // the picture stands; what is made of it is no way out
    watch(5);
    EXPECT_EQ(stream->wanted(), "main");
}

TEST_F(LastResort, IsNotLeftForABeginningThatHasNoBFramesYet) {
    for (unsigned phase = 0; phase < 25; phase += 5) { // whenever it is looked at
        main = std::make_shared<Channel>("front/main");
        main_camera = Producer(main, now);
        main_plays = false;
        join();
        watch(3);
        for (unsigned i = 0; i < phase; ++i, now += 40 * GST_MSECOND)
            turn();
        main_plays = true;
        watch(3);
        EXPECT_EQ(stream->stream(), "web") << phase;
        EXPECT_EQ(stream->wanted(), "web") << phase;
    }
}

TEST_F(LastResort, IsLeftForAnyStreamThatTheViewerCanPlay) {
    join();
    watch(3);
    sub_plays = true;
    watch(4);
    EXPECT_EQ(stream->stream(), "sub");
}

TEST_F(LastResort, StaysWithWhoAsksForIt) {
    join("web");
    become(h264);
    watch(5);
    EXPECT_EQ(stream->stream(), "web");
    path->pin("main");
    watch(3);
    EXPECT_EQ(stream->stream(), "main");
}

TEST_F(LastResort, IsNoChoiceForAnybodyElse) {
    main_reorders = false;
    join(quality_auto, "main");
    watch(3);
    EXPECT_EQ(stream->stream(), "main");
    path->pin("web");
    watch(3);
    EXPECT_EQ(stream->stream(), "main");
}

} // namespace
} // namespace sluice
