// SPDX-License-Identifier: LGPL-2.1-or-later
// Signalling over a real WebSocket (docs/signalling.md).
#include "plugins/webrtc/websocket.hpp"
#include "tests/support/webrtc_rig.hpp"
#include "tests/support/whep_viewer.hpp"
#include "tests/support/ws_client.hpp"

namespace sluice {
namespace {

using namespace test;
using Json = nlohmann::json;

class WebrtcWebsocketTest : public ChannelTest {
protected:
    WebrtcWebsocketTest() {
        camera.begin();
        camera.key(1);
        EXPECT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    }
    std::string ws(const std::string& path = "/ws") const { return "ws" + server.url(path).substr(4); }
    std::string join(WsClient& client, const std::string& id = "a", const std::string& name = "front") {
        client.say({{"type", "join"}, {"id", id}, {"camera", name}, {"sdp", OfferText().text()}});
        const Json answer = client.next();
        EXPECT_EQ(answer.value("type", ""), "answer") << answer;
        EXPECT_EQ(answer.value("id", ""), id);
        EXPECT_NE(answer.value("sdp", "").find("m=video 9 UDP/TLS/RTP/SAVPF 96"), std::string::npos) << answer;
        return answer.value("session", "");
    }
    static void expect_error(const Json& m, const std::string& id, int status, const std::string& detail) {
        ASSERT_EQ(m.value("type", ""), "error") << m;
        EXPECT_EQ(m.value("id", ""), id);
        EXPECT_EQ(m["error"]["status"], status) << m;
        EXPECT_NE(m["error"]["detail"].get<std::string>().find(detail), std::string::npos) << m;
    }

