// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/source_address.hpp"
#include "tests/support/import_text.hpp"

using namespace sluice;
using namespace sluice::import_text;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ImportGo2rtc, OneAddressBecomesACamera) {
    const auto got = go2rtc("streams:\n  hall: rtsp://viewer:s3cret@10.0.0.5/1?channel=1&subtype=0\n");
    EXPECT_EQ(got.main("hall"), Json::parse(R"({"url": "rtsp://10.0.0.5/1?channel=1&subtype=0", "user": "viewer",
                                                "password": {"env": "SLUICE_CAMERA_HALL"}})"));
    ASSERT_EQ(got.result.secrets.size(), 1u);
    EXPECT_EQ(got.result.secrets[0].reference, "SLUICE_CAMERA_HALL");
    EXPECT_EQ(got.result.secrets[0].value.reveal(), "s3cret");
    EXPECT_FALSE(has(got.result.json, "s3cret"));
    EXPECT_FALSE(has(got.remarks(), "s3cret"));
    EXPECT_EQ(got.json["version"], 1);
}

TEST(ImportGo2rtc, SecretsInFilesAreNamedAfterTheCamera) {
    const auto got = go2rtc("streams:\n  hall: rtsp://u:one@h/1\n  hall_sub: rtsp://u:one@h/2\n"
                            "  yard:\n    - rtsp://u:two@h/1\n    - rtsp://u:three@h/2\n",
                            {}, {}, "secrets");
    EXPECT_EQ(got.camera("hall")["streams"]["main"]["password"]["file"], "secrets/hall.pw");
    EXPECT_EQ(got.camera("hall")["streams"]["sub"]["password"]["file"], "secrets/hall.pw"); // the same one
    EXPECT_EQ(got.main("yard")["sources"][0]["password"]["file"], "secrets/yard.pw");
    EXPECT_EQ(got.main("yard")["sources"][1]["password"]["file"], "secrets/yard-2.pw");
    EXPECT_EQ(got.result.secrets.size(), 3u);
}

