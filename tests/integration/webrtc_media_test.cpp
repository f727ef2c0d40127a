// SPDX-License-Identifier: LGPL-2.1-or-later
// A real viewer (a second webrtcbin) watches what webrtcserversink serves.
#include "tests/support/whep_viewer.hpp"

namespace sluice {
namespace {

using namespace test;

// Another digest of the same form in place of the viewer's own.
void forge_fingerprint(std::string& offer) {
    size_t forged = 0;
    for (size_t at = offer.find("a=fingerprint:"); at != std::string::npos; at = offer.find("a=fingerprint:", at + 1)) {
        const size_t digest = offer.find(' ', at) + 1;
        ASSERT_EQ(offer.substr(at, digest - at), "a=fingerprint:sha-256 ");
        offer.replace(digest, some_digest.size(), some_digest);
        ++forged;
    }
    ASSERT_GT(forged, 0u);
}

struct WebrtcMediaTest : ChannelTest {
    Camera front{"front/main"}, sub{"front/sub"};
    WebrtcServer server;

    void SetUp() override {
        ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
        front.begin();
        front.key(1);
        front.delta(2);
        front.delta(3);
    }
    void watch(WhepViewer& viewer, const std::string& path = "/whep/front") {
        const auto answer = viewer.join(server, path);
        ASSERT_EQ(answer.status, 201u) << answer.error << answer.body;
    }
};

TEST_F(WebrtcMediaTest, TheCachedGopComesFirstAndThenWhatIsLive) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3")) << viewer.received();
    front.delta(4);
    ASSERT_TRUE(viewer.wait_for("d3 d4")) << viewer.received();
    front.key(5, 5000); // in fragments
    ASSERT_TRUE(viewer.wait_for("d4 K5")) << viewer.received();
    const auto packets = viewer.packets();
    for (size_t i = 1; i < packets.size(); ++i)
        EXPECT_EQ(packets[i].seq, static_cast<uint16_t>(packets[i - 1].seq + 1));
}

// Media that overtakes our last message of the handshake is lost. Without care it does in one of ten joins.
TEST_F(WebrtcMediaTest, NoJoinLosesTheFirstPicture) {
    for (int i = 0; i < 30; ++i) {
        WhepViewer viewer;
        watch(viewer);
        ASSERT_TRUE(viewer.wait_for("d3"));
        ASSERT_EQ(viewer.received(), "K1 d2 d3") << "join " << i;
    }
}

TEST_F(WebrtcMediaTest, WhoLetsUsBeginTheHandshakeGetsThePictureToo) {
    WhepViewer viewer;
    const auto answer = viewer.join(server, "/whep/front", [](std::string& offer) {
        const std::string either = "a=setup:actpass", ours = "a=setup:passive";
        const size_t at = offer.find(either);
        ASSERT_NE(at, std::string::npos);
        offer.replace(at, either.size(), ours);
    });
    ASSERT_EQ(answer.status, 201u) << answer.body;
    EXPECT_NE(answer.body.find("a=setup:active"), std::string::npos) << answer.body;
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3")) << viewer.received();
}

TEST_F(WebrtcMediaTest, TheFingerprintOfTheOfferIsChecked) {
    WhepViewer viewer;
    const auto answer = viewer.join(server, "/whep/front", forge_fingerprint);
    ASSERT_EQ(answer.status, 201u) << "nobody can know yet: " << answer.body;
    EXPECT_EQ(server.sessions.wait_removed(viewer.id()), "the DTLS certificate is not the one announced in the offer");
    // An honest viewer that comes later has had its picture: whatever could have come to the other has come.
    WhepViewer honest;
    watch(honest);
    ASSERT_TRUE(honest.wait_for("K1 d2 d3")) << honest.received();
    EXPECT_EQ(viewer.packet_count(), 0u) << "media for a certificate that nobody announced";
    EXPECT_EQ(server.request("GET", viewer.location).status, 404u);
}

TEST_F(WebrtcMediaTest, APliBringsTheGopAgain) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3"));
    viewer.forget();
    // The start burst counts as an answer for a second.
    ASSERT_TRUE(eventually([&] {
        viewer.ask_for_key_unit();
        return viewer.received().find("K1 d2 d3") != std::string::npos;
    })) << viewer.received();
    front.delta(4);
    ASSERT_TRUE(viewer.wait_for("d3 d4"));
    const auto packets = viewer.packets();
    for (size_t i = 1; i < packets.size(); ++i) {
        EXPECT_EQ(packets[i].seq, static_cast<uint16_t>(packets[i - 1].seq + 1));
        EXPECT_GE(static_cast<int32_t>(packets[i].timestamp - packets[i - 1].timestamp), 0);
    }
}

