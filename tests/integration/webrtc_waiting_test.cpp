// SPDX-License-Identifier: LGPL-2.1-or-later
// Viewers of a camera that is not there yet: one that is started by them, one that never comes, and viewers that do not wait.
#include "tests/support/webrtc_rig.hpp"
#include "tests/support/whep_viewer.hpp"
#include "tests/support/ws_client.hpp"

#include <atomic>

namespace sluice {
namespace {

using namespace test;
using Json = nlohmann::json;

// What tells an application to contact the camera, and to let it go.
struct Demand {
    explicit Demand(const Camera& camera) : face(ref(camera.face())) {
        id = g_signal_connect(face.get(), "demand", G_CALLBACK(+[](SluiceChannel*, gboolean on, gpointer self) {
                                  auto* d = static_cast<Demand*>(self);
                                  d->wanted = on;
                                  d->changes++;
                              }),
                              this);
    }
    ~Demand() { g_signal_handler_disconnect(face.get(), id); }
    Demand(const Demand&) = delete;
    Demand& operator=(const Demand&) = delete;
    const Ref<SluiceChannel> face;
    gulong id;
    std::atomic<bool> wanted = false;
    std::atomic<int> changes = 0;
};

// A viewer that has asked over HTTP and can hang up before it is answered.
class RawViewer {
public:
    RawViewer(const WebrtcServer& server, const std::string& path) {
        guint port = 0;
        g_object_get(server.element(), "port", &port, nullptr);
        const auto client = adopt(g_socket_client_new());
        connection_ = adopt(
            g_socket_client_connect_to_host(client.get(), "127.0.0.1", static_cast<guint16>(port), nullptr, nullptr));
        const std::string offer = OfferText().text();
        const std::string request = "POST " + path +
                                    " HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
                                    "Content-Length: " +
                                    std::to_string(offer.size()) + "\r\n\r\n" + offer;
        GOutputStream* out = g_io_stream_get_output_stream(G_IO_STREAM(connection_.get()));
        EXPECT_TRUE(g_output_stream_write_all(out, request.data(), request.size(), nullptr, nullptr, nullptr));
    }
    void hang_up() { g_io_stream_close(G_IO_STREAM(connection_.get()), nullptr, nullptr); }

private:
    Ref<GSocketConnection> connection_;
};

struct WebrtcWaitingTest : ChannelTest {
    WebrtcWaitingTest() { EXPECT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS); }
    std::string ws() const { return "ws" + server.url("/ws").substr(4); }
    static Json join(const std::string& camera) {
        return {{"type", "join"}, {"id", "a"}, {"camera", camera}, {"sdp", OfferText().text()}};
    }
    // It waits no more, and nobody was made a session of.
    bool gone(const Camera& camera) {
        return eventually([&] { return camera.readers() == 0 && server.session_count() == 0; });
    }
    // Another one in each test: the demand of the one before lasts a while beyond it.
    static inline int count = 0;
    const std::string name = "cold" + std::to_string(++count);
    Camera cold{(name + "/main").c_str()};
    WebrtcServer server;
};

TEST_F(WebrtcWaitingTest, RaisesDemandWhileItWaitsAndIsAnsweredWhenTheStreamIsKnown) {
    Demand demand(cold);
    EXPECT_FALSE(demand.wanted);
    std::thread application([&] {
        EXPECT_TRUE(eventually([&] { return demand.wanted.load(); }));
        cold.begin(); // its next key frame is 20 s away
    });
    const auto asked = clock_now();
    const auto answer = server.post("/whep/" + name);
    application.join();
    EXPECT_EQ(answer.status, 201u) << answer.body;
    EXPECT_LT(clock_now() - asked, 5 * GST_SECOND) << "not by its deadline";
    EXPECT_TRUE(demand.wanted);
    EXPECT_GE(cold.readers(), 1u) << "the session goes on reading";
    EXPECT_EQ(demand.changes, 1) << "it did not flicker in between";
}

TEST_F(WebrtcWaitingTest, AViewerOfARememberedStreamNegotiatesAtOnceAndSeesTheCameraWhenItComes) {
    const auto known = caps("video/x-h264, stream-format=byte-stream, alignment=au");
    sluice_channel_remember(cold.face(), known.get(), nullptr);
    Demand demand(cold);
    WhepViewer viewer;
    const auto answer = viewer.join(server, "/whep/" + name);
    ASSERT_EQ(answer.status, 201u) << answer.body;
    EXPECT_TRUE(demand.wanted);
    ASSERT_TRUE(viewer.wait_connected());
    cold.begin();
    cold.delta(9);
    cold.key(1);
    cold.delta(2);
    EXPECT_TRUE(viewer.wait_for("K1 d2")) << viewer.received();
}

TEST_F(WebrtcWaitingTest, EndsAtItsDeadlineWithTheReasonOfThen) {
    Demand demand(cold);
    std::thread application([&] {
        EXPECT_TRUE(eventually([&] { return demand.wanted.load(); }));
        sluice_channel_set_unavailable(cold.face(), "connection refused by 10.0.0.5 port 554");
    });
    WsClient client(ws());
    client.next();
    client.say(join(name));
    const Json m = client.next();
    application.join();
    ASSERT_EQ(m.value("type", ""), "error") << m;
    EXPECT_EQ(m["error"]["status"], 503) << m;
    EXPECT_EQ(m["error"]["detail"], "camera '" + name + "' gives no picture: connection refused by 10.0.0.5 port 554")
        << m;
    EXPECT_EQ(cold.readers(), 0u) << "no demand any more when the viewer hears of it";
}

TEST_F(WebrtcWaitingTest, ViewersThatHangUpWhileTheyWaitLeaveNothingBehind) {
    RawViewer http(server, "/whep/" + name);
    WsClient broken(ws()), closed(ws());
    for (WsClient* client : {&broken, &closed}) {
        client->next();
        client->say(join(name));
    }
    ASSERT_TRUE(eventually([&] { return cold.readers() == 3; }));
    http.hang_up();
    broken.cut();
    closed.close(1001);
    EXPECT_TRUE(gone(cold)) << cold.readers();
    Camera other("other/main");
    other.begin();
    other.key(1);
    EXPECT_EQ(server.post("/whep/other").status, 201u) << "the others are served as before";
}

TEST_F(WebrtcWaitingTest, ACameraThatComesFindsNobodyWhoHasHungUp) {
    RawViewer http(server, "/whep/" + name);
    WsClient broken(ws());
    broken.next();
    broken.say(join(name));
    ASSERT_TRUE(eventually([&] { return cold.readers() == 2; }));
    http.hang_up();
    broken.cut();
    cold.begin();
    cold.key(1);
    EXPECT_TRUE(gone(cold)) << cold.readers();
}

TEST_F(WebrtcWaitingTest, WhoLeavesWhileItWaitsIsToldSo) {
    WsClient client(ws());
    client.next();
    client.say(join(name));
    ASSERT_TRUE(eventually([&] { return cold.readers() == 1; }));
    client.say({{"type", "leave"}, {"id", "a"}});
    EXPECT_EQ(client.next(), (Json{{"type", "closed"}, {"id", "a"}, {"reason", "the viewer has left"}}));
    EXPECT_TRUE(gone(cold));
}

TEST_F(WebrtcWaitingTest, AServerThatStopsKeepsNobodyWaiting) {
    std::thread viewer([&] { EXPECT_NE(server.post("/whep/" + name).status, 201u); });
    ASSERT_TRUE(eventually([&] { return cold.readers() == 1; }));
    const auto asked = clock_now();
    server.stop();
    viewer.join();
    EXPECT_LT(clock_now() - asked, 4 * GST_SECOND);
    EXPECT_EQ(cold.readers(), 0u);
}

} // namespace
} // namespace sluice