    Camera camera{"front/main"};
    WebrtcServer server;
};

TEST_F(WebrtcWebsocketTest, SaysHelloAndAnswersAnOffer) {
    WsClient client(ws());
    ASSERT_TRUE(client.connected()) << client.status();
    const Json hello = client.next();
    EXPECT_EQ(hello.value("type", ""), "hello");
    EXPECT_EQ(hello.value("version", 0), 1);
    const std::string session = join(client);
    EXPECT_EQ(server.session_count(), 1u);
    EXPECT_EQ(server.request("GET", "/whep/front/" + session).status, 200u) << "one id for both transports";
    client.say(
        {{"type", "candidate"}, {"id", "a"}, {"candidate", "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"}});
    client.say({{"type", "candidate"}, {"id", "a"}, {"candidate", ""}});
    client.say({{"type", "ping"}});
    EXPECT_EQ(client.next(), (Json{{"type", "pong"}})) << "nothing was wrong with the candidates";
    client.say({{"type", "leave"}, {"id", "a"}});
    EXPECT_EQ(client.next(), (Json{{"type", "closed"}, {"id", "a"}, {"reason", "the viewer has left"}}));
    EXPECT_EQ(server.sessions.wait_removed(session), "the viewer has left");
}

TEST_F(WebrtcWebsocketTest, ManySessionsOnOneSocket) {
    Camera yard("yard/main");
    yard.begin();
    yard.key(1);
    WsClient client(ws());
    client.next();
    const std::string a = join(client, "a"), b = join(client, "b", "yard");
    EXPECT_NE(a, b);
    EXPECT_TRUE(server.close_session(b, "closed by an administrator"));
    EXPECT_EQ(client.next(), (Json{{"type", "closed"}, {"id", "b"}, {"reason", "closed by an administrator"}}));
    client.close(1001);
    EXPECT_EQ(server.sessions.wait_removed(a), "the viewer has left") << "a page that goes takes all with it";
}

TEST_F(WebrtcWebsocketTest, RefusalsAreThoseOfWhep) {
    WsClient client(ws());
    client.next();
    const auto try_join = [&](const Json& more) {
        Json m{{"type", "join"}, {"id", "x"}, {"camera", "front"}, {"sdp", OfferText().text()}};
        m.update(more);
        client.say(m);
        return client.next();
    };
    expect_error(try_join({{"camera", "back"}}), "x", 404, "there is no camera 'back'");
    expect_error(try_join({{"stream", "third"}}), "x", 404, "no stream 'third', it has: main");
    expect_error(try_join({{"sdp", "v=0"}}), "x", 400, "");
    client.say_text("nonsense");
    expect_error(client.next(), "", 400, "not a JSON object");
    join(client); // the connection is as good as before
}

TEST_F(WebrtcWebsocketTest, TheOtherStreamIsToldWhenItIsSent) {
    Camera sub("front/sub");
    sub.begin();
    sub.key(101);
    sub.delta(102);
    WsClient client(ws());
    client.next();
    WhepViewer viewer;
    client.say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", viewer.offer()}});
    const Json answer = client.next();
    ASSERT_EQ(answer.value("type", ""), "answer") << answer;
    viewer.take_answer(answer.value("sdp", ""));
    camera.delta(2);
    ASSERT_TRUE(viewer.wait_for("K1 d2")) << viewer.received();
    client.say({{"type", "stream"}, {"id", "a"}, {"stream", "third"}});
    expect_error(client.next(), "a", 400, "'third'");
    client.say({{"type", "stream"}, {"id", "a"}, {"stream", "sub"}});
    EXPECT_EQ(
        client.next(),
        (Json{
            {"type", "switched"}, {"id", "a"}, {"stream", "sub"}, {"quality", "sub"}, {"reason", "sub is asked for"}}));
    EXPECT_TRUE(viewer.wait_for("K101")) << viewer.received();
}

TEST_F(WebrtcWebsocketTest, ACameraThatGoesAndComesBack) {
    WsClient client(ws());
    client.next();
    join(client);
    camera.channel().set_unavailable("no route to host");
    camera.end();
    EXPECT_EQ(client.next(),
              (Json{{"type", "state"}, {"id", "a"}, {"state", "waiting"}, {"reason", "no route to host"}}));
    camera.begin();
    camera.key(2);
    EXPECT_EQ(client.next(), (Json{{"type", "state"}, {"id", "a"}, {"state", "streaming"}}));
}

TEST_F(WebrtcWebsocketTest, ABrokenSocketEndsNothingAndAnotherTakesItUp) {
    std::string session;
    {
        WsClient client(ws());
        client.next();
        session = join(client);
        client.cut();
    }
    WsClient again(ws());
    again.next();
    again.say({{"type", "attach"}, {"id", "z"}, {"session", session}});
    EXPECT_EQ(again.next(), (Json{{"type", "attached"},
                                  {"id", "z"},
                                  {"session", session},
                                  {"stream", "main"},
                                  {"quality", "auto"},
                                  {"reason", "the only stream"}}));
    again.say({{"type", "leave"}, {"id", "z"}});
    EXPECT_EQ(again.next().value("type", ""), "closed");
    again.say({{"type", "attach"}, {"id", "z"}, {"session", session}});
    expect_error(again.next(), "z", 404, "no such session");
}

TEST_F(WebrtcWebsocketTest, ASocketOfOneCamera) {
    WsClient client(ws("/ws/front"));
    client.next();
    client.say({{"type", "join"}, {"id", "y"}, {"camera", "yard"}, {"sdp", OfferText().text()}});
    expect_error(client.next(), "y", 404, "'front' only");
    join(client);
}

TEST_F(WebrtcWebsocketTest, BadClients) {
    EXPECT_EQ(server.request("GET", "/ws").status, 400u) << "no upgrade";
    EXPECT_EQ(server.request("POST", "/ws").status, 405u);
    EXPECT_EQ(server.request("GET", "/ws/a/b").status, 404u);
    EXPECT_EQ(server.request("GET", "/wsx").status, 404u);
    WsClient other(ws(), {}, "chat");
    EXPECT_FALSE(other.connected());
    EXPECT_EQ(other.status(), 400u);
    WsClient nothing_said(ws(), {}, nullptr);
    EXPECT_TRUE(nothing_said.connected()) << "a client that names no protocol";
    WsClient large(ws());
    large.next();
    large.say_text(std::string(70000, 'x'));
    const auto code = large.wait_closed();
    EXPECT_TRUE(code == 1009u || code == 0u)
        << "what was not read of it may break the connection before the code is read";
    WsClient endless(ws());
    endless.next();
    endless.say_frame(0x01, 40000);
    endless.say_frame(0x89, 0); // a ping between fragments is no part of them
    for (int i = 0; i < 3; ++i)
        endless.say_frame(0x00, 20000);
    const auto cut = endless.wait_closed();
    EXPECT_TRUE(cut && cut != 1000u);
    WsClient pings(ws());
    pings.next();
    for (int i = 0; i < 60; ++i)
        pings.say_frame(0x89, 0);
    EXPECT_TRUE(pings.wait_closed());
    WsClient binary(ws());
    binary.next();
    binary.say_binary();
    EXPECT_EQ(binary.wait_closed(), 1003u);
    WsClient noisy(ws());
    noisy.next();
    for (int i = 0; i < 20; ++i)
        noisy.say_text("?");
    EXPECT_EQ(noisy.wait_closed(), 1008u);
}

TEST_F(WebrtcWebsocketTest, OneViewerTakesNotAllConnections) {
    std::vector<std::unique_ptr<WsClient>> clients;
    for (unsigned i = 0; i < WebsocketSignalling::max_connections_per_peer; ++i) {
        clients.push_back(std::make_unique<WsClient>(ws()));
        ASSERT_TRUE(clients.back()->connected()) << i;
    }
    EXPECT_EQ(WsClient(ws()).status(), 429u);
    clients.back()->close(1000);
    EXPECT_TRUE(eventually([&] { return WsClient(ws()).connected(); }));
}

TEST_F(WebrtcWebsocketTest, PagesOfOtherOriginsAreKeptOut) {
    const std::string own = server.url("");
    EXPECT_TRUE(WsClient(ws(), {{"Origin", own}}).connected());
    WsClient foreign(ws(), {{"Origin", "https://evil.example"}});
    EXPECT_FALSE(foreign.connected());
    EXPECT_EQ(foreign.status(), 403u);
    server.stop();
    server.set("ws-origins", "https://a.example, https://dash.example").start();
    EXPECT_TRUE(WsClient(ws(), {{"Origin", "https://dash.example"}}).connected());
    EXPECT_FALSE(WsClient(ws(), {{"Origin", "https://evil.example"}}).connected());
    server.stop();
    server.set("ws-origins", "*").start();
    EXPECT_TRUE(WsClient(ws(), {{"Origin", "https://evil.example"}}).connected());
}

TEST_F(WebrtcWebsocketTest, TheServersEndIsTold) {
    WsClient client(ws());
    client.next();
    join(client);
    server.stop();
    EXPECT_EQ(client.next_of("going-away").value("reason", ""), "the server is shutting down");
    client.wait_closed();
    server.start();
    EXPECT_TRUE(WsClient(ws()).connected());
}

TEST_F(WebrtcWebsocketTest, NoPathNoSocket) {
    server.stop();
    server.set("ws-path", "").start();
    EXPECT_FALSE(WsClient(ws()).connected());
    server.stop();
    server.set("ws-path", "/signal/").start();
    EXPECT_TRUE(WsClient(ws("/signal")).connected());
}

// What an application does that carries the texts itself.
TEST_F(WebrtcWebsocketTest, AnotherCarrier) {
    struct Carrier {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<Json> texts;
        guint code = 0;
        Json next() {
            std::unique_lock lock(mutex);
            if (!changed.wait_for(lock, patience, [this] { return !texts.empty(); }))
                return Json::object();
            Json first = texts.front();
            texts.pop_front();
            return first;
        }
    } carrier;
    const GstStructurePtr headers(gst_structure_new("headers", "Authorization", G_TYPE_STRING, "Bearer x", nullptr));
    Ref<GObject> signaller;
    g_signal_emit_by_name(server.element(), "create-signaller", "ann", "192.0.2.7", headers.get(), signaller.out());
    ASSERT_TRUE(signaller);
    g_signal_connect(signaller.get(), "send", G_CALLBACK(+[](GObject*, const char* text, gpointer user) {
                         auto* c = static_cast<Carrier*>(user);
                         std::lock_guard lock(c->mutex);
                         c->texts.push_back(Json::parse(text));
                         c->changed.notify_all();
                     }),
                     &carrier);
    g_signal_connect(signaller.get(), "close", G_CALLBACK(+[](GObject*, guint code, const char*, gpointer user) {
                         auto* c = static_cast<Carrier*>(user);
                         std::lock_guard lock(c->mutex);
                         c->code = code;
                     }),
                     &carrier);
    g_signal_emit_by_name(signaller.get(), "open");
    EXPECT_EQ(carrier.next().value("type", ""), "hello");
    const auto say = [&](const Json& m) { g_signal_emit_by_name(signaller.get(), "receive", m.dump().c_str()); };
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", OfferText().text()}});
    const Json answer = carrier.next();
    ASSERT_EQ(answer.value("type", ""), "answer") << answer;
    EXPECT_EQ(server.session_count(), 1u);
    g_signal_emit_by_name(signaller.get(), "closed", TRUE);
    EXPECT_EQ(server.sessions.wait_removed(answer.value("session", "")), "the viewer has left");

    Ref<GObject> other;
    g_signal_emit_by_name(server.element(), "create-signaller", nullptr, nullptr, nullptr, other.out());
    g_signal_emit_by_name(server.element(), "create-signaller", "ann", nullptr, nullptr, signaller.out());
    server.stop();
    g_signal_emit_by_name(server.element(), "create-signaller", "ann", nullptr, nullptr, other.out());
    EXPECT_FALSE(other) << "nobody is there to speak with";
}

TEST(WebrtcWebsocketAuth, IsAskedBeforeTheUpgradeAndForEachJoin) {
    Camera front("front/main"), secret("secret/main");
    for (Camera* c : {&front, &secret}) {
        c->begin();
        c->key(1);
    }
    std::mutex mutex;
    std::vector<std::string> asked;
    WebrtcServer server([&](SluiceAuthRequest* r) {
        const std::string action = sluice_auth_request_get_action(r);
        const char* camera = sluice_auth_request_get_camera(r);
        const char* header = sluice_auth_request_get_header(r, "authorization");
        {
            std::lock_guard lock(mutex);
            asked.push_back(action + ":" + (camera ? camera : ""));
        }
        if (!header)
            sluice_auth_request_deny(r, SLUICE_AUTH_DENIED_UNAUTHENTICATED, "who are you?");
        else if (action == "view" && std::string(camera) == "secret")
            sluice_auth_request_deny(r, SLUICE_AUTH_DENIED_FORBIDDEN, "not this camera");
        else
            sluice_auth_request_accept(r, "ann", 0);
    });
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    const std::string url = "ws" + server.url("/ws").substr(4);
    WsClient nobody(url);
    EXPECT_FALSE(nobody.connected());
    EXPECT_EQ(nobody.status(), 401u);
    WsClient ann(url, {{"Authorization", "Bearer x"}});
    ASSERT_TRUE(ann.connected());
    ann.next();
    ann.say({{"type", "join"}, {"id", "s"}, {"camera", "secret"}, {"sdp", OfferText().text()}});
    const Json refused = ann.next();
    EXPECT_EQ(refused["error"]["status"], 403) << refused;
    EXPECT_EQ(refused["error"]["detail"], "not this camera");
    ann.say({{"type", "join"}, {"id", "f"}, {"camera", "front"}, {"sdp", OfferText().text()}});
    EXPECT_EQ(ann.next().value("type", ""), "answer");
    EXPECT_EQ(asked, (std::vector<std::string>{"connect:", "connect:", "view:secret", "view:front"}));
}

} // namespace
} // namespace sluice
