// SPDX-License-Identifier: LGPL-2.1-or-later
// The words of go2rtc's interface, both ways.
#include "launcher/camera/secret_files.hpp"
#include "launcher/http/go2rtc_source.hpp"
#include "launcher/http/go2rtc_streams.hpp"
#include "launcher/http/go2rtc_talk.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace sluice;

namespace {

using Query = std::map<std::string, std::string, std::less<>>;

std::string source(const std::string& text) {
    const Go2rtcSource s = go2rtc_source(text);
    return s.camera + "|" + s.stream;
}

TEST(Go2rtcSource, NamesACameraAndAStream) {
    EXPECT_EQ(source("front"), "front|");
    EXPECT_EQ(source("front/sub"), "front|sub");
    EXPECT_EQ(source("front?video&audio"), "front|");
    EXPECT_EQ(source("front/sub&video=copy"), "front|sub");
    EXPECT_EQ(source("front#backchannel=0"), "front|");
    EXPECT_EQ(source("camera.front_door"), "camera.front_door|");
    EXPECT_EQ(source(""), "|");
    EXPECT_EQ(source("front/sub/x"), "front|sub/x");
    EXPECT_EQ(go2rtc_source("front/main").name(), "front");
    EXPECT_EQ(go2rtc_source("front/sub").name(), "front/sub");
}

TEST(Go2rtcSource, AnAddressIsKnownByTheNameBesideIt) {
    EXPECT_EQ(go2rtc_source(Query{{"src", "rtsp://u:p@h/1"}, {"name", "camera.yard"}}, "src").camera, "camera.yard");
    EXPECT_EQ(go2rtc_source(Query{{"src", "front"}, {"name", "camera.yard"}}, "src").camera, "front");
    EXPECT_EQ(go2rtc_source(Query{{"src", "rtsp://u:p@h/1"}}, "src").camera, "rtsp:") << "no camera is called so";
    EXPECT_EQ(go2rtc_source(Query{}, "src").camera, "");
}

// --- registration ---

std::string refused(const std::string& address) {
    const auto r = go2rtc_registration("x", {address});
    return r ? "" : r.error().text;
}

TEST(Go2rtcRegistration, TakesTheCredentialsOutOfTheAddress) {
    const auto r =
        go2rtc_registration("x", {"rtsp://viewer:s%40crt@10.0.0.5:8554/1?a=b#backchannel=0", "ffmpeg:x#audio=opus"});
    ASSERT_TRUE(r);
    ASSERT_EQ(r.value().sources.size(), 1u);
    EXPECT_EQ(r.value().sources[0].url, "rtsp://10.0.0.5:8554/1?a=b");
    EXPECT_EQ(r.value().sources[0].user, "viewer");
    EXPECT_EQ(r.value().sources[0].password.reveal(), "s@crt");
    const auto described = describe(r.value(), [](const Secret&) { return Result<std::string>(std::string("file")); });
    EXPECT_EQ(described.value().dump(),
              R"({"url":"rtsp://10.0.0.5:8554/1?a=b","user":"viewer","password":{"file":"file"}})");
}

TEST(Go2rtcRegistration, NamesWhatIsAllowedAndNoSecret) {
    for (const char* address : {"exec:ffmpeg -i x", "ffmpeg:rtsp://u:topsecret@h/1", "ffmpeg:xy#audio=opus",
                                "file:/etc/passwd", "v4l2:///dev/video0", "echo:x", "front", "", "rtsp://",
                                "rtsp://u:topsecret@h:99999/", "expr:topsecret", "rtsp://u:topsecret@h/ x"}) {
        const std::string text = refused(address);
        EXPECT_NE(text.find("allowed: rtsp://"), std::string::npos) << address << ": " << text;
        EXPECT_EQ(text.find("topsecret"), std::string::npos) << text;
        EXPECT_EQ(text.find("passwd"), std::string::npos) << text;
    }
    EXPECT_FALSE(go2rtc_registration("x", {}));
    EXPECT_FALSE(go2rtc_registration("x", {"ffmpeg:x#audio=opus"}));
    EXPECT_FALSE(go2rtc_registration("x", std::vector<std::string>(max_sources + 1, "rtsp://h/1")));
}

TEST(Go2rtcRegistration, SeveralSourcesAreInOrder) {
    const auto r = go2rtc_registration("x", {"rtsp://a/1", "rtsp://b/2"});
    const auto d = describe(r.value(), nullptr);
    EXPECT_EQ(d.value().dump(), R"({"sources":[{"url":"rtsp://a/1"},{"url":"rtsp://b/2"}]})");
    EXPECT_TRUE(same_addresses(r.value(), Json{{"streams", {{"main", d.value()}}}}));
    EXPECT_FALSE(same_addresses(r.value(), Json{{"streams", {{"main", {{"url", "rtsp://a/1"}}}}}}));
    EXPECT_FALSE(same_addresses(r.value(), Json::object()));
}

TEST(Go2rtcStreams, TellNoCredentialsAndNoAddressToViewers) {
    const Json stream{
        {"name", "main"}, {"channel", "front/main"}, {"state", "streaming"}, {"codec", "H264"}, {"source", 0}};
    const Json camera{{"name", "front"}};
    const Json description = Json::parse(
        R"({"streams": {"main": {"url": "rtsp://10.0.0.5/1?user=admin&password=topsecret", "user": "a"}}})");
    const Json viewers = Json::array({Json{{"camera", "front"}, {"stream", "main"}, {"peer", "10.0.0.9"}},
                                      Json{{"camera", "front"}, {"stream", "sub"}, {"peer", "10.0.0.9"}}});
    const Json all = go2rtc_stream(camera, stream, description, "PCMU", viewers);
    EXPECT_EQ(all["producers"][0]["url"], "rtsp://10.0.0.5/1?***");
    EXPECT_EQ(all["producers"][0]["medias"], (Json{"video, recvonly, H264", "audio, recvonly, PCMU/8000"}));
    ASSERT_EQ(all["consumers"].size(), 1u);
    EXPECT_EQ(all["consumers"][0]["remote_addr"], "10.0.0.9");
    const Json few = go2rtc_stream(camera, stream, nullptr, "", viewers);
    EXPECT_EQ(few["producers"][0]["url"], "sluice:front/main");
    EXPECT_EQ(few.dump().find("10.0.0"), std::string::npos) << few;
}

TEST(SecretFiles, OneFileForEachSecretAndNoneThatNobodyNames) {
    const std::string path = ::testing::TempDir() + "/secret-files-" + std::to_string(getpid());
    const auto state = StateDirectory::open(path, false);
    ASSERT_TRUE(state);
    const SecretFiles files(state.value());
    const auto names = [&] {
        std::vector<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(path + "/secrets"))
            out.push_back(entry.path().filename());
        return out;
    };
    const auto one = files.keep("x", Secret("one"));
    ASSERT_TRUE(one) << one.error().text;
    EXPECT_EQ(files.keep("x", Secret("one")).value(), one.value());
    EXPECT_NE(files.keep("x", Secret("two")).value(), one.value());
    EXPECT_NE(files.keep("x.y", Secret("one")).value(), one.value()) << "another camera's";
    EXPECT_FALSE(files.keep("x", Secret("a\nb")));
    const auto mode = std::filesystem::status(path + "/secrets/" + one.value()).permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ofstream(path + "/secrets/yard.pw") << "mine\n";
    std::ofstream(path + "/secrets/yard~pw") << "mine\n";
    EXPECT_EQ(names().size(), 5u);
    files.drop_unused([&](const std::string& name) { return name == one.value(); });
    EXPECT_EQ(names().size(), 3u);
    EXPECT_TRUE(std::filesystem::exists(path + "/secrets/" + one.value()));
    std::filesystem::remove_all(path);
}

// --- the socket ---

struct Talk {
    explicit Talk(const char* of = "front")
        : talk(go2rtc_source(of),
               {[this](const Json& m) { player.push_back(m); }, [this](const Json& m) { server.push_back(m); },
                [this](unsigned code, const std::string&) { closed = code; }}) {}
    void say(const Json& message) { talk.from_player(message.dump()); }
    void answered(const std::string& sdp =
                      "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 5000 typ host\r\na=mid:0\r\na=end-of-candidates\r\n") {
        talk.from_server(Json{{"type", "answer"}, {"id", server.back()["id"]}, {"session", "s"}, {"sdp", sdp}});
    }
    std::vector<Json> player, server;
    unsigned closed = 0;
    Go2rtcTalk talk;
};

TEST(Go2rtcTalk, AnOfferIsAnsweredCandidatesFollow) {
    Talk t("front/sub");
    t.say({{"type", "webrtc/offer"}, {"value", "v=0\r\n"}});
    ASSERT_EQ(t.server.size(), 1u);
    EXPECT_EQ(t.server[0].dump(), R"({"type":"join","id":"1","camera":"front","sdp":"v=0\r\n","quality":"sub"})");
    t.answered();
    ASSERT_EQ(t.player.size(), 2u);
    EXPECT_EQ(t.player[0].dump(), R"({"type":"webrtc/answer","value":"v=0\r\na=mid:0\r\n"})");
    EXPECT_EQ(t.player[1].dump(),
              R"({"type":"webrtc/candidate","value":"candidate:1 1 udp 1 10.0.0.1 5000 typ host"})");
}

TEST(Go2rtcTalk, CandidatesThatComeTooEarlyAreKept) {
    Talk t;
    t.say({{"type", "webrtc/candidate"}, {"value", "candidate:a"}});
    t.say({{"type", "webrtc/offer"}, {"value", "v=0"}});
    for (size_t i = 0; i < 2 * Go2rtcTalk::max_early_candidates; i++)
        t.say({{"type", "webrtc/candidate"}, {"value", "candidate:b"}});
    EXPECT_EQ(t.server.size(), 1u);
    t.answered();
    t.say({{"type", "webrtc/candidate"}, {"value", ""}});
    ASSERT_EQ(t.server.size(), 2 + Go2rtcTalk::max_early_candidates);
    EXPECT_EQ(t.server[1].dump(), R"({"type":"candidate","id":"1","candidate":"candidate:a"})");
    EXPECT_EQ(t.server.back()["candidate"], "");
}

TEST(Go2rtcTalk, TheNewerFormIsAnsweredInItself) {
    Talk t;
    t.say({{"type", "webrtc"},
           {"value", {{"type", "offer"}, {"sdp", "v=0"}, {"ice_servers", Json::array({Json{{"urls", {"stun:x"}}}})}}}});
    ASSERT_EQ(t.server.size(), 1u);
    t.answered("v=0\r\n");
    EXPECT_EQ(t.player[0].dump(), R"({"type":"webrtc","value":{"type":"answer","sdp":"v=0\r\n"}})");
}

TEST(Go2rtcTalk, OtherWaysToPlayAreRefusedSoThatThePlayerGoesOn) {
    for (const char* way : {"mse", "hls", "mp4", "mjpeg"}) {
        Talk t;
        t.say({{"type", way}, {"value", "avc1.640029"}});
        ASSERT_EQ(t.player.size(), 1u);
        EXPECT_EQ(t.player[0]["type"], "error");
        const std::string text = t.player[0]["value"];
        EXPECT_EQ(text.rfind(way, 0), 0u) << text;
        EXPECT_EQ(text.find("webrtc/offer"), std::string::npos) << "that would end its other attempt";
        EXPECT_TRUE(t.server.empty());
    }
}

TEST(Go2rtcTalk, ARefusalNamesTheOffer) {
    Talk t;
    t.say({{"type", "webrtc/offer"}, {"value", "v=0"}});
    t.talk.from_server(Json{{"type", "error"}, {"id", "1"}, {"error", {{"title", "No"}, {"detail", "no picture"}}}});
    EXPECT_EQ(t.player[0].dump(), R"({"type":"error","value":"webrtc/offer: no picture"})");
    t.say({{"type", "webrtc/offer"}, {"value", "v=0"}});
    t.talk.from_server(Json{{"type", "closed"}, {"id", "1"}, {"reason", "the one before"}});
    EXPECT_EQ(t.player.size(), 1u) << "not this one's";
    t.answered();
    t.talk.from_server(Json{{"type", "closed"}, {"id", "2"}, {"reason", "removed"}});
    EXPECT_EQ(t.player.back()["value"], "webrtc/offer: removed");
    t.talk.from_server(Json{{"type", "going-away"}, {"reason", "bye"}});
    EXPECT_EQ(t.closed, 1001u);
}

TEST(Go2rtcTalk, ANewOfferEndsTheOneBefore) {
    Talk t;
    t.say({{"type", "webrtc/offer"}, {"value", "v=0"}});
    t.say({{"type", "webrtc/offer"}, {"value", "v=1"}});
    ASSERT_EQ(t.server.size(), 3u);
    EXPECT_EQ(t.server[1].dump(), R"({"type":"leave","id":"1"})");
    EXPECT_EQ(t.server[2]["id"], "2");
    for (unsigned i = 0; i < 2 * Go2rtcTalk::max_offers; i++)
        t.say({{"type", "webrtc/offer"}, {"value", "v=2"}});
    EXPECT_EQ(t.server.back()["id"], std::to_string(Go2rtcTalk::max_offers));
}

TEST(Go2rtcTalk, NonsenseIsToldAndEndsTheConnectionInTheEnd) {
    Talk t;
    const std::string deep = std::string(10000, '[');
    for (const std::string& text :
         {std::string("x"), std::string(""), std::string("[]"), std::string("{\"type\":1}"), deep,
          std::string(R"({"type":"webrtc/offer"})"), std::string(R"({"type":"webrtc","value":"v=0"})"),
          std::string(R"({"type":"webrtc","value":{"sdp":1}})"), std::string(R"({"type":"other\u0000"})")}) {
        const size_t before = t.player.size();
        t.talk.from_player(text);
        ASSERT_EQ(t.player.size(), before + 1) << text;
        EXPECT_EQ(t.player.back()["type"], "error");
    }
    EXPECT_EQ(t.closed, 0u);
    for (unsigned i = 0; i < Go2rtcTalk::max_bad; i++)
        t.talk.from_player("x");
    EXPECT_EQ(t.closed, 1008u);
    EXPECT_TRUE(t.server.empty());
}

} // namespace
