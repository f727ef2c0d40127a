// SPDX-License-Identifier: LGPL-2.1-or-later
// What webrtcserversink answers over HTTP, to good and to bad requests.
#include "tests/support/webrtc_rig.hpp"

#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice {
namespace {

using namespace test;
using Json = nlohmann::json;

const HttpHeaders json_type{{"Content-Type", "application/json"}};
const HttpHeaders trickle_type{{"Content-Type", "application/trickle-ice-sdpfrag"}};

// RFC 9457, from the one table of error kinds; the detail names the thing.
testing::AssertionResult is_problem(const HttpAnswer& answer, unsigned status, const std::string& type,
                                    const std::string& detail) {
    if (answer.status != status)
        return testing::AssertionFailure() << "status " << answer.status << " " << answer.error << answer.body;
    if (answer.header("content-type") != "application/problem+json")
        return testing::AssertionFailure() << "content type " << answer.header("content-type");
    const Json body = Json::parse(answer.body, nullptr, false);
    if (!body.is_object() || body.value("status", 0u) != status || body.value("type", "") != "about:sluice/" + type ||
        body.value("detail", "").find(detail) == std::string::npos)
        return testing::AssertionFailure() << answer.body;
    return testing::AssertionSuccess();
}

struct WebrtcHttpTest : ChannelTest {
    Camera front{"front/main"};
    WebrtcServer server;

