// SPDX-License-Identifier: LGPL-2.1-or-later
// webrtcserversink as an element: states, its own pads, ports and servers, and that nothing is left behind.
#include "tests/support/whep_viewer.hpp"

#include <dirent.h>

#include <future>

namespace sluice {
namespace {

using namespace test;

size_t entries_of(const char* path) {
    size_t n = 0;
    if (DIR* dir = opendir(path)) {
        while (readdir(dir))
            ++n;
        closedir(dir);
    }
    return n;
}
size_t threads() { return entries_of("/proc/self/task"); }
size_t files() { return entries_of("/proc/self/fd"); }

TEST(WebrtcElement, PlaysWithoutPrerollAndHasNoSinkFlag) {
    WebrtcServer server;
    EXPECT_FALSE(GST_OBJECT_FLAG_IS_SET(server.element(), GST_ELEMENT_FLAG_SINK));
    EXPECT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    GstState state = GST_STATE_NULL;
    EXPECT_EQ(gst_element_get_state(server.pipeline(), &state, nullptr, 0), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(state, GST_STATE_PLAYING);
}

TEST(WebrtcElement, PropertiesHaveTheirDefaults) {
    const auto e = sink(gst_element_factory_make("webrtcserversink", nullptr));
    const auto text = [&](const char* name) {
        char* v = nullptr;
        g_object_get(e.get(), name, &v, nullptr);
        const GString8 owned(v);
        return std::string(v ? v : "(null)");
    };
    const auto number = [&](const char* name) {
        guint v = 0;
        g_object_get(e.get(), name, &v, nullptr);
        return v;
    };
    EXPECT_EQ(text("channels"), "");
    EXPECT_EQ(text("path"), "/whep");
    EXPECT_EQ(text("address"), "0.0.0.0");
    EXPECT_EQ(number("port"), 8080u);
    EXPECT_EQ(text("credentials-file"), "");
    EXPECT_EQ(text("stun-server"), "");
    EXPECT_EQ(text("turn-servers"), "");
    EXPECT_EQ(number("min-rtp-port"), 0u);
    EXPECT_EQ(number("max-rtp-port"), 0u);
    EXPECT_EQ(text("ice-addresses"), "");
    EXPECT_EQ(number("max-sessions"), 1000u);
    EXPECT_EQ(number("max-sessions-per-peer"), 500u);
    g_object_set(e.get(), "turn-servers", " turn://a:b@c , turns://d:e@f,", "channels", nullptr, nullptr);
    EXPECT_EQ(text("turn-servers"), "turn://a:b@c,turns://d:e@f");
    EXPECT_EQ(text("channels"), "");
}

TEST(WebrtcElement, ComesAndGoesManyTimes) {
    WebrtcServer server;
    const auto round = [&] {
        ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
        ASSERT_EQ(server.request("OPTIONS", "/whep/x").status, 204u);
        server.stop();
        EXPECT_EQ(server.request("OPTIONS", "/whep/x").status, 0u) << "nobody listens any more";
    };
    for (int i = 0; i < 3; ++i)
        round();
    const size_t before_threads = threads(), before_files = files();
    for (int i = 0; i < 20; ++i)
        round();
    // What was returned to thread pools goes by itself.
    EXPECT_TRUE(eventually([&] { return threads() <= before_threads + 2; }))
        << threads() << " after " << before_threads;
    EXPECT_TRUE(eventually([&] { return files() <= before_files; })) << files() << " after " << before_files;
}

TEST(WebrtcElement, StopsAtOnceAfterItsStart) {
    for (int i = 0; i < 30; ++i) {
        WebrtcServer server;
        ASSERT_EQ(gst_element_set_state(server.pipeline(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
        server.stop();
    }
}

// --- ports and servers ---

TEST(WebrtcElement, APortInUseIsAnErrorThatNamesIt) {
    const auto other = adopt(g_socket_listener_new());
    const guint16 port = g_socket_listener_add_any_inet_port(other.get(), nullptr, nullptr);
    ASSERT_NE(port, 0);
    WebrtcServer server;
    EXPECT_EQ(server.set("port", guint(port)).start(), GST_STATE_CHANGE_FAILURE);
    const std::string error = server.error();
    EXPECT_NE(error.find("127.0.0.1:" + std::to_string(port) + " is in use"), std::string::npos) << error;
    server.stop();
    g_socket_listener_close(other.get());
    EXPECT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS) << "it may try again";
}

TEST(WebrtcElement, AnAddressThatIsNoneIsAnError) {
    WebrtcServer server;
    EXPECT_EQ(server.set("address", "localhost").start(), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(server.error().find("address 'localhost' is not an IP address"), std::string::npos);
}

TEST(WebrtcElement, ThePortIsFreeWhenNullIsReached) {
    WebrtcServer server;
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    guint port = 0;
    g_object_get(server.element(), "port", &port, nullptr);
    server.stop();
    for (int i = 0; i < 10; ++i) {
        WebrtcServer next;
        ASSERT_EQ(next.set("port", port).start(), GST_STATE_CHANGE_SUCCESS) << next.error();
        EXPECT_EQ(next.request("OPTIONS", "/whep/x").status, 204u);
        next.stop();
    }
}

TEST(WebrtcElement, TwoElementsShareAPortUnderDifferentPaths) {
    WebrtcServer first;
    ASSERT_EQ(first.start(), GST_STATE_CHANGE_SUCCESS);
    guint port = 0;
    g_object_get(first.element(), "port", &port, nullptr);
    first.stop();
    ASSERT_EQ(first.set("port", port).start(), GST_STATE_CHANGE_SUCCESS);
    WebrtcServer second(nullptr);
    ASSERT_EQ(second.set("port", port).set("path", "/other/").start(), GST_STATE_CHANGE_SUCCESS) << second.error();
    EXPECT_EQ(first.post("/whep/none").status, 404u);
    EXPECT_EQ(first.post("/other/none").status, 401u) << "that is the one without a handler";
    first.stop();
    EXPECT_EQ(second.post("/other/none").status, 401u) << "the server lives as long as one needs it";
    EXPECT_EQ(second.post("/whep/none").status, 404u);
}

TEST(WebrtcElement, ThePathOfAnotherElementIsAnError) {
    WebrtcServer first;
    ASSERT_EQ(first.start(), GST_STATE_CHANGE_SUCCESS);
    guint port = 0;
    g_object_get(first.element(), "port", &port, nullptr);
    first.stop();
    ASSERT_EQ(first.set("port", port).start(), GST_STATE_CHANGE_SUCCESS);
    WebrtcServer second(nullptr);
    EXPECT_EQ(second.set("port", port).start(), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(second.error().find("path '/whep'"), std::string::npos);
    EXPECT_EQ(first.post("/whep/none").status, 404u) << "the first one goes on";
}

TEST(WebrtcElement, OddPathsWork) {
    for (const auto& [path, request] :
         {std::pair{"cameras", "/cameras/x"}, {"/a/b/", "/a/b/x"}, {"/", "/x"}, {"", "/x"}}) {
        WebrtcServer server;
        ASSERT_EQ(server.set("path", path).start(), GST_STATE_CHANGE_SUCCESS) << path;
        const auto answer = server.post(request);
        EXPECT_EQ(answer.status, 404u);
        EXPECT_NE(answer.body.find("there is no camera 'x'"), std::string::npos) << path << answer.body;
    }
}

// --- ICE ---

TEST(WebrtcElement, IceSettingsThatCannotWorkAreErrors) {
    for (const auto& [property, value, complaint] :
         {std::tuple{"ice-addresses", "10.0.0.1, eth0", "'eth0' is not an IP address"},
          {"stun-server", "stun.example", "stun-server 'stun.example' is not of the form stun://host:port"},
          {"stun-server", "http://stun.example:80", "is not of the form stun://host:port"},
          {"turn-servers", "turn://a:b@c:3478, turn.example",
           "entry 2 of turn-servers is not of the form turn://user:password@host:port"}}) {
        WebrtcServer server;
        EXPECT_EQ(server.set(property, value).start(), GST_STATE_CHANGE_FAILURE) << property << value;
        const std::string error = server.error();
        EXPECT_NE(error.find(complaint), std::string::npos) << error;
    }
    WebrtcServer server;
    EXPECT_EQ(server.set("turn-servers", "turn://user:secret@").start(), GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(server.error().find("secret"), std::string::npos) << "no secret in an error";
    server.stop();
    server.set("turn-servers", "").set("min-rtp-port", 50000u).set("max-rtp-port", 40000u);
    EXPECT_EQ(server.start(), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(server.error().find("min-rtp-port 50000 is above max-rtp-port 40000"), std::string::npos);
}

TEST(WebrtcElement, MediaPortsStayInTheirRange) {
    Camera front("front/main");
    front.begin();
    front.key(1);
    WebrtcServer server;
    ASSERT_EQ(server.set("min-rtp-port", 41000u).set("max-rtp-port", 41099u).set("ice-addresses", "127.0.0.1").start(),
              GST_STATE_CHANGE_SUCCESS);
    const std::string sdp = server.post("/whep/front").body;
    size_t candidates = 0;
    for (size_t at = sdp.find("a=candidate:"); at != std::string::npos; at = sdp.find("a=candidate:", at + 1)) {
        char address[64] = "";
        unsigned port = 0;
        ASSERT_EQ(std::sscanf(sdp.c_str() + at, "a=candidate:%*s %*u %*s %*u %63s %u", address, &port), 2);
        EXPECT_STREQ(address, "127.0.0.1");
        EXPECT_TRUE(port >= 41000 && port <= 41099) << port;
        ++candidates;
    }
    EXPECT_GT(candidates, 0u);
}

guint free_udp_port() {
    const auto socket =
        adopt(g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
    const auto loopback = adopt(g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4));
    const auto any = adopt(g_inet_socket_address_new(loopback.get(), 0));
    g_socket_bind(socket.get(), any.get(), FALSE, nullptr);
    const auto bound = adopt(G_INET_SOCKET_ADDRESS(g_socket_get_local_address(socket.get(), nullptr)));
    return g_inet_socket_address_get_port(bound.get());
}

TEST(WebrtcElement, AViewerThatNoPortIsLeftForIsToldSo) {
    Camera front("front/main");
    front.begin();
    front.key(1);
    WebrtcServer server;
    const guint port = free_udp_port();
    ASSERT_EQ(server.set("min-rtp-port", port).set("max-rtp-port", port).set("ice-addresses", "127.0.0.1").start(),
              GST_STATE_CHANGE_SUCCESS);
    const auto first = server.post("/whep/front");
    ASSERT_EQ(first.status, 201u) << first.body;
    const auto second = server.post("/whep/front");
    EXPECT_EQ(second.status, 503u) << second.body;
    EXPECT_NE(second.body.find("no address and UDP port to offer"), std::string::npos) << second.body;
    ASSERT_TRUE(server.close_session(session_of(first.header("location")), "done"));
    server.sessions.wait_removed(session_of(first.header("location")));
    EXPECT_TRUE(eventually([&] { return server.post("/whep/front").status == 201; }));
}

// The application's server in a thread of the application.
struct Application {
    Ref<GMainContext> context = adopt(g_main_context_new());
    Ref<GMainLoop> loop = adopt(g_main_loop_new(context.get(), FALSE));
    Ref<SoupServer> server;
    guint port = 0;
    std::thread thread;

    Application() {
        std::promise<void> ready;
        thread = std::thread([&] {
            g_main_context_push_thread_default(context.get());
            server = adopt(soup_server_new(nullptr, nullptr));
            soup_server_add_handler(
                server.get(), "/own",
                +[](SoupServer*, SoupServerMessage* m, const char*, GHashTable*, gpointer) {
                    soup_server_message_set_status(m, 200, nullptr);
                    soup_server_message_set_response(m, "text/plain", SOUP_MEMORY_STATIC, "own", 3);
                },
                nullptr, nullptr);
            const auto local = adopt(g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4));
            const auto where = adopt(g_inet_socket_address_new(local.get(), 0));
            soup_server_listen(server.get(), where.get(), SoupServerListenOptions(0), nullptr);
            GSList* uris = soup_server_get_uris(server.get());
            port = static_cast<guint>(g_uri_get_port(static_cast<GUri*>(uris->data)));
            g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
            ready.set_value();
            g_main_loop_run(loop.get());
            soup_server_disconnect(server.get());
            server = nullptr;
            while (g_main_context_iteration(context.get(), FALSE)) {
            }
            g_main_context_pop_thread_default(context.get());
        });
        ready.get_future().wait();
    }
    ~Application() {
        GSource* quit = g_idle_source_new();
        g_source_set_callback(
            quit,
            +[](gpointer l) -> gboolean {
                g_main_loop_quit(static_cast<GMainLoop*>(l));
                return G_SOURCE_REMOVE;
            },
            loop.get(), nullptr);
        g_source_attach(quit, context.get());
        g_source_unref(quit);
        thread.join();
    }
    GstContext* as_context() const {
        GstContext* c = gst_context_new("sluice.http-server", TRUE);
        gst_structure_set(gst_context_writable_structure(c), "server", SOUP_TYPE_SERVER, server.get(), "context",
                          G_TYPE_MAIN_CONTEXT, context.get(), nullptr);
        return c;
    }
    HttpAnswer request(const char* method, const std::string& path, const HttpHeaders& headers = {},
                       const std::string& body = "") const {
        return http(method, "http://127.0.0.1:" + std::to_string(port) + path, headers, body);
    }
};

TEST(WebrtcElement, UsesTheApplicationsServer) {
    Application app;
    Camera front("front/main");
    front.begin();
    front.key(1);
    WebrtcServer server;
    GstContext* context = app.as_context();
    gst_element_set_context(server.element(), context);
    gst_context_unref(context);
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    ASSERT_TRUE(eventually([&] { return app.request("OPTIONS", "/whep/front").status == 204; }));
    EXPECT_EQ(app.request("GET", "/own").body, "own") << "and the application's pages are still there";
    EXPECT_EQ(app.request("POST", "/whep/front", {{"Content-Type", "application/sdp"}}, OfferText().text()).status,
              201u);
    server.stop();
    EXPECT_TRUE(eventually([&] { return app.request("OPTIONS", "/whep/front").status == 404; }));
    EXPECT_EQ(app.request("GET", "/own").status, 200u);
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    EXPECT_TRUE(eventually([&] { return app.request("OPTIONS", "/whep/front").status == 204; }));
}

TEST(WebrtcElement, AContextWithoutServerIsPassedOver) {
    WebrtcServer server;
    GstContext* context = gst_context_new("sluice.http-server", TRUE);
    gst_element_set_context(server.element(), context);
    gst_context_unref(context);
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(server.request("OPTIONS", "/whep/x").status, 204u) << "it has made its own";
}

// --- own pads ---

struct Launched {
    explicit Launched(const std::string& text) {
        GError* error = nullptr;
        pipeline = sink(gst_parse_launch(text.c_str(), &error));
        const GErrorPtr owned(error);
        if (error)
            throw std::runtime_error(error->message);
        element = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "server"));
        g_signal_connect(
            element.get(), "authorize",
            G_CALLBACK(+[](GstElement*, SluiceAuthRequest* r) { sluice_auth_request_accept(r, "admin", 0); }), nullptr);
        gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    }
    ~Launched() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }
    HttpAnswer post(const std::string& path, const std::string& offer = OfferText().text()) const {
        guint port = 0;
        g_object_get(element.get(), "port", &port, nullptr);
        return http("POST", "http://127.0.0.1:" + std::to_string(port) + path, {{"Content-Type", "application/sdp"}},
                    offer);
    }
    Ref<GstElement> pipeline, element;
};
const std::string picture = "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 ! ";
const std::string server_text = "webrtcserversink name=server port=0 address=127.0.0.1 camera=";

TEST(WebrtcElement, ServesItsOwnPadsAsMainAndSub) {
    Launched l(server_text + "desk " + picture +
               "x264enc tune=zerolatency key-int-max=250 ! h264parse ! server.video_0 " + picture +
               "x264enc tune=zerolatency key-int-max=250 ! h264parse ! server.video_1");
    EXPECT_EQ(l.post("/whep/desk").status, 201u);
    EXPECT_EQ(l.post("/whep/desk?stream=sub").status, 201u);
    EXPECT_EQ(l.post("/whep/desk?stream=main").status, 201u);
    EXPECT_EQ(l.post("/whep/camera").status, 404u);
}

TEST(WebrtcElement, RefusesRealBFramesWithTheReason) {
    Launched l(
        server_text + "b " + picture +
        "x264enc bframes=2 b-adapt=false rc-lookahead=2 sync-lookahead=0 key-int-max=25 ! h264parse ! server.video_0");
    const auto channel = adopt(sluice_channel_get("b/main"));
    ASSERT_TRUE(eventually([&] { return channel_of(channel.get())->stats(0).access_units > 10; }));
    const auto answer = l.post("/whep/b");
    EXPECT_EQ(answer.status, 406u);
    EXPECT_NE(answer.body.find("sends B-frames, which browsers cannot play"), std::string::npos) << answer.body;
}

TEST(WebrtcElement, RefusesH265WithTheReason) {
    Launched l(server_text + "hevc " + picture +
               "x265enc tune=zerolatency speed-preset=ultrafast ! h265parse ! server.video_0");
    const auto answer = l.post("/whep/hevc");
    EXPECT_EQ(answer.status, 406u);
    EXPECT_NE(answer.body.find("sends H265, which this viewer does not take; it offers: H264"), std::string::npos)
        << answer.body;
}

TEST(WebrtcElement, PadsComeAndGo) {
    const auto e = sink(gst_element_factory_make("webrtcserversink", nullptr));
    for (int i = 0; i < 3; ++i) {
        const auto a = adopt(gst_element_request_pad_simple(e.get(), "video_%u"));
        const auto b = adopt(gst_element_request_pad_simple(e.get(), "video_%u"));
        const auto c = adopt(gst_element_request_pad_simple(e.get(), "video_7"));
        ASSERT_TRUE(a && b && c);
        EXPECT_STREQ(GST_PAD_NAME(a.get()), "video_0");
        EXPECT_STREQ(GST_PAD_NAME(b.get()), "video_1");
        EXPECT_STREQ(GST_PAD_NAME(c.get()), "video_7");
        for (const auto& pad : {a, b, c})
            gst_element_release_request_pad(e.get(), pad.get());
        EXPECT_EQ(e.get()->numpads, 0u);
        EXPECT_EQ(GST_BIN_NUMCHILDREN(e.get()), 0);
    }
}

TEST(WebrtcElement, GoesWithItsPadsStillThere) {
    const auto e = sink(gst_element_factory_make("webrtcserversink", nullptr));
    const auto pad = adopt(gst_element_request_pad_simple(e.get(), "video_%u"));
    ASSERT_TRUE(pad);
}

// --- nothing is left behind ---

TEST(WebrtcElement, ThirtyJoinsOneAfterAnotherLeaveNothing) {
    Camera front("front/main");
    front.begin();
    front.key(1);
    front.delta(2);
    WebrtcServer server;
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    const auto join_once = [&] {
        WhepViewer viewer;
        ASSERT_EQ(viewer.join(server).status, 201u);
        ASSERT_TRUE(viewer.wait_for("K1 d2")) << viewer.received();
        ASSERT_EQ(server.request("DELETE", viewer.location).status, 200u);
        ASSERT_EQ(server.sessions.wait_removed(viewer.id()), "the viewer has left");
    };
    for (int i = 0; i < 3; ++i) // pools, plugins and certificates are made by the first
        join_once();
    const auto settled = [&](size_t& t, size_t& f) {
        // The counts stand still once everything has gone that goes by itself.
        t = threads();
        f = files();
        return !eventually([&] { return threads() != t || files() != f; }, std::chrono::milliseconds(300));
    };
    size_t before_threads = 0, before_files = 0;
    ASSERT_TRUE(eventually([&] { return settled(before_threads, before_files); }));
    for (int i = 0; i < 30; ++i)
        join_once();
    EXPECT_TRUE(eventually([&] { return threads() <= before_threads && files() <= before_files; }))
        << threads() << " threads after " << before_threads << ", " << files() << " files after " << before_files;
    EXPECT_TRUE(eventually([&] { return front.readers() == 0; }));
}

TEST(WebrtcElement, SessionsThatNeverConnectLeaveNothingEither) {
    Camera front("front/main");
    front.begin();
    front.key(1);
    WebrtcServer server;
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    const auto round = [&] {
        std::vector<std::string> ids;
        for (int i = 0; i < 10; ++i)
            ids.push_back(session_of(server.post("/whep/front").header("location")));
        for (const auto& id : ids) {
            EXPECT_TRUE(server.close_session(id, "done"));
            EXPECT_EQ(server.sessions.wait_removed(id), "done");
        }
    };
    round();
    const size_t before_threads = threads(), before_files = files();
    for (int i = 0; i < 3; ++i)
        round();
    EXPECT_TRUE(eventually([&] { return threads() <= before_threads && files() <= before_files; }))
        << threads() << " threads after " << before_threads << ", " << files() << " files after " << before_files;
}

TEST(WebrtcElement, JoinsAndTheEndAtTheSameTime) {
    Camera front("front/main"), dark("neverlit/main");
    front.begin();
    front.key(1);
    for (int round = 0; round < 5; ++round) {
        WebrtcServer server;
        ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
        std::vector<std::future<HttpAnswer>> answers;
        for (int i = 0; i < 8; ++i)
            answers.push_back(
                std::async(std::launch::async, [&, url = server.url(i % 2 ? "/whep/front" : "/whep/neverlit")] {
                    return http("POST", url, {{"Content-Type", "application/sdp"}}, OfferText().text());
                }));
        ASSERT_TRUE(eventually([&] { return server.sessions.count_added() >= unsigned(round); }));
        server.stop();
        for (auto& a : answers) {
            const auto answer = a.get();
            EXPECT_TRUE(answer.status == 0 || answer.status == 201 || answer.status == 401 || answer.status == 404 ||
                        answer.status == 503)
                << answer.status << answer.body;
        }
        EXPECT_EQ(server.sessions.count_removed(), server.sessions.count_added());
        EXPECT_TRUE(eventually([&] { return front.readers() == 0 && dark.readers() == 0; }));
    }
}

} // namespace
} // namespace sluice
