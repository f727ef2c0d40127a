// SPDX-License-Identifier: LGPL-2.1-or-later
// Which stream a viewer gets: by what it asks for, by its camera's setting, by somebody else's choice.
#include "tests/support/webrtc_rig.hpp"
#include "tests/support/whep_viewer.hpp"
#include "tests/support/ws_client.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

using Json = nlohmann::json;

class WebrtcQualityTest : public ChannelTest {
protected:
    void SetUp() override {
        main.begin();
        main.key(1);
        sub.begin();
        sub.key(101);
    }
    Json join(const std::string& query = "") {
        const auto answer = server.post("/whep/front" + query);
        EXPECT_EQ(answer.status, 201u) << answer.body;
        return stats(session = "/whep/" + answer.header("location"));
    }
    Json stats(const std::string& of) {
        const auto answer = server.request("GET", of);
        return answer.status == 200 ? Json::parse(answer.body) : Json::object();
    }
    std::string id() const { return session.substr(session.rfind('/') + 1); }
    // The problem's detail; empty: done.
    std::string set_quality(const std::string& viewer, const char* quality) {
        char* problem = nullptr;
        g_signal_emit_by_name(server.element(), "set-quality", viewer.c_str(), quality, &problem);
        const GString8 held(problem);
        return problem ? Json::parse(problem)["detail"].get<std::string>() : "";
    }

    Camera main{"front/main"}, sub{"front/sub"};
    WebrtcServer server;
    std::string session;
};

TEST_F(WebrtcQualityTest, AViewerSaysWhatItWants) {
    server.start();
    EXPECT_EQ(join()["quality"], "auto");
    EXPECT_EQ(join("?quality=auto")["stream"], "main");
    const Json pinned = join("?quality=sub");
    EXPECT_EQ(pinned["quality"], "sub");
    EXPECT_EQ(pinned["stream"], "sub");
    EXPECT_EQ(pinned["stream-reason"], "sub is asked for");
    EXPECT_EQ(join("?stream=sub")["quality"], "sub") << "who names a stream pins it";
    EXPECT_EQ(server.post("/whep/front?quality=third").status, 404u);
    EXPECT_EQ(server.post("/whep/front?quality=sub&stream=main").status, 400u);
    EXPECT_EQ(server.post("/whep/front?quality=" + std::string(5000, 'x')).status, 404u);
}

TEST_F(WebrtcQualityTest, TheCamerasSettingCountsForWhoSaysNothing) {
    server.set("quality", "main").set("qualities", "front=sub, yard=main").start();
    EXPECT_EQ(join()["stream"], "sub");
    EXPECT_EQ(join("?quality=auto")["stream"], "main") << "the viewer's choice wins";
    EXPECT_EQ(join("?quality=main")["stream"], "main");
}

TEST_F(WebrtcQualityTest, ASettingThatNamesNoStreamRefusesNobody) {
    server.set("qualities", "front=web").start();
    EXPECT_EQ(join()["quality"], "auto");
}

TEST_F(WebrtcQualityTest, AMistakeInASettingIsAnError) {
    server.set("qualities", "front");
    EXPECT_EQ(server.start(), GST_STATE_CHANGE_FAILURE);
    server.stop();
    server.set("qualities", "").set("quality", "a b");
    EXPECT_EQ(server.start(), GST_STATE_CHANGE_FAILURE);
}

TEST_F(WebrtcQualityTest, SessionsFollowTheSettingUntilTheirViewerChooses) {
    server.start();
    join();
    const std::string follows = session;
    join("?quality=main");
    const std::string pinned = session;
    join();
    const std::string chosen = session;
    EXPECT_EQ(set_quality(id(), "main"), "");
    server.set("qualities", "front=sub");
    EXPECT_EQ(stats(follows)["quality"], "sub");
    EXPECT_EQ(stats(pinned)["quality"], "main");
    EXPECT_EQ(stats(chosen)["quality"], "main");
    server.set("qualities", "front");
    EXPECT_EQ(stats(follows)["quality"], "sub") << "a mistake changes nothing";
    server.set("qualities", "front=web");
    EXPECT_EQ(stats(follows)["quality"], "auto") << "there is no such stream";
}

TEST_F(WebrtcQualityTest, SomebodyElseChooses) {
    server.start();
    join();
    EXPECT_EQ(set_quality(id(), "sub"), "");
    EXPECT_EQ(stats(session)["quality"], "sub");
    EXPECT_NE(set_quality(id(), "third").find("no stream 'third'"), std::string::npos);
    EXPECT_NE(set_quality("nobody", "sub").find("no such session"), std::string::npos);
    EXPECT_EQ(stats(session)["quality"], "sub");
    server.stop();
    EXPECT_NE(set_quality(id(), "auto").find("no sessions"), std::string::npos);
}

// The session, its sockets and its media all stay; each is told what concerns it.
TEST_F(WebrtcQualityTest, TheViewerIsToldAndTheOtherIsNot) {
    server.start();
    WsClient client("ws" + server.url("/ws").substr(4));
    client.next();
    WhepViewer viewers[2];
    std::string sessions[2];
    for (int i = 0; i < 2; ++i) {
        client.say({{"type", "join"}, {"id", std::to_string(i)}, {"camera", "front"}, {"sdp", viewers[i].offer()}});
        const Json answer = client.next();
        ASSERT_EQ(answer.value("type", ""), "answer") << answer;
        EXPECT_EQ(answer.value("stream", ""), "main");
        EXPECT_EQ(answer.value("quality", ""), "auto");
        sessions[i] = answer.value("session", "");
        viewers[i].take_answer(answer.value("sdp", ""));
    }
    main.delta(2);
    for (auto& viewer : viewers)
        ASSERT_TRUE(viewer.wait_for("K1 d2")) << viewer.received();
    ASSERT_EQ(set_quality(sessions[1], "sub"), "");
    bool told[2] = {};
    for (int i = 0; i < 2; ++i) { // either may come first
        const Json message = client.next();
        EXPECT_EQ(message.value("id", ""), "1");
        EXPECT_EQ(message.value("quality", ""), "sub");
        told[message.value("type", "") == "switched"] = true;
    }
    EXPECT_TRUE(told[0] && told[1]) << "who chose, and that it is being sent";
    EXPECT_TRUE(viewers[1].wait_for("K101")) << viewers[1].received();
    client.say({{"type", "quality"}, {"id", "1"}, {"quality", "auto"}});
    EXPECT_EQ(client.next(), (Json{{"type", "switched"},
                                   {"id", "1"},
                                   {"stream", "main"},
                                   {"quality", "auto"},
                                   {"reason", "the viewer is on this machine"}}));
    main.delta(3);
    EXPECT_TRUE(viewers[0].wait_for("K1 d2 d3")) << viewers[0].received();
    EXPECT_EQ(stats("/whep/front/" + sessions[0])["switches"], 0);
    EXPECT_EQ(stats("/whep/front/" + sessions[1])["switches"], 2);
    EXPECT_GE(stats("/whep/front/" + sessions[1])["connected-ms"], 0.0);
}

} // namespace