    void SetUp() override {
        ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
        front.begin();
        front.key(1);
    }
    // A session that never connects.
    std::string join(const std::string& path = "/whep/front") {
        const auto answer = server.post(path);
        EXPECT_EQ(answer.status, 201u) << answer.body;
        return "/whep/" + answer.header("location");
    }
};

TEST_F(WebrtcHttpTest, PostIsAnsweredWithASession) {
    const auto answer = server.post("/whep/front");
    ASSERT_EQ(answer.status, 201u) << answer.body;
    EXPECT_EQ(answer.header("content-type"), "application/sdp");
    EXPECT_EQ(answer.header("cache-control"), "no-store");
    // Relative to /whep/front, so that it holds behind a proxy with a prefix.
    const std::string location = answer.header("location");
    ASSERT_TRUE(location.rfind("front/", 0) == 0) << location;
    EXPECT_EQ(answer.header("etag"), "\"" + session_of(location) + "\"");
    EXPECT_GE(session_of(location).size(), 20u) << "nobody can guess it";
    EXPECT_NE(answer.header("accept-patch").find("application/trickle-ice-sdpfrag"), std::string::npos);
    EXPECT_TRUE(server.sessions.wait_added(1));
    EXPECT_EQ(server.request("GET", "/whep/" + location).status, 200u);
}

TEST_F(WebrtcHttpTest, TheAnswerIsWhatTheOfferAsksFor) {
    const std::string sdp = server.post("/whep/front").body;
    const auto has = [&](const char* what) { return sdp.find(what) != std::string::npos; };
    EXPECT_TRUE(has("m=video 9 UDP/TLS/RTP/SAVPF 96")) << sdp;
    EXPECT_TRUE(has("a=sendonly"));
    EXPECT_TRUE(has("a=fingerprint:sha-256 "));
    EXPECT_TRUE(has("a=setup:passive"));
    EXPECT_TRUE(has("a=rtcp-mux"));
    EXPECT_TRUE(has("profile-level-id=42e01f"));
    EXPECT_TRUE(has("a=candidate:")) << "no trickle from our side";
    EXPECT_TRUE(has("127.0.0.1")) << "a viewer on this machine";
    EXPECT_FALSE(has(" TCP ")) << "ice-tcp is off";
}

TEST_F(WebrtcHttpTest, ChromiumsOfferWithSoundIsAnswered) {
    const auto answer = server.post("/whep/front", recorded_offer("chromium"));
    ASSERT_EQ(answer.status, 201u) << answer.body;
    const std::string& sdp = answer.body;
    const size_t video = sdp.find("m=video 9 "), audio = sdp.find("m=audio ");
    ASSERT_NE(video, std::string::npos) << sdp;
    ASSERT_NE(audio, std::string::npos) << "as many m-lines as the offer has: " << sdp;
    EXPECT_LT(video, audio);
    EXPECT_NE(sdp.find("a=sendonly", video), std::string::npos);
    EXPECT_NE(sdp.find("a=rtcp-fb", video), std::string::npos);
    EXPECT_NE(sdp.find("rtx/90000", video), std::string::npos) << "lost packets are sent again";
}

TEST_F(WebrtcHttpTest, SoundInFrontOfThePictureIsNoTrouble) {
    std::string offer = recorded_offer("chromium");
    const size_t video = offer.find("m=video"), audio = offer.find("m=audio");
    offer = offer.substr(0, video) + offer.substr(audio) + offer.substr(video, audio - video);
    const auto answer = server.post("/whep/front", offer);
    ASSERT_EQ(answer.status, 201u) << answer.body;
    const size_t line = answer.body.find("m=video 9 ");
    ASSERT_NE(line, std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("a=sendonly", line), std::string::npos) << answer.body;
    EXPECT_GT(line, answer.body.find("m=audio ")) << answer.body;
}

TEST_F(WebrtcHttpTest, PionsOfferIsAnswered) {
    const auto answer = server.post("/whep/front", recorded_offer("pion"));
    ASSERT_EQ(answer.status, 201u) << answer.body;
    EXPECT_NE(answer.body.find("m=video 9 UDP/TLS/RTP/SAVPF 102"), std::string::npos) << answer.body;
}

// --- what cannot be served ---

TEST_F(WebrtcHttpTest, UnknownCamera) {
    EXPECT_TRUE(is_problem(server.post("/whep/back"), 404, "not-found", "there is no camera 'back'"));
}

TEST_F(WebrtcHttpTest, UnknownStream) {
    EXPECT_TRUE(
        is_problem(server.post("/whep/front?stream=third"), 404, "not-found", "no stream 'third', it has: main"));
    EXPECT_TRUE(
        is_problem(server.post("/whep/front?stream=" + std::string(5000, 'x')), 404, "not-found", "no stream 'xxx"));
}

TEST_F(WebrtcHttpTest, PathsThatAreNothing) {
    for (const char* path : {"/whep", "/whep/", "/whep//", "/whep/front/", "/whep/a/b/c", "/whep/fr%20ont"})
        EXPECT_TRUE(is_problem(server.post(path), 404, "not-found", "/whep/{camera}")) << path;
    for (const char* path : {"/whep/%00", "/whep/..%2f..%2fetc"}) // libsoup takes no such path
        EXPECT_EQ(server.post(path).status, 400u) << path;
    EXPECT_EQ(server.post("/elsewhere").status, 404u);
}

TEST_F(WebrtcHttpTest, WrongMethods) {
    for (const char* method : {"GET", "PUT", "PATCH", "DELETE", "BREW"}) {
        const auto answer = server.request(method, "/whep/front");
        EXPECT_TRUE(is_problem(answer, 405, "method-not-allowed", method));
        EXPECT_EQ(answer.header("allow"), "POST, OPTIONS");
    }
    const auto answer = server.request("POST", join(), {{"Content-Type", "application/sdp"}}, OfferText().text());
    EXPECT_TRUE(is_problem(answer, 405, "method-not-allowed", "POST"));
    EXPECT_EQ(answer.header("allow"), "GET, PATCH, DELETE, OPTIONS");
}

TEST_F(WebrtcHttpTest, WrongContentType) {
    EXPECT_TRUE(is_problem(server.post("/whep/front", OfferText().text(), "application/json"), 415,
                           "unsupported-media-type", "application/sdp is needed"));
    EXPECT_TRUE(is_problem(server.request("POST", "/whep/front"), 415, "unsupported-media-type", "''"));
    EXPECT_EQ(server.post("/whep/front", OfferText().text(), "Application/SDP; charset=utf-8").status, 201u);
    EXPECT_TRUE(is_problem(server.request("PATCH", join(), {{"Content-Type", "text/plain"}}, "x"), 415,
                           "unsupported-media-type", "text/plain"));
}

TEST_F(WebrtcHttpTest, BadOffers) {
    const auto refused = [&](const std::string& offer, const std::string& why) {
        return is_problem(server.post("/whep/front", offer), 400, "bad-input", why);
    };
    EXPECT_TRUE(refused("", "empty body"));
    EXPECT_TRUE(refused("hello", "not a session description"));
    EXPECT_TRUE(refused(OfferText().drop("a=fingerprint").text(), "fingerprint"));
    EXPECT_TRUE(refused(OfferText().change("m=video", "m=video 0 UDP/TLS/RTP/SAVPF 96").text(), "port 0"));
    EXPECT_TRUE(refused(OfferText().add("m=video 9 UDP/TLS/RTP/SAVPF 96").text(), "2 video m-lines"));
    EXPECT_TRUE(refused(OfferText().change("m=video", "m=audio 9 UDP/TLS/RTP/SAVPF 96").text(), "no video m-line"));
    EXPECT_TRUE(refused(OfferText().drop("a=ice-pwd").text(), "ICE credentials"));
    guint64 told = 0;
    EXPECT_TRUE(gst_structure_get_uint64(server.stats().get(), "refused", &told));
    EXPECT_EQ(told, 7u);
    EXPECT_EQ(server.sessions.count_added(), 0u);
}

TEST_F(WebrtcHttpTest, AViewerWithoutH264) {
    EXPECT_TRUE(is_problem(
        server.post("/whep/front", OfferText().change("a=rtpmap:96", "a=rtpmap:96 VP8/90000").text()), 406,
        "not-acceptable", "sends H264 (packetization-mode=1), which this viewer does not take; it offers: VP8"));
    EXPECT_TRUE(
        is_problem(server.post("/whep/front", OfferText().change("a=fmtp:96", "a=fmtp:96 packetization-mode=0").text()),
                   406, "not-acceptable", "packetization-mode=1"));
}

TEST_F(WebrtcHttpTest, ASourceOfACodecThatTheViewerDoesNotTake) {
    Camera h265("hevc/main");
    h265.begin("video/x-h265, stream-format=byte-stream, alignment=au");
    EXPECT_TRUE(
        is_problem(server.post("/whep/hevc"), 406, "not-acceptable", "camera 'hevc', stream 'main', sends H265"));
}

TEST_F(WebrtcHttpTest, ASourceWithBFrames) {
    Camera b("bframes/main");
    b.begin();
    b.write(sps() + pps() + idr(), clock_now());
    b.write(b_slice(), clock_now());
    EXPECT_TRUE(is_problem(server.post("/whep/bframes"), 406, "not-acceptable", "B-frames"));
}

TEST_F(WebrtcHttpTest, OddOffersThatAreWellFormedNeverBreakTheServer) {
    const std::vector<OfferText> odd = {
        OfferText().drop("a=mid"),
        OfferText().drop("a=setup"),
        OfferText().drop("a=rtcp-mux"),
        OfferText().drop("a=group"),
        OfferText().change("a=group", "a=group:BUNDLE 0 1 2"),
        OfferText().change("a=group", "a=group:BUNDLE"),
        OfferText().change("a=mid", "a=mid:"),
        OfferText().change("a=setup", "a=setup:passive"),
        OfferText().change("a=setup", "a=setup:active"),
        OfferText().change("a=setup", "a=setup:holdconn"),
        OfferText().change("a=setup", "a=setup:x"),
        OfferText().change("a=ice-ufrag", "a=ice-ufrag:" + std::string(300, 'u')),
        OfferText().change("a=ice-ufrag", "a=ice-ufrag:a"),
        OfferText().change("a=ice-pwd", "a=ice-pwd:" + std::string(300, 'p')),
        OfferText().change("a=ice-pwd", "a=ice-pwd:p"),
        OfferText().change("m=video", "m=video 9 RTP/AVP 96"),
        OfferText().change("m=video", "m=video 9 x 96"),
        OfferText().change("m=video", "m=video 9 UDP/TLS/RTP/SAVPF 96 96 96"),
        OfferText().change("m=video", "m=video 99999 UDP/TLS/RTP/SAVPF 96"),
        OfferText().change("a=rtpmap:96", "a=rtpmap:96 H264/90000/2"),
        OfferText().drop("a=fmtp:97"),
        OfferText().change("a=fmtp:97", "a=fmtp:97 apt=97"),
        OfferText().change("a=fmtp:97", "a=fmtp:97 apt="),
        OfferText().change("a=rtpmap:97", "a=rtpmap:97 rtx"),
        OfferText().add("a=candidate:1 1 udp 1 192.0.2.1 99999 typ host"),
        OfferText().add("a=candidate:1 9 xyz 1 192.0.2.1 9 typ nonsense raddr rport"),
        OfferText().add("a=candidate:1 1 udp 99999999999999 192.0.2.1 9 typ srflx raddr x rport y"),
        OfferText().add("a=extmap:1 x").add("a=extmap:99999 y").add("a=extmap:"),
        OfferText().add("a=ssrc:1 cname:x").add("a=ssrc-group:FID 1 2").add("a=rid:1 send").add("a=simulcast:send 1"),
        OfferText().add("a=mid:0").add("a=ice-ufrag:other").add("a=setup:passive"),
        OfferText().add("m=application 9 UDP/DTLS/SCTP webrtc-datachannel").add("c=IN IP4 0.0.0.0").add("a=mid:1"),
        OfferText().add("m=audio 9 UDP/TLS/RTP/SAVPF 0"),
        OfferText().add("m=audio 0 UDP/TLS/RTP/SAVPF 0").add("a=mid:0"),
        OfferText().add("m=audio 9 UDP/TLS/RTP/SAVPF").add("a=mid:1"),
        OfferText().add("m=x 9 y z"),
        OfferText().change("a=fingerprint",
                           "a=fingerprint:sha-512 " + std::string(some_digest) + ":" + std::string(some_digest)),
        OfferText().change("t=0 0", "t=x y"),
        OfferText().change("o=", "o=- x"),
        OfferText().change("c=IN", "c="),
        OfferText().add("a=fmtp:96 profile-level-id=\"\xff\xfe\""),
        OfferText().change("a=fmtp:96", "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;x=\",;(}{\\\""),
    };
    const auto post = [&](const std::string& offer) {
        const auto answer = server.post("/whep/front", offer);
        EXPECT_TRUE(answer.status == 201 || answer.status == 400 || answer.status == 406)
            << answer.status << answer.error << answer.body << "\n"
            << offer;
        return answer.status;
    };
    for (const OfferText& offer : odd) {
        post(offer.text());
        if (offer.text().find("a=group:BUNDLE") != std::string::npos)
            post(OfferText(offer).add_sound("111 0", {"111 opus/48000/2"}).text());
    }
    EXPECT_EQ(server.post("/whep/front").status, 201u) << "and the next one is served";
}

// webrtcbin compares all of a=fmtp with what we want to send, leaves out what differs, and then aborts or blocks.
TEST_F(WebrtcHttpTest, ParametersThatWebrtcbinDoesNotMatch) {
    const auto video = [](const std::string& fmtp) {
        return OfferText().change("a=fmtp:96", "a=fmtp:96 packetization-mode=1;" + fmtp);
    };
    const auto with_sound = [](OfferText offer) {
        return offer.add_sound("111", {"111 opus/48000/2"}).add("a=fmtp:111 minptime=10;useinbandfec=1").text();
    };
    for (const char* taken : {"profile-level-id=42E01F;level-asymmetry-allowed=1", "profile-level-id=42e01f",
                              "profile-level-id=42e01f;level-asymmetry-allowed=0"}) {
        SCOPED_TRACE(taken);
        for (const std::string& offer : {video(taken).text(), with_sound(video(taken))}) {
            const auto answer = server.post("/whep/front", offer);
            EXPECT_EQ(answer.status, 201u) << answer.body;
            EXPECT_NE(answer.body.find("a=sendonly"), std::string::npos) << answer.body;
        }
    }
    const OfferText refused = video("profile-level-id=42e01f;ssrc=1");
    for (const std::string& offer : {refused.text(), with_sound(refused)})
        EXPECT_TRUE(is_problem(server.post("/whep/front", offer), 406, "not-acceptable", "a=fmtp"));
    const auto sound = [](const std::string& map, const std::string& fmtp) {
        return OfferText().add_sound("111", {map}).add("a=fmtp:111 " + fmtp).text();
    };
    EXPECT_TRUE(is_problem(server.post("/whep/front", sound("111 opus/48000/2", "ssrc=1")), 406, "not-acceptable",
                           "payload type 111 (OPUS)"));
    const auto mono = server.post("/whep/front", sound("111 opus/48000/1", "minptime=10"));
    EXPECT_EQ(mono.status, 201u) << mono.body;
    EXPECT_NE(mono.body.find("a=inactive"), std::string::npos) << "no sound: " << mono.body;
}

TEST_F(WebrtcHttpTest, TooLarge) {
    EXPECT_TRUE(is_problem(server.post("/whep/front", std::string(65 * 1024, 'x')), 413, "too-large", "65536"));
    // Nothing is promised about how a hundred megabytes end, but for the next request.
    server.post("/whep/front", std::string(8 * 1024 * 1024, 'x'));
    EXPECT_EQ(server.post("/whep/front").status, 201u);
}

// Its end is not announced: it is cut off when it has become too much, whatever the client goes on to send.
TEST_F(WebrtcHttpTest, AnEndlessBodyIsCutOff) {
    guint port = 0;
    g_object_get(server.element(), "port", &port, nullptr);
    const auto client = adopt(g_socket_client_new());
    const auto connection =
        adopt(g_socket_client_connect_to_host(client.get(), "127.0.0.1", static_cast<guint16>(port), nullptr, nullptr));
    ASSERT_TRUE(connection);
    g_socket_set_timeout(g_socket_connection_get_socket(connection.get()), 20);
    GOutputStream* out = g_io_stream_get_output_stream(G_IO_STREAM(connection.get()));
    const std::string head = "POST /whep/front HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n";
    ASSERT_TRUE(g_output_stream_write_all(out, head.data(), head.size(), nullptr, nullptr, nullptr));
    const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
    size_t sent = 0;
    while (sent < 64u << 20 && g_output_stream_write_all(out, chunk.data(), chunk.size(), nullptr, nullptr, nullptr))
        sent += chunk.size();
    EXPECT_LT(sent, 64u << 20) << "somebody has taken all of it";
    EXPECT_EQ(server.post("/whep/front").status, 201u);
}

TEST_F(WebrtcHttpTest, ACameraThatNeverGaveAPicture) {
    Camera dark("dark/main");
    sluice_channel_set_unavailable(dark.face(), "connection refused");
    const auto answer = server.post("/whep/dark");
    EXPECT_TRUE(is_problem(answer, 503, "unavailable", "camera 'dark' gives no picture: connection refused"));
    EXPECT_FALSE(answer.header("retry-after").empty());
    EXPECT_TRUE(eventually([&] { return dark.readers() == 0; }));
}

TEST_F(WebrtcHttpTest, ACameraThatIsStartedByItsFirstViewer) {
    Camera cold("cold/main");
    std::thread starter([&] { // what the signal `demand` does in an application
        EXPECT_TRUE(eventually([&] { return cold.readers() == 1; }));
        cold.begin();
        cold.key(1);
    });
    const auto answer = server.post("/whep/cold");
    starter.join();
    EXPECT_EQ(answer.status, 201u) << answer.body;
}

TEST_F(WebrtcHttpTest, MaxSessions) {
    server.stop();
    server.set("max-sessions", 2u).start();
    const std::string first = join();
    join();
    const auto answer = server.post("/whep/front");
    EXPECT_TRUE(is_problem(answer, 429, "too-many", "all 2 sessions are taken"));
    EXPECT_FALSE(answer.header("retry-after").empty());
    EXPECT_EQ(server.request("DELETE", first).status, 200u);
    EXPECT_EQ(server.post("/whep/front").status, 201u) << "one has gone";
}

TEST_F(WebrtcHttpTest, MaxSessionsPerPeer) {
    server.stop();
    server.set("max-sessions-per-peer", 2u).start();
    Camera dark("dark/main");
    const std::string first = join();
    join();
    const auto answer = server.post("/whep/front");
    EXPECT_TRUE(is_problem(answer, 429, "too-many", "all 2 sessions that one viewer may have from one address"));
    EXPECT_TRUE(is_problem(server.post("/whep/dark"), 429, "too-many", "all 2 sessions"));
    EXPECT_EQ(server.request("DELETE", first).status, 200u);
    EXPECT_TRUE(eventually([&] { return server.post("/whep/front").status == 201; })) << "one has gone";
}

TEST_F(WebrtcHttpTest, NoSessionWithoutDescriptors) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(STDERR_FILENO);
    close(next);
    const rlimit few{static_cast<rlim_t>(next) + 40, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto answer = server.post("/whep/front");
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(is_problem(answer, 503, "unavailable", "no file descriptors left for another viewer"));
    EXPECT_EQ(server.post("/whep/front").status, 201u);
}

TEST_F(WebrtcHttpTest, ViewersOfADarkCameraKeepNobodyOut) {
    Camera dark("dark/main");
    std::vector<std::thread> waiting;
    for (int i = 0; i < 70; ++i) // more than may negotiate at once
        waiting.emplace_back([&] { server.post("/whep/dark"); });
    EXPECT_TRUE(eventually([&] { return dark.readers() >= 60; }));
    EXPECT_EQ(server.post("/whep/front").status, 201u);
    for (auto& thread : waiting)
        thread.join();
}

TEST_F(WebrtcHttpTest, OnlyChannelsThatMatchAreServed) {
    Camera yard("yard/main"), yard_sub("yard/sub");
    yard.begin();
    yard.key(1);
    yard_sub.begin();
    yard_sub.key(1);
    server.set("channels", "fro*/main, yard/main");
    EXPECT_EQ(server.post("/whep/front").status, 201u);
    EXPECT_EQ(server.post("/whep/yard").status, 201u);
    EXPECT_TRUE(is_problem(server.post("/whep/yard?stream=sub"), 404, "not-found", "it has: main"));
    server.set("channels", "");
    EXPECT_TRUE(is_problem(server.post("/whep/front"), 404, "not-found", "'front'"));
}

// --- a session ---

TEST_F(WebrtcHttpTest, Trickle) {
    const std::string session = join();
    const std::string fragment =
        "a=ice-ufrag:abcd\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
        "a=candidate:2 1 udp 2130706430 f00.local 9 typ host\r\na=end-of-candidates\r\n";
    EXPECT_EQ(server.request("PATCH", session, trickle_type, fragment).status, 204u);
    EXPECT_EQ(server.request("PATCH", session, trickle_type, "rubbish").status, 204u) << "nothing in it, nothing done";
    EXPECT_TRUE(
        is_problem(server.request("PATCH", "/whep/front/none", trickle_type, fragment), 404, "not-found", "session"));
}

TEST_F(WebrtcHttpTest, IfMatchNamesTheSession) {
    const std::string session = join();
    const std::string etag = "\"" + session_of(session) + "\"";
    for (const std::string& good : {etag, std::string("*")})
        EXPECT_EQ(server
                      .request("PATCH", session,
                               {{"Content-Type", "application/trickle-ice-sdpfrag"}, {"If-Match", good}}, "x")
                      .status,
                  204u);
    EXPECT_TRUE(is_problem(
        server.request("PATCH", session,
                       {{"Content-Type", "application/trickle-ice-sdpfrag"}, {"If-Match", "\"other\""}}, "x"),
        412, "precondition-failed", "If-Match"));
}

TEST_F(WebrtcHttpTest, SwitchingSaysWhatIsWrong) {
    Camera sub("front/sub"), hevc("front/hevc"), b("front/b");
    sub.begin();
    hevc.begin("video/x-h265, stream-format=byte-stream, alignment=au");
    b.begin();
    b.write(sps() + pps() + idr(), clock_now());
    b.write(b_slice(), clock_now());
    const std::string session = join();
    const auto patch = [&](const std::string& body) { return server.request("PATCH", session, json_type, body); };
    EXPECT_EQ(patch(R"({"stream": "sub"})").status, 204u);
    EXPECT_EQ(patch(R"({"stream": "main"})").status, 204u);
    const auto quality = [&] { return Json::parse(server.request("GET", session).body)["quality"]; };
    EXPECT_EQ(quality(), "main") << "who names a stream pins it";
    EXPECT_EQ(patch(R"({"quality": "auto"})").status, 204u);
    EXPECT_EQ(quality(), "auto");
    EXPECT_EQ(patch(R"({"quality": "sub"})").status, 204u);
    EXPECT_EQ(quality(), "sub");
    EXPECT_TRUE(is_problem(patch(R"({"stream": "third"})"), 400, "bad-input", "no stream 'third'"));
    EXPECT_TRUE(
        is_problem(patch(R"({"stream": "hevc"})"), 406, "not-acceptable", "sends H265, this session takes only H264"));
    EXPECT_TRUE(is_problem(patch(R"({"stream": "b"})"), 406, "not-acceptable", "B-frames"));
    for (const char* bad : {"{}", "[]", "null", "{\"stream\": 1}", "{\"quality\": 1}",
                            "{\"stream\": \"sub\", \"quality\": \"sub\"}", "{", "\xff\xfe", "\"sub\""})
        EXPECT_TRUE(is_problem(patch(bad), 400, "bad-input", "{\"quality\": \"auto\"}")) << bad;
    EXPECT_TRUE(is_problem(patch("{\"stream\": \"\xff\xc3\"}"), 400, "bad-input", "")) << "bytes that are no text";
    EXPECT_TRUE(is_problem(patch("{\"stream\": \"" + std::string(10000, 'x') + "\"}"), 400, "bad-input", "no stream"));
}

TEST_F(WebrtcHttpTest, StatisticsOfASession) {
    const std::string session = join();
    const auto answer = server.request("GET", session);
    ASSERT_EQ(answer.status, 200u);
    const Json s = Json::parse(answer.body);
    EXPECT_EQ(s["id"], session_of(session));
    EXPECT_EQ(s["state"], "connecting");
    EXPECT_EQ(s["camera"], "front");
    EXPECT_EQ(s["connected-ms"], -1.0);
    EXPECT_EQ(s["first-frame-ms"], -1.0);
    EXPECT_EQ(s["packets-sent"], 0);
    EXPECT_EQ(s["quality"], "auto");
    EXPECT_EQ(s["stream"], "main");
    EXPECT_EQ(s["switches"], 0);
    EXPECT_EQ(s["freezes"], 0);
    EXPECT_EQ(s["stream-reason"], "the only stream");
    for (const char* unknown : {"estimate", "received-bitrate", "loss", "rtt", "queue-delay"})
        EXPECT_FALSE(s.contains(unknown)) << unknown;
    EXPECT_EQ(server.request("HEAD", session).status, 200u);
}

TEST_F(WebrtcHttpTest, ASessionIsFoundUnderItsCameraOnly) {
    Camera yard("yard/main");
    yard.begin();
    yard.key(1);
    const std::string id = session_of(join());
    EXPECT_TRUE(is_problem(server.request("GET", "/whep/yard/" + id), 404, "not-found", "session"));
    EXPECT_TRUE(is_problem(server.request("DELETE", "/whep/yard/" + id), 404, "not-found", "session"));
    EXPECT_TRUE(is_problem(server.request("PATCH", "/whep/yard/" + id, json_type, R"({"stream":"main"})"), 404,
                           "not-found", "session"));
    EXPECT_EQ(server.request("GET", "/whep/front/" + id).status, 200u);
}

// --- other pages ---

TEST_F(WebrtcHttpTest, PreflightNeedsNoCredentials) {
    const auto answer = server.request("OPTIONS", "/whep/front",
                                       {{"Origin", "https://wall.example"}, {"Access-Control-Request-Method", "POST"}});
    EXPECT_EQ(answer.status, 204u);
    EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
    EXPECT_NE(answer.header("access-control-allow-methods").find("PATCH"), std::string::npos);
    EXPECT_NE(answer.header("access-control-allow-headers").find("Authorization"), std::string::npos);
    EXPECT_EQ(answer.header("accept-post"), "application/sdp");
}

TEST_F(WebrtcHttpTest, OtherOriginsMayReadAnswersAndErrors) {
    for (const auto& answer : {server.post("/whep/front"), server.post("/whep/none")}) {
        EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
        EXPECT_NE(answer.header("access-control-expose-headers").find("Location"), std::string::npos);
    }
}

} // namespace
} // namespace sluice