TEST_F(WebrtcMediaTest, SwitchesToSubAndBackWithinOneSession) {
    sub.begin();
    sub.key(101);
    sub.delta(102);
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    const HttpHeaders json{{"Content-Type", "application/json"}};
    ASSERT_EQ(server.request("PATCH", viewer.location, json, R"({"stream": "sub"})").status, 204u);
    ASSERT_TRUE(viewer.wait_for("K101 d102")) << viewer.received();
    front.delta(4); // not for this viewer
    sub.delta(103);
    ASSERT_TRUE(viewer.wait_for("d102 d103")) << viewer.received();
    EXPECT_TRUE(eventually([&] { return front.readers() == 0; }));
    ASSERT_EQ(server.request("PATCH", viewer.location, json, R"({"stream": "main"})").status, 204u);
    ASSERT_TRUE(viewer.wait_for("d103 K1 d2 d3 d4")) << viewer.received();
    const auto packets = viewer.packets();
    for (size_t i = 1; i < packets.size(); ++i) {
        EXPECT_EQ(packets[i].seq, static_cast<uint16_t>(packets[i - 1].seq + 1));
        EXPECT_EQ(packets[i].ssrc, packets[0].ssrc);
    }
    EXPECT_EQ(server.sessions.count_removed(), 0u);
}

TEST_F(WebrtcMediaTest, ASwitchWaitsForTheOtherStream) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    ASSERT_EQ(
        server.request("PATCH", viewer.location, {{"Content-Type", "application/json"}}, R"({"stream":"sub"})").status,
        204u);
    EXPECT_EQ(sub.readers(), 1u) << "an on-demand source has to start for it";
    front.delta(4);
    ASSERT_TRUE(viewer.wait_for("d3 d4")) << "goes on with main meanwhile";
    sub.begin();
    sub.key(101);
    ASSERT_TRUE(viewer.wait_for("d4 K101")) << viewer.received();
}

TEST_F(WebrtcMediaTest, JoinsTheStreamThatIsAskedFor) {
    sub.begin();
    sub.key(101);
    sub.delta(102); // GStreamer shows nothing of a stream before its second packet
    WhepViewer viewer;
    watch(viewer, "/whep/front?stream=sub");
    EXPECT_TRUE(viewer.wait_for("K101 d102")) << viewer.received();
}

TEST_F(WebrtcMediaTest, ACameraClockAnHourAheadStopsNobody) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    for (uint8_t id = 4; id < 10; ++id) {
        front.write(p_slice(20, id), clock_now() + 3600 * GST_SECOND);
        ASSERT_TRUE(viewer.wait_for("d" + std::to_string(id))) << viewer.received();
    }
    WhepViewer late;
    watch(late);
    ASSERT_TRUE(late.wait_for("K1 d2 d3 d4 d5 d6 d7 d8 d9")) << late.received();
}

TEST_F(WebrtcMediaTest, ViewersStayWhenTheCameraGoesAndComesBack) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    front.end();
    front.begin();
    front.key(101);
    front.delta(102);
    ASSERT_TRUE(viewer.wait_for("d3 K101 d102")) << viewer.received();
    EXPECT_EQ(server.sessions.count_removed(), 0u);
}

// Nobody but the viewers holds the channel when a disposable source pipeline goes.
TEST_F(WebrtcMediaTest, TheNextSourceOfThatNameReachesTheViewers) {
    WhepViewer viewer;
    auto camera = std::make_unique<Camera>("yard/main");
    camera->begin();
    camera->key(1);
    camera->delta(2);
    watch(viewer, "/whep/yard");
    ASSERT_TRUE(viewer.wait_for("K1 d2"));
    camera->end();
    camera.reset();
    camera = std::make_unique<Camera>("yard/main");
    camera->begin();
    camera->key(101);
    EXPECT_TRUE(viewer.wait_for("d2 K101")) << viewer.received();
}

// The first picture of a camera, a key frame, does not tell whether B-frames follow.
TEST_F(WebrtcMediaTest, ACameraWhoseBFramesComeLaterLosesItsViewersWithTheReason) {
    Camera b("bframes/main");
    b.begin();
    b.write(sps() + pps() + idr(), clock_now());
    WhepViewer viewer;
    watch(viewer, "/whep/bframes");
    ASSERT_TRUE(viewer.wait_connected());
    b.write(b_slice(), clock_now());
    EXPECT_EQ(server.sessions.wait_removed(viewer.id()),
              "the camera sends B-frames, which browsers cannot play over WebRTC");
}