TEST(ImportGo2rtc, ListsAreSourcesInOrder) {
    const auto got = go2rtc("streams:\n  a:\n    - rtsp://h/1\n    - rtsp://h/2#backchannel=0\n  b: {url: rtsp://h/3}\n"
                            "  c: {url: [rtsp://h/4]}\n");
    EXPECT_EQ(got.main("a")["sources"], Json::parse(R"([{"url": "rtsp://h/1"}, {"url": "rtsp://h/2"}])"));
    EXPECT_TRUE(has(got.remark("/streams/a"), "tried in this order"));
    EXPECT_EQ(got.main("b")["url"], "rtsp://h/3");
    EXPECT_EQ(got.main("c")["url"], "rtsp://h/4");
    std::string many = "streams:\n  a:\n";
    for (int i = 0; i < 10; i++)
        many += "    - rtsp://h/" + std::to_string(i) + "\n";
    EXPECT_EQ(go2rtc(many).main("a")["sources"].size(), 8u);
    EXPECT_TRUE(has(go2rtc(many).remark("/streams/a/8"), "at most 8"));
}

TEST(ImportGo2rtc, MainAndSubAreOneCamera) {
    const auto got =
        go2rtc("streams:\n  front: rtsp://h/1\n  front_sub: rtsp://h/2\n  back_main: rtsp://h/3\n"
               "  back-SUB: rtsp://h/4\n  lonely_sub: rtsp://h/5\n  alone_main: rtsp://h/6\n  sub: rtsp://h/7\n");
    EXPECT_EQ(got.camera("front")["streams"]["sub"]["url"], "rtsp://h/2");
    EXPECT_EQ(got.camera("back")["streams"]["main"]["url"], "rtsp://h/3");
    EXPECT_EQ(got.camera("back")["streams"]["sub"]["url"], "rtsp://h/4");
    EXPECT_EQ(got.main("lonely_sub")["url"], "rtsp://h/5");
    EXPECT_EQ(got.main("alone_main")["url"], "rtsp://h/6");
    EXPECT_EQ(got.main("sub")["url"], "rtsp://h/7");
    EXPECT_EQ(got.json["cameras"].size(), 5u);
    EXPECT_TRUE(has(got.remark("/streams/front_sub"), "sub stream of the camera front"));
    ImportOptions separate;
    separate.separate = true;
    const auto apart = go2rtc("streams:\n  front: rtsp://h/1\n  front_sub: rtsp://h/2\n", {}, separate);
    EXPECT_EQ(apart.main("front_sub")["url"], "rtsp://h/2");
}

TEST(ImportGo2rtc, NamesAreMadeAllowedAndStayDifferent) {
    const auto got =
        go2rtc("streams:\n  'Front door': rtsp://h/1\n  Front-door: rtsp://h/2\n  'Front/door': rtsp://h/3\n"
               "  'Küche': rtsp://h/4\n  '...': rtsp://h/5\n  '前門': rtsp://h/6\n  .hidden: rtsp://h/7\n");
    EXPECT_EQ(got.main("Front-door")["url"], "rtsp://h/2"); // who needs no change keeps his name
    EXPECT_EQ(got.main("Front-door-2")["url"], "rtsp://h/1");
    EXPECT_EQ(got.main("Front-door-3")["url"], "rtsp://h/3");
    EXPECT_EQ(got.main("Kuche")["url"], "rtsp://h/4");
    EXPECT_EQ(got.main("hidden")["url"], "rtsp://h/7");
    EXPECT_EQ(got.json["cameras"].size(), 7u);
    EXPECT_TRUE(has(got.remark("/streams/Front door"), "is the camera Front-door-2 now"));
    const auto twice = go2rtc("streams:\n  a_main: rtsp://h/1\n  a_sub: rtsp://h/2\n  a: rtsp://h/3\n");
    EXPECT_EQ(twice.json["cameras"].size(), 2u);
    const auto long_names =
        go2rtc("streams:\n  " + std::string(70, 'x') + ": rtsp://h/1\n  " + std::string(80, 'x') + ": rtsp://h/2\n");
    EXPECT_EQ(long_names.json["cameras"].size(), 2u);
}

TEST(ImportGo2rtc, TlsWithoutAQuestionNeedsAFingerprint) {
    const auto got =
        go2rtc("streams:\n  a: rtspx://10.0.0.1:7441/k\n  b: rtsps://cam.example/1\n  c: rtsps://10.0.0.2/1\n"
               "  d: httpx://10.0.0.3/mjpeg\n  e: rtspx://h/1\n");
    EXPECT_EQ(got.main("a")["url"], "rtsps://10.0.0.1:7441/k");
    EXPECT_TRUE(has(got.remark("/streams/a"), "tls-fingerprint"));
    EXPECT_EQ(got.main("b")["url"], "rtsps://cam.example:554/1");
    EXPECT_EQ(got.remark("/streams/b"), "");
    EXPECT_TRUE(has(got.remark("/streams/c"), "tls-fingerprint"));
    EXPECT_EQ(got.main("d")["url"], "https://10.0.0.3/mjpeg");
    EXPECT_EQ(got.main("e")["url"], "rtsps://h:554/1");
}

TEST(ImportGo2rtc, FragmentsAreUnderstoodOrNamed) {
    const auto got =
        go2rtc("streams:\n  a: rtsp://h/1#transport=udp#timeout=30#backchannel=0\n  b: rtsp://h/2#media=video\n"
               "  c: rtsp://h/3#transport=ws://u:pw@h/x\n  d: [rtsp://h/4, 'rtsp://h/5#media=audio']\n"
               "  e: rtsp://h/6#backchannel=1\n  f: rtsp://h/7#transport=tcp#backchannel=0\n");
    EXPECT_EQ(got.main("a")["transport"], "udp");
    EXPECT_TRUE(has(got.remark("/streams/a"), "timeout"));
    EXPECT_TRUE(has(got.remark("/streams/b"), "sound"));
    EXPECT_TRUE(got.main("c").is_null());
    EXPECT_TRUE(has(got.remark("/streams/c"), "WebSocket"));
    EXPECT_EQ(got.main("d")["url"], "rtsp://h/4");
    EXPECT_TRUE(has(got.remark("/streams/d/1"), "sound alone"));
    EXPECT_TRUE(has(got.remark("/streams/e"), "speak"));
    EXPECT_EQ(got.main("f"), Json::parse(R"({"url": "rtsp://h/7"})"));
    EXPECT_EQ(got.remark("/streams/f"), "");
    EXPECT_FALSE(has(got.remarks(), "pw"));
}

TEST(ImportGo2rtc, WhatFfmpegReadsIsReadWithoutIt) {
    const auto got = go2rtc(
        "streams:\n  a: ffmpeg:rtsp://u:pw@h/1#video=copy#audio=copy#input=rtsp/udp\n"
        "  b: [rtsp://h/2, 'ffmpeg:b#audio=opus', 'ffmpeg:rtsp://h/2#video=h264#hardware']\n"
        "  c: ffmpeg:b#video=h264\n  d: ffmpeg:/media/x y.mp4#video=copy\n  e: ffmpeg:http://h/mjpeg#video=h264\n"
        "  f: ffmpeg:device?video=/dev/video0&video_size=640x480#video=h264\n  g: ffmpeg:virtual?video#video=h264\n"
        "  h: ffmpeg:rtsp://h/3#video=h264#rotate=90\n  i: ffmpeg:rtsp://h/4#audio=opus\n  j: ffmpeg:tts?text=a\n"
        "  k: v4l2:device?video=/dev/video2\n  l: ffmpeg:rtmp://h/x\n");
    EXPECT_EQ(got.main("a")["url"], "rtsp://h/1");
    EXPECT_EQ(got.main("a")["transport"], "udp");
    EXPECT_TRUE(has(got.remark("/streams/a"), "without FFmpeg"));
    EXPECT_EQ(got.main("b")["url"], "rtsp://h/2");
    EXPECT_TRUE(has(got.remark("/streams/b/1"), "encodes the stream anew"));
    EXPECT_TRUE(has(got.remark("/streams/b/2"), "address of a source before it"));
    EXPECT_TRUE(got.main("c").is_null());
    EXPECT_TRUE(has(got.remark("/streams/c"), "made of the stream \"b\""));
    EXPECT_EQ(got.main("d")["url"], "file:/media/x%20y.mp4");
    EXPECT_EQ(got.main("e")["url"], "http://h/mjpeg");
    EXPECT_FALSE(has(got.remark("/streams/e"), "encoded anew"));
    EXPECT_EQ(got.main("f")["url"], "v4l2:/dev/video0");
    EXPECT_EQ(got.main("g")["url"], "test:");
    EXPECT_TRUE(has(got.remark("/streams/h"), "encoded anew"));
    EXPECT_TRUE(got.main("i").is_null());
    EXPECT_TRUE(got.main("j").is_null());
    EXPECT_EQ(got.main("k")["url"], "v4l2:/dev/video2");
    EXPECT_TRUE(has(got.remark("/streams/l"), "RTMP"));
}

TEST(ImportGo2rtc, WhatHasNoEquivalentIsNamedOnce) {
    for (const char* source :
         {"exec:ffmpeg -i x -f rtsp {output}", "echo:./a.sh", "hass:Camera", "homekit://h?x=1", "onvif://u:pw@h",
          "rtmp://u:pw@h/x", "tapo://pw@h", "dvrip://u:pw@h", "webrtc:http://h/whep", "http://h/live.m3u8",
          "http://h/x.flv", "http://h/snapshot.cgi", "tcp://h:1", "strange:x", "not an address", "rtsp://",
          "rtsp://h:99999/1", "isapi://u:pw@h"}) {
        const auto got = go2rtc("streams:\n  good: rtsp://h/1\n  bad: '" + std::string(source) + "'\n");
        EXPECT_EQ(got.result.cameras, 1u) << source;
        EXPECT_TRUE(has(got.remark("/streams/bad"), "left out: ")) << source;
        EXPECT_EQ(got.remarks_of("/streams/bad"), 1u) << source << got.remarks();
        EXPECT_FALSE(has(got.remarks(), "pw")) << got.remarks();
    }
    const auto empty = go2rtc("streams:\n  good: rtsp://h/1\n  pushed:\n  nothing: []\n  number: 7\n  nested: [[x]]\n");
    EXPECT_TRUE(has(empty.remark("/streams/pushed"), "waits for somebody"));
    EXPECT_TRUE(has(empty.remark("/streams/nothing"), "waits for somebody"));
    EXPECT_EQ(empty.result.cameras, 1u);
}

TEST(ImportGo2rtc, ItsOwnServerIsNoSource) {
    const auto got = go2rtc("rtsp: {listen: ':9554'}\nstreams:\n  a: rtsp://h/1\n  b: rtsp://127.0.0.1:9554/a?video\n"
                            "  c: rtsp://localhost:8554/other\n  d: rtsp://[::1]:9554/x\n");
    EXPECT_TRUE(has(got.remark("/streams/b"), "made of the stream \"a\""));
    EXPECT_EQ(got.main("c")["url"], "rtsp://localhost:8554/other");
    EXPECT_TRUE(has(got.remark("/streams/d"), "go2rtc itself"));
}

TEST(ImportGo2rtc, VariablesStayVariablesWhereAPasswordStands) {
    const auto got =
        go2rtc("env:\n  KNOWN: inside\nstreams:\n  a: rtsp://${USER_A:admin}:${PW_A}@${HOST}:${PORT:554}/1\n"
               "  b: rtsp://u:${PW_B:fallback}@h/1\n  c: rtsp://u:${KNOWN}@h/1\n  d: rtsp://u:p-${PW_A}@h/1\n"
               "  e: rtsp://u@${NOBODY}/1\n  f: rtsp://u:${}x@h/1\n",
               {{"HOST", "10.0.0.9"}, {"PW_A", "secret-a"}});
    EXPECT_EQ(got.main("a")["user"], "admin");
    EXPECT_EQ(got.main("a")["url"], "rtsp://10.0.0.9:554/1");
    EXPECT_EQ(got.main("b")["password"]["env"], "PW_B");
    EXPECT_EQ(got.main("c")["password"]["env"], "SLUICE_CAMERA_C");
    EXPECT_EQ(got.main("d")["password"]["env"], "SLUICE_CAMERA_D");
    std::map<std::string, std::string> secrets;
    for (const auto& secret : got.result.secrets)
        secrets[secret.reference] = secret.value.reveal();
    EXPECT_EQ(secrets["SLUICE_CAMERA_C"], "inside");
    EXPECT_EQ(secrets["SLUICE_CAMERA_D"], "p-secret-a");
    EXPECT_EQ(secrets["PW_B"], "");
    EXPECT_TRUE(has(got.remark("/streams/e"), "NOBODY"));
    for (const char* secret : {"inside", "secret-a", "fallback"}) {
        EXPECT_FALSE(has(got.result.json, secret)) << got.result.json;
        EXPECT_FALSE(has(got.remarks(), secret)) << got.remarks();
    }
    const auto plain = go2rtc("streams:\n  a: rtsp://u:${PW}@h/1\n", {{"PW", "value"}});
    EXPECT_EQ(plain.main("a")["password"]["env"], "PW");
}

TEST(ImportGo2rtc, ServerSettings) {
    const auto got = go2rtc(R"(
api:
  listen: "127.0.0.1:1985"
  username: boss
  password: hunter2
  origin: "*"
  tls_listen: ":443"
rtsp: {listen: ":8554", username: boss, password: hunter2}
webrtc:
  listen: ":8555/tcp"
  candidates: [203.0.113.5:8555, "stun:8555"]
  ice_servers:
    - urls: ["stun:stun.example.com"]
    - urls: "turn:turn.example.com:3478"
      username: user
      credential: hunter2
  filters: {udp_ports: [50000, 50100], ips: [10.0.0.1, x], networks: [udp4]}
log: {level: debug}
homekit: {a: {pin: 123}}
whatever: 1
streams: {a: "rtsp://h/1"}
)");
    EXPECT_EQ(got.json["server"], Json::parse(R"({"port": 1985, "address": "127.0.0.1", "webrtc": {"ice-tcp": true,
                  "stun-server": "stun://stun.example.com:3478", "min-rtp-port": 50000, "max-rtp-port": 50100,
                  "ice-addresses": ["10.0.0.1"]}})"));
    for (const char* where : {"/api/username", "/api/origin", "/api/tls_listen", "/rtsp", "/webrtc/candidates",
                              "/webrtc/ice_servers/1/urls", "/webrtc/filters/ips", "/webrtc/filters/networks", "/log",
                              "/homekit", "/whatever"})
        EXPECT_NE(got.remark(where), "") << where << "\n" << got.remarks();
    EXPECT_EQ(got.remark("/webrtc/listen"), "");
    EXPECT_EQ(got.result.commands, std::vector<std::string>{"sluice passwd add boss --action view,snapshot,operate"});
    EXPECT_FALSE(has(got.remarks(), "hunter2"));
    EXPECT_FALSE(has(got.result.json, "hunter2"));
    EXPECT_TRUE(has(go2rtc("streams: {a: rtsp://h/1}").remark("/api"), "1984"));
    EXPECT_TRUE(
        has(go2rtc("webrtc: {listen: ':8555'}\nstreams: {a: rtsp://h/1}").remark("/webrtc/listen"), "UDP port"));
    EXPECT_TRUE(has(go2rtc("api: {listen: x}\nstreams: {a: rtsp://h/1}").remark("/api/listen"), "ADDRESS:PORT"));
}

TEST(ImportGo2rtc, ContactIsAlwaysUnlessItIsAskedFor) {
    const std::string yaml = "preload:\n  a: video\nstreams:\n  a: rtsp://h/1\n  b: rtsp://h/2\n";
    EXPECT_FALSE(go2rtc(yaml).main("b").contains("on-demand"));
    EXPECT_TRUE(has(go2rtc(yaml).remark("/streams"), "--on-demand"));
    ImportOptions options;
    options.on_demand = true;
    const auto got = go2rtc(yaml, {}, options);
    EXPECT_FALSE(got.main("a").contains("on-demand"));
    EXPECT_EQ(got.main("b")["on-demand"], true);
    EXPECT_EQ(got.remark("/streams"), "");
}

TEST(ImportGo2rtc, PasswordsThatCannotBeReferencesAreSaidWithoutBeingShown) {
    const auto got = go2rtc("streams:\n  a: rtsp://h/user=admin&password=hunter2&channel=1\n"
                            "  'rtsp://u:hunter2@h/1': rtsp://h/2\n  c: exec:cam --password hunter2\n");
    EXPECT_TRUE(has(got.remark("/streams/a"), "password in its path"));
    EXPECT_FALSE(has(got.remarks(), "hunter2")) << got.remarks();
}

TEST(ImportGo2rtc, CamerasThatSluiceDoesNotTakeAreLeftOutWithItsWords) {
    const auto got = go2rtc("streams:\n  a: rtsp://:pw@h/1\n  b: rtsp://h/1\n");
    EXPECT_TRUE(got.main("a").is_null());
    EXPECT_TRUE(has(got.remark("/streams/a"), "the user name")) << got.remarks();
    EXPECT_EQ(got.result.secrets.size(), 0u);
}

TEST(ImportGo2rtc, FormatsAreToldApart) {
    const auto guess = [](const char* text) { return guess_import_format(parse_yaml(text).value()); };
    EXPECT_EQ(guess("streams: {}"), ImportFormat::go2rtc);
    EXPECT_EQ(guess("paths: {}"), ImportFormat::mediamtx);
    EXPECT_EQ(guess("pathDefaults: {}"), ImportFormat::mediamtx);
    EXPECT_EQ(guess("paths: {}\nstreams: {}"), std::nullopt);
    EXPECT_EQ(guess("a: 1"), std::nullopt);
}

TEST(ImportGo2rtc, AddressesToListenOn) {
    EXPECT_EQ(read_listen(":1984")->port, 1984);
    EXPECT_EQ(read_listen("[::1]:80")->address, "::1");
    EXPECT_EQ(read_listen("localhost:80")->address, "127.0.0.1");
    for (const char* bad : {"", "1984", ":0", ":65536", ":x", "name.example:80", ":80x"})
        EXPECT_FALSE(read_listen(bad)) << bad;
    EXPECT_EQ(read_stun("stun:h"), "stun://h:3478");
    EXPECT_EQ(read_stun("stun://h:1"), "stun://h:1");
    EXPECT_EQ(read_stun("turn:h"), std::nullopt);
    EXPECT_EQ(read_stun("stun:u@h"), std::nullopt);
}

} // namespace
