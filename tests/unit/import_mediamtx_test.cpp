// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/import_text.hpp"

using namespace sluice;
using namespace sluice::import_text;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ImportMediaMtx, PathsWithASourceBecomeCameras) {
    const std::string print(64, 'A');
    const auto got = mediamtx(
        "pathDefaults: {rtspTransport: udp}\npaths:\n  front:\n    source: rtsp://u:hunter2@10.0.0.5:554/1\n"
        "    sourceOnDemand: yes\n  gate:\n    source: rtsps://h/1\n    rtspTransport: tcp\n    sourceFingerprint: " +
        print +
        "\n  site/yard/main: {source: 'rtsp+http://h/2'}\n  site/yard/sub: {source: 'rtsp://h/3'}\n"
        "  old: {source: rtsp://h/4, sourceProtocol: udp}\n");
    EXPECT_EQ(got.main("front"), Json::parse(R"({"url": "rtsp://10.0.0.5:554/1", "user": "u",
              "password": {"env": "SLUICE_CAMERA_FRONT"}, "transport": "udp", "on-demand": true})"));
    EXPECT_EQ(got.main("gate"), Json::parse(R"({"url": "rtsps://h/1", "tls-fingerprint": ")" + print + "\"}"));
    EXPECT_EQ(got.main("site-yard")["transport"], "http");
    EXPECT_EQ(got.camera("site-yard")["streams"]["sub"]["url"], "rtsp://h/3");
    EXPECT_EQ(got.main("old")["transport"], "udp");
    EXPECT_FALSE(has(got.result.json + got.remarks(), "hunter2"));
}

TEST(ImportMediaMtx, SrtIsTakenApart) {
    const auto got =
        mediamtx("paths:\n  a: {source: 'srt://h:9000/?streamid=x&passphrase=hunter2-long&latency=200&mode=caller'}\n"
                 "  b: {source: 'srt://h:9000?passphrase=short'}\n");
    EXPECT_EQ(got.main("a")["url"], "srt://h:9000?streamid=x&mode=caller");
    EXPECT_EQ(got.main("a")["password"]["env"], "SLUICE_CAMERA_A");
    EXPECT_TRUE(has(got.remark("/paths/a/source"), "parameters of SRT"));
    EXPECT_TRUE(got.main("b").is_null());
    EXPECT_TRUE(has(got.remark("/paths/b"), "10 to 79")) << got.remarks();
    EXPECT_FALSE(has(got.result.json + got.remarks(), "hunter2"));
}

TEST(ImportMediaMtx, WhatIsNoCameraIsNamed) {
    const auto got =
        mediamtx("paths:\n  good: {source: 'rtsp://h/1'}\n  pushed:\n  also: {source: publisher}\n"
                 "  all_others:\n  ~^cam(.+)$: {source: 'rtsp://h/$G1'}\n  v: {source: 'rtsp://h/$MTX_QUERY'}\n"
                 "  r: {source: redirect, sourceRedirect: /good}\n  pi: {source: rpiCamera}\n"
                 "  h: {source: 'http://h/x.m3u8'}\n  t: {source: 'udp+mpegts://1.2.3.4:5'}\n"
                 "  w: {source: 'whep://h/x'}\n  m: {source: 'rtmp://u:hunter2@h/x'}\n");
    EXPECT_EQ(got.result.cameras, 1u);
    for (const char* where : {"/paths/pushed", "/paths/also", "/paths/all_others", "/paths/~0^cam(.+)$",
                              "/paths/v/source", "/paths/r/source", "/paths/pi/source", "/paths/h/source",
                              "/paths/t/source", "/paths/w/source", "/paths/m/source"})
        EXPECT_EQ(got.remarks_of(where), 1u) << where << "\n" << got.remarks();
    EXPECT_FALSE(has(got.remarks(), "hunter2"));
}

TEST(ImportMediaMtx, FallbacksAreFurtherSources) {
    const auto got =
        mediamtx("paths:\n  a: {source: 'rtsp://h/1', fallback: /b}\n  b: {source: 'rtsp://h/2'}\n"
                 "  c: {source: 'rtsp://h/3', fallback: 'rtsp://u:pw@h/4'}\n  d: {source: 'rtsp://h/5', fallback: /e}\n"
                 "  e:\n");
    EXPECT_EQ(got.main("a")["sources"], Json::parse(R"([{"url": "rtsp://h/1"}, {"url": "rtsp://h/2"}])"));
    EXPECT_EQ(got.main("c")["sources"][1]["user"], "u");
    EXPECT_EQ(got.main("d")["url"], "rtsp://h/5");
    EXPECT_TRUE(has(got.remark("/paths/d/fallback"), "no source here"));
}

TEST(ImportMediaMtx, OnlyWhatIsSetIsRemarked) {
    const auto got = mediamtx(R"(
logLevel: info
runOnConnect:
metrics: no
rtspTransports: [udp, tcp]
hls: no
rtmp: no
srt: no
moq: no
rtsp: no
webrtcTrustedProxies: []
authInternalUsers: []
pathDefaults:
  source: publisher
  record: no
  runOnReady:
  maxReaders: 0
  sourceOnDemandStartTimeout: 10s
  rpiCameraWidth: 1920
paths:
  a: {source: 'rtsp://h/1'}
)");
    EXPECT_EQ(got.remarks(), "");
    EXPECT_TRUE(got.result.commands.empty());
}

TEST(ImportMediaMtx, WhatIsSetAndMissingIsRemarked) {
    const auto got = mediamtx(R"(
runOnConnect: curl http://u:hunter2@h
metrics: yes
authMethod: http
authHTTPAddress: http://u:hunter2@h/auth
webrtcAddress: :8889
webrtcEncryption: yes
webrtcLocalUDPAddress: :8189
webrtcLocalTCPAddress: :8189
webrtcAdditionalHosts: [vpn.example]
webrtcTrustedProxies: [10.0.0.1]
webrtcICEServers2:
  - {url: 'stun:stun.example:3478'}
  - {url: 'turn:turn.example', username: u, password: hunter2}
newSetting: 1
pathDefaults: {record: yes}
paths:
  a:
    source: rtsp://h/1
    runOnReady: ffmpeg -i rtsp://u:hunter2@h
    runOnReadyRestart: yes
    maxReaders: 5
    readUser: bob
    readPass: hunter2
    forward: [{dest: 'rtsp://u:hunter2@h'}]
    sourceOnDemandCloseAfter: 30s
    newPathSetting: 1
)");
    EXPECT_EQ(got.json["server"]["webrtc"],
              Json::parse(R"({"ice-tcp": true, "stun-server": "stun://stun.example:3478"})"));
    for (const char* where :
         {"/runOnConnect", "/metrics", "/authHTTPAddress", "/webrtcAddress", "/webrtcEncryption",
          "/webrtcLocalUDPAddress", "/webrtcAdditionalHosts", "/webrtcTrustedProxies", "/webrtcICEServers2/1/url",
          "/newSetting", "/pathDefaults/record", "/paths/a/runOnReady", "/paths/a/maxReaders", "/paths/a/readUser",
          "/paths/a/forward", "/paths/a/sourceOnDemandCloseAfter", "/paths/a/newPathSetting"})
        EXPECT_EQ(got.remarks_of(where), 1u) << where << "\n" << got.remarks();
    EXPECT_EQ(got.remark("/paths/a/runOnReadyRestart"), "");
    EXPECT_FALSE(has(got.result.json + got.remarks(), "hunter2"));
}

TEST(ImportMediaMtx, UsersBecomeCommandsThatNeverGiveMore) {
    const auto got = mediamtx(R"(
authInternalUsers:
  - user: any
    permissions: [{action: api}]
  - user: alice
    pass: hunter2
    ips: [10.0.0.0/8]
    permissions: [{action: read}, {action: playback}]
  - user: bob b
    pass: hunter2
    permissions: [{action: read, path: site/front}, {action: read, path: gone}, {action: publish, path: site/front}]
  - user: carol
    permissions: [{action: api}]
  - user: argon2:$x
    permissions: [{action: read}]
  - user: dave
    permissions: [{action: read, path: '~^x'}]
  - user: erin
    permissions: [{action: read, path: gone}]
  - user: admin
    permissions: [{action: read}]
paths:
  site/front: {source: 'rtsp://h/1'}
  gone:
)");
    EXPECT_EQ(got.result.commands,
              (std::vector<std::string>{"sluice passwd add alice --action playback,snapshot,view",
                                        "sluice passwd add 'bob b' --action snapshot,view --camera site-front",
                                        "sluice passwd add carol --action operate", "sluice passwd admin"}));
    EXPECT_TRUE(has(got.remark("/authInternalUsers/2/permissions"), "differ from path to path"));
    EXPECT_NE(got.remark("/authInternalUsers/1/ips"), "");
    EXPECT_NE(got.remark("/authInternalUsers/4/user"), "");
    EXPECT_NE(got.remark("/authInternalUsers/5/permissions/0/path"), "");
    EXPECT_EQ(got.remark("/authInternalUsers"), "");
    EXPECT_FALSE(has(got.result.json + got.remarks(), "hunter2"));
    EXPECT_TRUE(has(mediamtx("paths: {a: {source: 'rtsp://h/1'}}").remark("/authInternalUsers"), "everybody"));
    EXPECT_TRUE(has(mediamtx("authInternalUsers: [{user: any, permissions: [{action: read}]}]\n"
                             "paths: {a: {source: 'rtsp://h/1'}}")
                        .remark("/authInternalUsers"),
                    "everybody"));
}

TEST(ImportMediaMtx, NothingLeftIsNoConfiguration) {
    const auto got = mediamtx("paths: {all_others: }");
    EXPECT_EQ(got.result.cameras, 0u);
    EXPECT_EQ(got.result.json, "");
}

} // namespace