TEST_F(WebrtcMediaTest, ManyViewersGetTheSame) {
    std::vector<std::unique_ptr<WhepViewer>> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back(std::make_unique<WhepViewer>());
        watch(*all.back());
    }
    for (auto& v : all)
        ASSERT_TRUE(v->wait_for("K1 d2 d3")) << v->received();
    front.delta(4, 3000);
    for (auto& v : all)
        EXPECT_TRUE(v->wait_for("d3 d4")) << v->received();
    EXPECT_EQ(server.session_count(), 6u);
}

TEST_F(WebrtcMediaTest, StatisticsTellWhatHappened) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    const auto stats = server.stats();
    EXPECT_STREQ(gst_structure_get_name(stats.get()), "webrtcserversink-stats");
    guint64 joined = 0;
    EXPECT_TRUE(gst_structure_get_uint64(stats.get(), "joined", &joined));
    EXPECT_EQ(joined, 1u);
    const GValue* viewers = gst_structure_get_value(stats.get(), "viewers");
    ASSERT_TRUE(viewers && GST_VALUE_HOLDS_ARRAY(viewers));
    ASSERT_EQ(gst_value_array_get_size(viewers), 1u);
    const GstStructure* v = gst_value_get_structure(gst_value_array_get_value(viewers, 0));
    EXPECT_STREQ(gst_structure_get_string(v, "id"), viewer.id().c_str());
    EXPECT_STREQ(gst_structure_get_string(v, "principal"), "admin");
    EXPECT_STREQ(gst_structure_get_string(v, "camera"), "front");
    EXPECT_STREQ(gst_structure_get_string(v, "stream"), "main");
    EXPECT_STREQ(gst_structure_get_string(v, "peer"), "127.0.0.1");
    EXPECT_STREQ(gst_structure_get_string(v, "state"), "streaming");
    gdouble connected = -1, first = -1;
    guint64 packets = 0, bytes = 0;
    EXPECT_TRUE(gst_structure_get_double(v, "connected-ms", &connected));
    EXPECT_TRUE(gst_structure_get_double(v, "first-frame-ms", &first));
    EXPECT_GT(connected, 0);
    EXPECT_GE(first, connected);
    EXPECT_TRUE(gst_structure_get_uint64(v, "packets-sent", &packets));
    EXPECT_TRUE(gst_structure_get_uint64(v, "bytes-sent", &bytes));
    EXPECT_EQ(packets, viewer.packet_count());
    EXPECT_GT(bytes, packets * 12);
    const auto get = server.request("GET", viewer.location);
    EXPECT_EQ(get.status, 200u);
    EXPECT_EQ(get.header("content-type"), "application/json");
    EXPECT_NE(get.body.find("\"state\":\"streaming\""), std::string::npos) << get.body;
}

TEST_F(WebrtcMediaTest, ReceiverReportsGiveTheRoundTripTime) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    uint8_t id = 4;
    EXPECT_TRUE(eventually([&] { // reports come while media flows
        front.delta(id++);
        return server.request("GET", viewer.location).body.find("\"rtt-ms\":-1") == std::string::npos;
    }));
}

TEST_F(WebrtcMediaTest, DeleteEndsMediaAtOnce) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("d3"));
    EXPECT_EQ(server.request("DELETE", viewer.location).status, 200u);
    EXPECT_EQ(server.sessions.wait_removed(viewer.id()), "the viewer has left");
    EXPECT_TRUE(eventually([&] { return front.readers() == 0; }));
    EXPECT_EQ(server.request("DELETE", viewer.location).status, 404u);
    EXPECT_EQ(server.session_count(), 0u);
}

TEST_F(WebrtcMediaTest, ASessionEndsByActionWithItsReason) {
    WhepViewer viewer;
    watch(viewer);
    ASSERT_TRUE(viewer.wait_connected());
    EXPECT_TRUE(server.close_session(viewer.id(), "maintenance"));
    EXPECT_EQ(server.sessions.wait_removed(viewer.id()), "maintenance");
    EXPECT_FALSE(server.close_session(viewer.id(), "again"));
}

TEST_F(WebrtcMediaTest, ReadyToNullClosesAllSessions) {
    WhepViewer a, b;
    watch(a);
    watch(b);
    ASSERT_TRUE(a.wait_for("d3") && b.wait_for("d3"));
    server.stop();
    EXPECT_EQ(server.sessions.count_removed(), 2u) << "when set_state returns";
    EXPECT_TRUE(eventually([&] { return front.readers() == 0; }));
    server.start();
    WhepViewer again;
    watch(again);
    EXPECT_TRUE(again.wait_for("K1 d2 d3"));
}

} // namespace
} // namespace sluice
