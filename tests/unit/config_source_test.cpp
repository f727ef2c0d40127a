// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/config_text.hpp"

using namespace sluice;
using namespace sluice::config_text;

namespace {

// The only source of a configuration with that stream.
SourceConfig source_of(const std::string& stream) {
    const ConfigResult result = parse(with_stream(stream));
    EXPECT_TRUE(result.errors.empty()) << stream << "\n" << all(result);
    if (!result.errors.empty() || result.config.cameras[0].streams[0].sources.size() != 1)
        return {};
    return result.config.cameras[0].streams[0].sources[0];
}

TEST(ConfigSource, TheAddressChoosesTheTemplate) {
    for (const auto& [url, name] : std::map<std::string, std::string>{{"rtsp://h/1", "rtsp"},
                                                                      {"rtsps://h/1", "rtsp"},
                                                                      {"http://h/1", "mjpeg"},
                                                                      {"https://h/1", "mjpeg"},
                                                                      {"srt://h:1", "srt"},
                                                                      {"file:clip.mp4", "file"},
                                                                      {"v4l2:///dev/video0", "v4l2"},
                                                                      {"test:", "test"}})
        EXPECT_EQ(source_of(R"({"url": ")" + url + "\"}").source_template, name) << url;
    using Parameters = std::map<std::string, ParameterValue>;
    EXPECT_EQ(source_of(R"({"url": "file:clips/a b.mp4"})").parameters,
              (Parameters{{"location", std::string("/cfg/clips/a b.mp4")}}));
    EXPECT_EQ(source_of(R"({"url": "file:clips/a b.mp4"})").url, "file:/cfg/clips/a%20b.mp4");
    EXPECT_EQ(source_of(R"({"url": "file:///clips/a.mp4"})").parameters,
              (Parameters{{"location", std::string("/clips/a.mp4")}}));
    EXPECT_EQ(source_of(R"({"url": "v4l2:///dev/video0", "parameters": {"width": 640}})").parameters,
              (Parameters{{"device", std::string("/dev/video0")}, {"width", int64_t(640)}}));
    EXPECT_EQ(source_of(R"({"url": "test:snow"})").parameters, (Parameters{{"pattern", std::string("snow")}}));
    EXPECT_TRUE(source_of(R"({"url": "test:"})").parameters.empty());
    const std::string at = "/cameras/front/streams/main/url";
    expect_error(with_stream(R"({"url": "test:rain"})"), at, "ball, snow");
    expect_error(with_stream(R"({"url": "srt://h"})"), at, "names no port");
}

TEST(ConfigSource, TransportsAndTheirLatency) {
    EXPECT_EQ(source_of(R"({"url": "rtsp://h/1", "transport": "http"})").transport, Transport::http);
    EXPECT_EQ(source_of(R"({"url": "rtsp://h/1", "transport": "http"})").url, "rtsp://h:80/1");
    EXPECT_EQ(source_of(R"({"url": "rtsps://h/1", "transport": "http"})").url, "rtsps://h:443/1");
    EXPECT_EQ(source_of(R"({"url": "rtsp://h:554/1", "transport": "http"})").url, "rtsp://h:554/1");
    EXPECT_EQ(source_of(R"({"url": "srt://h:1"})").latency_ms, 120u);
    EXPECT_EQ(source_of(R"({"url": "srt://h:1", "latency": 20})").latency_ms, 20u);
    EXPECT_EQ(source_of(R"({"url": "rtsp://h/1", "transport": "udp", "latency": 20})").latency_ms, 20u);
}

TEST(ConfigSource, FieldsThatAKindDoesNotHaveAreErrors) {
    const std::string at = "/cameras/front/streams/main";
    for (const char* url : {"http://h/1", "srt://h:1", "file:a", "test:", "v4l2:/dev/video0"})
        expect_error(with_stream(R"({"url": ")" + std::string(url) + R"(", "transport": "tcp"})"), at + "/transport",
                     "does not take");
    expect_error(with_stream(R"({"url": "http://h/1", "latency": 1})"), at + "/latency", "mjpeg");
    expect_error(with_stream(R"({"url": "srt://h:1", "user": "u"})"), at + "/user", "srt");
    expect_error(with_stream(R"({"url": "rtsp://h/1", "user": "u\r\nX: y"})"), at + "/user", "control character");
    expect_error(with_stream(R"({"url": "file:a", "user": "u"})"), at + "/user", "file");
}

TEST(ConfigSource, PassphrasesOfSrt) {
    EXPECT_EQ(source_of(R"({"url": "srt://h:1", "password": {"env": "PHRASE"}})").password.reveal(),
              "a whole passphrase");
    expect_error(with_stream(R"({"url": "srt://h:1", "password": {"env": "PW"}})"),
                 "/cameras/front/streams/main/password", "10 to 79");
    expect_error(with_stream(R"({"url": "srt://h:1?passphrase=0123456789"})"), "/cameras/front/streams/main/url",
                 "password");
}

TEST(ConfigSource, Fingerprints) {
    std::string digits, colons;
    for (int i = 0; i < 32; i++) {
        digits += "0a";
        colons += (i ? ":" : "") + std::string("0A");
    }
    for (const std::string& given : {digits, colons})
        EXPECT_EQ(source_of(R"({"url": "rtsps://h/1", "tls-fingerprint": ")" + given + "\"}").tls_fingerprint, digits);
    EXPECT_EQ(source_of(R"({"url": "https://h/1", "tls-fingerprint": ")" + digits + "\"}").tls_fingerprint, digits);
    const std::string at = "/cameras/front/streams/main/tls-fingerprint";
    expect_error(with_stream(R"({"url": "rtsps://h/1", "tls-fingerprint": "0a"})"), at, "SHA-256");
    expect_error(with_stream(R"({"url": "rtsps://h/1", "tls-fingerprint": ")" + digits.substr(1) + "x\"}"), at);
    expect_error(with_stream(R"({"url": "rtsp://h/1", "tls-fingerprint": ")" + digits + "\"}"), at, "rtsps://");
}

TEST(ConfigSource, NamedTemplates) {
    const SourceConfig plain = source_of(R"({"template": "test", "parameters": {"pattern": "snow", "quiet": false}})");
    EXPECT_EQ(plain.source_template, "test");
    EXPECT_EQ(plain.url, "");
    EXPECT_EQ(std::get<std::string>(plain.parameters.at("pattern")), "snow");
    EXPECT_FALSE(std::get<bool>(plain.parameters.at("quiet")));
    const SourceConfig with_url = source_of(
        R"({"url": "rtsp://h/1", "user": "u", "password": {"env": "PW"}, "template": "all", "parameters": {"one": "x"}})");
    EXPECT_EQ(with_url.source_template, "all");
    EXPECT_EQ(with_url.url, "rtsp://h/1");
    EXPECT_EQ(with_url.latency_ms, 120u) << "the template's own";
    const std::string at = "/cameras/front/streams/main";
    expect_error(with_stream(R"({"template": "none"})"), at + "/template", "all, file, mjpeg, rtsp, srt, test, v4l2");
    expect_error(with_stream(R"({"template": 5})"), at + "/template", "a number");
    expect_error(with_stream(R"({"template": "all"})"), at + "/url", "needs it");
    expect_error(with_stream(R"({"template": "file"})"), at + "/parameters/location", "needs it");
    expect_error(with_stream(R"({"url": "test:ball", "template": "rtsp"})"), at + "/url", "does not take");
    expect_error(with_stream(R"({"template": "test", "parameters": {"loud": true}})"), at + "/parameters/loud",
                 "pattern, quiet");
    expect_error(with_stream(R"({"template": "test", "parameters": {"pattern": "rain"}})"), at + "/parameters/pattern",
                 "ball, snow");
    expect_error(with_stream(R"({"template": "test", "parameters": {"pattern": 1}})"), at + "/parameters/pattern",
                 "ball, snow");
    expect_error(with_stream(R"({"template": "test", "parameters": {"quiet": null}})"), at + "/parameters/quiet",
                 "true or false");
    expect_error(with_stream(R"({"template": "test", "parameters": []})"), at + "/parameters", "pattern, quiet");
    expect_error(with_stream(R"({"url": "v4l2:/dev/video0", "parameters": {"width": 8001}})"), at + "/parameters/width",
                 "found 8001, allowed: a whole number from 16 up to 8000");
    expect_error(with_stream(R"({"url": "rtsp://h/1", "parameters": {"url": "rtsp://h/2"}})"), at + "/parameters/url",
                 "field of that name");
    expect_error(with_stream(R"({"url": "test:snow", "parameters": {"pattern": "ball"}})"), at + "/parameters/pattern",
                 "second value");
}

TEST(ConfigSource, SourcesInOrder) {
    const ConfigResult result = parse(with_stream(R"({"on-demand": true, "stall-timeout": 500, "sources": [
        {"url": "rtsp://h/1", "transport": "udp"}, {"url": "rtsp://h/2"}, {"url": "file:away.mp4"}]})"));
    ASSERT_TRUE(result.errors.empty()) << all(result);
    const StreamConfig& stream = result.config.cameras[0].streams[0];
    ASSERT_EQ(stream.sources.size(), 3u);
    EXPECT_EQ(stream.sources[0].transport, Transport::udp);
    EXPECT_EQ(stream.sources[1].url, "rtsp://h/2");
    EXPECT_EQ(stream.sources[1].transport, Transport::tcp) << "nothing of the one before";
    EXPECT_EQ(stream.sources[1].latency_ms, 0u);
    EXPECT_EQ(stream.sources[2].source_template, "file");
    EXPECT_TRUE(stream.on_demand);
    EXPECT_EQ(stream.stall_ms, 500u);
    const std::string at = "/cameras/front/streams/main";
    expect_error(with_stream(R"({"sources": {}})"), at + "/sources", "a list of 1 to 8");
    expect_error(with_stream(R"({"sources": []})"), at + "/sources", "a list of 1 to 8");
    std::string nine = R"({"url": "test:"})";
    for (int i = 0; i < 8; i++)
        nine += R"(, {"url": "test:"})";
    expect_error(with_stream(R"({"sources": [)" + nine + "]}"), at + "/sources", "found 9");
    expect_error(with_stream(R"({"sources": [{"url": "test:"}, {"uri": "test:", "url": "test:"}]})"),
                 at + "/sources/1/uri", "url, user");
    expect_error(with_stream(R"({"sources": [{"url": "test:", "on-demand": true}]})"), at + "/sources/0/on-demand");
    expect_error(with_stream(R"({"sources": ["test:"]})"), at + "/sources/0", "a text");
    expect_error(with_stream(R"({"sources": [{}]})"), at + "/sources/0/url", "required");
    expect_error(with_stream(R"({"url": "test:", "sources": [{"url": "test:"}]})"), at + "/url", "in the list");
    expect_error(with_stream(R"({"url": "test:", "on-demand": 1})"), at + "/on-demand", "true or false");
    expect_error(with_stream(R"({"url": "test:", "stall-timeout": 499})"), at + "/stall-timeout", "500");
    expect_error(with_stream(R"({"url": "test:", "stall-timeout": 60001})"), at + "/stall-timeout", "60000");
}

TEST(ConfigSource, StreamsMadeOfMain) {
    const auto with_sub = [](const std::string& sub) {
        return R"({"version": 1, "cameras": {"front": {"streams": {"main": {"url": "test:"}, "sub": )" + sub + "}}}}";
    };
    const ConfigResult result = parse(with_sub(
        R"({"from": "main", "width": 640, "height": 360, "framerate": 10, "bitrate": 400, "stall-timeout": 900})"));
    ASSERT_TRUE(result.errors.empty()) << all(result);
    const StreamConfig& stream = result.config.cameras[0].streams[1];
    ASSERT_EQ(stream.sources.size(), 1u);
    EXPECT_EQ(stream.sources[0].derived,
              (DerivedConfig{.from = "main", .width = 640, .height = 360, .framerate = 10, .bitrate = 400}));
    EXPECT_TRUE(stream.on_demand);
    EXPECT_EQ(stream.stall_ms, 900u);
    EXPECT_EQ(parse(with_sub(R"({"from": "main"})")).config.cameras[0].streams[1].sources[0].derived, DerivedConfig());
    const std::string at = "/cameras/front/streams/sub";
    expect_error(with_sub(R"({"from": "sub"})"), at + "/from", "allowed: main");
    expect_error(with_sub(R"({"from": 1})"), at + "/from");
    expect_error(with_sub(R"({"from": "main", "url": "test:"})"), at + "/url", "beside \"from\"");
    expect_error(with_sub(R"({"from": "main", "on-demand": false})"), at + "/on-demand", "beside");
    expect_error(with_sub(R"({"from": "main", "width": 63})"), at + "/width", "64");
    expect_error(with_sub(R"({"from": "main", "bitrate": 49})"), at + "/bitrate", "50");
    expect_error(with_sub(R"({"url": "test:", "width": 640})"), at + "/width", "from");
    expect_error(with_stream(R"({"from": "main"})"), "/cameras/front/streams/main/from", "main comes from the camera");
}

TEST(ConfigSource, StreamsMadeByATemplateOfOnesOwn) {
    const auto with_sub = [](const std::string& sub) {
        return R"({"version": 1, "cameras": {"front": {"streams": {"main": {"url": "test:"}, "sub": )" + sub + "}}}}";
    };
    const std::string at = "/cameras/front/streams/sub";
    const std::string mask = R"({"from": "main", "template": "mask", )";
    const ConfigResult result = parse(with_sub(mask + R"("bitrate": 400, "parameters": {"colour": "grey"}})"));
    ASSERT_TRUE(result.errors.empty()) << all(result);
    const SourceConfig& source = result.config.cameras[0].streams[1].sources[0];
    EXPECT_EQ(source.source_template, "mask");
    EXPECT_EQ(source.derived, (DerivedConfig{.bitrate = 400}));
    EXPECT_EQ(source.parameters, (std::map<std::string, ParameterValue>{{"colour", std::string("grey")}}));
    expect_error(with_sub(R"({"from": "main", "template": "nope"})"), at + "/template",
                 "allowed: made, mask, transcode");
    expect_error(with_sub(R"({"from": "main", "template": "rtsp"})"), at + "/template",
                 "allowed: made, mask, transcode");
    expect_error(with_sub(R"({"from": "main", "template": 1})"), at + "/template", "made, mask, transcode");
    expect_error(with_stream(R"({"template": "mask"})"), "/cameras/front/streams/main/template", "allowed: all, file");
    expect_error(with_sub(mask + R"("bitrate": 400})"), at + "/parameters/colour", "the template mask needs it");
    expect_error(with_sub(mask + R"("width": 640, "parameters": {"colour": "grey"}})"), at + "/width",
                 "the template mask does not take");
    expect_error(with_sub(mask + R"("parameters": {"colour": 1}})"), at + "/parameters/colour", "a text");
    expect_error(with_sub(mask + R"("parameters": {"color": "grey", "colour": "grey"}})"), at + "/parameters/color",
                 "does not have, allowed: colour");
    expect_error(with_sub(mask + R"("parameters": {"bitrate": 400, "colour": "grey"}})"), at + "/parameters/bitrate",
                 "takes from the field of that name");
    expect_error(with_sub(R"({"from": "main", "bitrate": 6000})"), at + "/bitrate", "5000 (the template transcode)");
    const ConfigResult refused = parse(with_sub(mask + R"("parameters": {"colour": "grey"}})"), true);
    ASSERT_EQ(refused.errors.size(), 1u) << all(refused);
    EXPECT_EQ(refused.errors[0].where, at + "/template");
    EXPECT_TRUE(parse(with_sub(R"({"from": "main", "width": 640})"), true).errors.empty());
}

TEST(ConfigSource, WhoOnlyChangesCamerasGetsNothingOfTheMachine) {
    for (const char* stream :
         {R"({"url": "file:/etc/passwd"})", R"({"url": "v4l2:///dev/video0"})", R"({"template": "test"})",
          R"({"sources": [{"url": "rtsp://h/1"}, {"url": "file:a.mp4"}]})"}) {
        EXPECT_TRUE(parse(with_stream(stream)).errors.empty()) << stream;
        const ConfigResult refused = parse(with_stream(stream), true);
        ASSERT_EQ(refused.errors.size(), 1u) << stream << all(refused);
        EXPECT_NE(refused.errors[0].text.find("configuration file"), std::string::npos) << all(refused);
        EXPECT_EQ(refused.errors[0].text.find("passwd"), std::string::npos) << all(refused);
    }
    for (const char* url : {"rtsp://h/1", "rtsps://h/1", "srt://h:1", "http://h/1", "https://h/1", "test:ball"})
        EXPECT_TRUE(parse(with_stream(R"({"url": ")" + std::string(url) + "\"}"), true).errors.empty()) << url;
}

} // namespace
