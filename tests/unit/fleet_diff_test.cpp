// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/config_parser.hpp"
#include "launcher/config/fleet_diff.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace sluice;

namespace {

using Names = std::vector<std::string>;

CameraConfig camera(const std::string& name, const std::string& url = "rtsp://h/1") {
    StreamConfig stream;
    stream.name = "main";
    stream.sources.resize(1);
    stream.sources[0].url = url;
    return {name, {stream}, {}, {}};
}

TEST(FleetDiff, NamesWhatIsAddedChangedAndRemoved) {
    const FleetDiff diff = diff_cameras({camera("a"), camera("b"), camera("c"), camera("d")},
                                        {camera("e"), camera("d"), camera("b", "rtsp://h/2"), camera("a")});
    EXPECT_EQ(diff.added, Names{"e"});
    EXPECT_EQ(diff.changed, Names{"b"});
    EXPECT_EQ(diff.removed, Names{"c"});
    EXPECT_EQ(diff.untouched, 2u);
    EXPECT_EQ(to_string(diff), "1 added, 1 changed, 1 removed, 2 untouched");
    EXPECT_FALSE(diff.empty());
}

TEST(FleetDiff, TheSameIsEmptyInAnyOrder) {
    const FleetDiff diff = diff_cameras({camera("a"), camera("b")}, {camera("b"), camera("a")});
    EXPECT_TRUE(diff.empty());
    EXPECT_EQ(diff.untouched, 2u);
    EXPECT_TRUE(diff_cameras({}, {}).empty());
}

TEST(FleetDiff, EveryFieldOfACameraCounts) {
    const auto changed = [](auto change) {
        CameraConfig other = camera("a");
        change(other);
        return !diff_cameras({camera("a")}, {other}).changed.empty();
    };
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].user = "u"; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].password = Secret("p"); }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].transport = Transport::udp; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].latency_ms = 1; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].tls_fingerprint = "00"; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].source_template = "mine"; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources[0].parameters["a"] = true; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].sources.push_back(c.streams[0].sources[0]); }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].on_demand = true; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams[0].stall_ms = 1000; }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.streams.push_back(c.streams[0]); }));
    EXPECT_TRUE(changed([](CameraConfig& c) { c.webrtc.enabled = false; }));
    EXPECT_FALSE(changed([](CameraConfig& c) { c.description = "{ }"; })) << "only written differently";
}

TEST(FleetDiff, NamesTheFieldsThatNeedARestart) {
    ServerConfig a, b;
    EXPECT_TRUE(fixed_fields_changed(a, b).empty());
    b.port = 81;
    b.address = "::1";
    b.state = "/s";
    b.webrtc.ice_tcp = true;
    b.webrtc.min_rtp_port = 2000;
    b.webrtc.max_rtp_port = 3000;
    b.webrtc.stun_server = "stun://h:1";
    b.webrtc.ice_addresses = {"10.0.0.1"};
    EXPECT_EQ(fixed_fields_changed(a, b),
              (Names{"/server/address", "/server/port", "/server/state", "/server/webrtc/stun-server",
                     "/server/webrtc/ice-addresses", "/server/webrtc/min-rtp-port", "/server/webrtc/max-rtp-port",
                     "/server/webrtc/ice-tcp"}));
}

TEST(FleetDiff, AnotherQualityIsAChange) {
    CameraConfig a = camera("a"), b = camera("a");
    b.webrtc.quality = "main";
    EXPECT_EQ(diff_cameras({a}, {b}).changed, Names{"a"});
}

TEST(FleetDiff, TheOrderOfSourcesCounts) {
    CameraConfig a = camera("a"), b = camera("a");
    a.streams[0].sources.push_back(camera("a", "rtsp://h/2").streams[0].sources[0]);
    b.streams[0].sources.insert(b.streams[0].sources.begin(), camera("a", "rtsp://h/2").streams[0].sources[0]);
    EXPECT_EQ(diff_cameras({a}, {b}).changed, Names{"a"});
    EXPECT_TRUE(diff_cameras({a}, {a}).empty());
}

const Templates& templates() {
    static const Templates all = [] {
        const char* directory = std::getenv("SLUICE_PIPELINES");
        Result<Templates> loaded = Templates::load(directory ? directory : "pipelines");
        EXPECT_TRUE(loaded);
        return loaded ? loaded.value() : Templates();
    }();
    return all;
}

TEST(ParseCamera, IsTheFilesValidationWithPointersIntoItsOwnText) {
    const SecretSource none{[](const std::string&) { return std::nullopt; },
                            [](const std::string&) -> Result<std::string> {
                                return Error{ErrorKind::missing_file, "No such file or directory"};
                            }};
    const ConfigResult good =
        parse_camera("a", R"({ "streams": {"main": {"url": "rtsp://h/1"}} })", {templates(), none, "/d"});
    ASSERT_TRUE(good.errors.empty());
    ASSERT_EQ(good.config.cameras.size(), 1u);
    EXPECT_EQ(good.config.cameras[0].name, "a");
    EXPECT_EQ(good.config.cameras[0].description, R"({"streams":{"main":{"url":"rtsp://h/1"}}})");
    const std::string bad = R"({"streams": {"main": {"url": "ftp://h/1", "user": "u", "password": {"file": "pw"}}}})";
    const ConfigResult alone = parse_camera("a", bad, {templates(), none, "/d"});
    const ConfigResult whole =
        parse_config(R"({"version": 1, "cameras": {"a": )" + bad + "}}", {templates(), none, "/d"});
    ASSERT_EQ(alone.errors.size(), 2u);
    ASSERT_EQ(whole.errors.size(), 2u);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_EQ("/cameras/a" + alone.errors[i].where, whole.errors[i].where);
        EXPECT_EQ(alone.errors[i].text, whole.errors[i].text);
    }
    EXPECT_EQ(parse_camera("a/b", R"({"streams": {"main": {"url": "rtsp://h/1"}}})", {templates(), none}).errors.size(),
              1u);
    EXPECT_EQ(parse_camera("a", "[", {templates(), none}).errors.size(), 1u);
    EXPECT_EQ(parse_camera("a", "", {templates(), none}).errors.size(), 1u);
}

TEST(ParseConfig, WithoutACameraIsAMistakeWhereOneIsNeeded) {
    const std::string empty = R"({"version": 1, "cameras": {}})";
    EXPECT_EQ(parse_config(empty, {templates(), SecretSource::real()}).errors.size(), 1u);
    EXPECT_TRUE(parse_config(empty, {templates(), SecretSource::real(), "", false, false}).errors.empty());
}

} // namespace
