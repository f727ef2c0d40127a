// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/config_text.hpp"

#include <cstdlib>
#include <fstream>
#include <set>

using namespace sluice;
using namespace sluice::config_text;

namespace {

TEST(ConfigParser, WholeConfiguration) {
    const ConfigResult result = parse(R"({
      "version": 1,
      "server": {"address": "::", "port": 0, "state": "st",
                 "webrtc": {"stun-server": "stun://s:3478", "ice-addresses": ["10.0.0.1", "fd00::1"],
                            "min-rtp-port": 40000, "max-rtp-port": 41000, "ice-tcp": true}},
      "cameras": {
        "zebra": {"streams": {"sub": {"url": "rtsp://h/2", "transport": "udp"},
                              "main": {"url": "rtsp://h/1", "user": "u", "password": {"file": "front.pw"}}}},
        "ant.1_-": {"streams": {"main": {"url": "rtsps://h:555/1", "user": "u", "password": {"env": "PW"},
                                         "transport": "tcp", "latency": 40}},
                    "outputs": {"webrtc": {"enabled": false, "quality": "main"}}}}})");
    ASSERT_TRUE(result.errors.empty()) << all(result);
    const Config& c = result.config;
    EXPECT_EQ(c.server.address, "::");
    EXPECT_EQ(c.server.port, 0);
    EXPECT_EQ(c.server.state, "/cfg/st");
    EXPECT_EQ(c.server.webrtc.stun_server, "stun://s:3478");
    EXPECT_EQ(c.server.webrtc.ice_addresses, (std::vector<std::string>{"10.0.0.1", "fd00::1"}));
    EXPECT_EQ(c.server.webrtc.min_rtp_port, 40000);
    EXPECT_EQ(c.server.webrtc.max_rtp_port, 41000);
    EXPECT_TRUE(c.server.webrtc.ice_tcp);
    ASSERT_EQ(c.cameras.size(), 2u);
    EXPECT_EQ(c.cameras[0].name, "zebra") << "the file's order is the page's order";
    ASSERT_EQ(c.cameras[0].streams.size(), 2u);
    EXPECT_EQ(c.cameras[0].streams[0].name, "main") << "main comes first";
    EXPECT_EQ(c.cameras[0].streams[0].sources[0].password.reveal(), "from-file");
    EXPECT_EQ(c.cameras[0].streams[0].sources[0].latency_ms, 0u);
    EXPECT_EQ(c.cameras[0].streams[1].sources[0].transport, Transport::udp);
    EXPECT_EQ(c.cameras[0].streams[1].sources[0].latency_ms, 100u);
    EXPECT_TRUE(c.cameras[0].webrtc.enabled);
    EXPECT_EQ(c.cameras[1].streams[0].sources[0].password.reveal(), "from-env");
    EXPECT_EQ(c.cameras[1].streams[0].sources[0].latency_ms, 40u);
    EXPECT_FALSE(c.cameras[1].webrtc.enabled);
    EXPECT_EQ(c.cameras[0].webrtc.quality, "auto");
    EXPECT_EQ(c.cameras[1].webrtc.quality, "main");
}

TEST(ConfigParser, TheLeastThatIsAllowed) {
    const ConfigResult result = parse(with_stream(R"({"url": "rtsp://h/1"})"));
    ASSERT_TRUE(result.errors.empty()) << all(result);
    EXPECT_FALSE(result.config.server.address);
    EXPECT_FALSE(result.config.server.port);
    EXPECT_FALSE(result.config.server.state);
    ASSERT_EQ(result.config.cameras[0].streams[0].sources.size(), 1u);
    const SourceConfig& source = result.config.cameras[0].streams[0].sources[0];
    EXPECT_EQ(source.url, "rtsp://h/1");
    EXPECT_EQ(source.source_template, "rtsp");
    EXPECT_TRUE(source.parameters.empty());
    EXPECT_FALSE(result.config.cameras[0].streams[0].on_demand);
    EXPECT_EQ(result.config.cameras[0].streams[0].stall_ms, 3000u);
}

TEST(ConfigParser, SyntaxErrorsHaveLineAndColumn) {
    for (const auto& [text, where] : std::vector<std::pair<std::string, std::string>>{{"", "1:1"},
                                                                                      {"{", "1:2"},
                                                                                      {"{\n  \"version\" 1\n}", "2:13"},
                                                                                      {"{\"version\": 1,}", "1:15"},
                                                                                      {"{\"version\": 01}", "1:14"},
                                                                                      {"{\"a\": \"\xff\"}", "1:8"},
                                                                                      {"[1,\n2,\n3,,]", "3:3"},
                                                                                      {"{} x", "1:4"},
                                                                                      {"{// comment\n}", "1:2"}}) {
        const ConfigResult result = parse(text);
        ASSERT_EQ(result.errors.size(), 1u) << text << all(result);
        EXPECT_EQ(result.errors[0].where, where) << text << "\n" << all(result);
    }
}

TEST(ConfigParser, SyntaxErrorsDoNotRepeatWhatStandsThere) {
    const ConfigResult result = parse("{\"password\": \"top-secret\" \"x\"}");
    ASSERT_FALSE(result.errors.empty());
    EXPECT_EQ(all(result).find("secret"), std::string::npos) << all(result);
}

TEST(ConfigParser, NotAnObject) {
    for (const char* text : {"[]", "1", "null", "\"x\"", "true"})
        expect_error(text, "", "an object");
}

TEST(ConfigParser, TooDeep) {
    std::string text = R"({"version": )" + std::string(100, '[') + std::string(100, ']') + "}";
    const ConfigResult result = parse(text);
    ASSERT_FALSE(result.errors.empty());
    EXPECT_NE(all(result).find("32"), std::string::npos);
}

TEST(ConfigParser, TooLarge) {
    const ConfigResult result = parse(std::string(5 << 20, ' '));
    ASSERT_EQ(result.errors.size(), 1u);
    EXPECT_NE(result.errors[0].text.find("4 MiB"), std::string::npos);
}

TEST(ConfigParser, Version) {
    expect_error(R"({"cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1"}}}}})", "/version", "required");
    for (const char* v : {"2", "0", "\"1\"", "1.5", "null", "18446744073709551615"})
        expect_error(std::string(R"({"version": )") + v +
                         R"(, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1"}}}}})",
                     "/version", "1");
}

TEST(ConfigParser, Cameras) {
    expect_error(R"({"version": 1})", "/cameras", "required");
    expect_error(R"({"version": 1, "cameras": []})", "/cameras", "a list");
    expect_error(R"({"version": 1, "cameras": {}})", "/cameras", "at least one");
    expect_error(with_camera("7"), "/cameras/front", "a number");
    expect_error(with_camera("{}"), "/cameras/front/streams", "required");
    expect_error(with_camera(R"({"streams": []})"), "/cameras/front/streams", "a list");
    expect_error(with_camera(R"({"streams": {}})"), "/cameras/front/streams/main", "required");
    expect_error(with_camera(R"({"streams": {"main": {"url": "rtsp://h/1"}, "web": {}}})"),
                 "/cameras/front/streams/web", "main, sub");
    expect_error(with_camera(R"({"streams": {"main": "rtsp://h/1"}})"), "/cameras/front/streams/main", "a text");
}

TEST(ConfigParser, CameraNames) {
    const auto named = [](const std::string& name) {
        return R"({"version": 1, "cameras": {")" + name + R"(": {"streams": {"main": {"url": "rtsp://h/1"}}}}})";
    };
    for (const char* name : {"a", "Front-Door_2.main", "0", "-", "_"})
        expect_ok(named(name));
    expect_ok(named(std::string(64, 'x')));
    for (const std::string& name :
         {std::string(), std::string("a b"), std::string("."), std::string(".."), std::string("a/b"),
          std::string("caf\xc3\xa9"), std::string("a*"), std::string(65, 'x')}) {
        const ConfigResult result = parse(named(name));
        ASSERT_EQ(result.errors.size(), 1u) << name;
        EXPECT_NE(result.errors[0].text.find("camera name"), std::string::npos) << all(result);
    }
    EXPECT_EQ(parse(named("a/b")).errors[0].where, "/cameras/a~1b") << "RFC 6901";
}

TEST(ConfigParser, DuplicateCamera) {
    const ConfigResult result = parse(R"({"version": 1, "cameras": {
        "front": {"streams": {"main": {"url": "rtsp://h/1"}}},
        "front": {"streams": {"main": {"url": "rtsp://h/2"}}}}})");
    ASSERT_EQ(result.errors.size(), 1u) << all(result);
    EXPECT_EQ(result.errors[0].where, "/cameras/front");
    EXPECT_NE(result.errors[0].text.find("twice"), std::string::npos);
}

TEST(ConfigParser, DuplicateFieldDeepInside) {
    const ConfigResult result = parse(with_stream(R"({"url": "rtsp://h/1", "latency": 1, "latency": {"x": [1, {}]}})"));
    ASSERT_EQ(result.errors.size(), 1u) << all(result);
    EXPECT_EQ(result.errors[0].where, "/cameras/front/streams/main/latency");
}

TEST(ConfigParser, UnknownFieldsEverywhere) {
    expect_error(R"({"version": 1, "camera": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1"}}}}})",
                 "/camera", "version, server, cameras");
    expect_error(with_server(R"({"ports": 1})"), "/server/ports", "address, port, state, tls, trusted-proxies");
    expect_error(with_server(R"({"webrtc": {"stun": 1}})"), "/server/webrtc/stun", "stun-server");
    expect_error(with_camera(R"({"streams": {"main": {"url": "rtsp://h/1"}}, "x": 1})"), "/cameras/front/x");
    expect_error(with_stream(R"({"url": "rtsp://h/1", "uri": 1})"), "/cameras/front/streams/main/uri", "latency");
    expect_error(with_camera(R"({"streams": {"main": {"url": "rtsp://h/1"}}, "outputs": {"hls": {}}})"),
                 "/cameras/front/outputs/hls", "webrtc");
    expect_error(with_camera(R"({"streams": {"main": {"url": "rtsp://h/1"}}, "outputs": {"webrtc": {"on": 1}}})"),
                 "/cameras/front/outputs/webrtc/on", "enabled");
    const auto quality = [](const char* value) {
        return with_camera(R"({"outputs": {"webrtc": {"quality": )" + std::string(value) +
                           R"(}}, "streams": {"main": {"url": "rtsp://h/1"}}})");
    };
    expect_error(quality("\"sub\""), "/cameras/front/outputs/webrtc/quality", "auto, main");
    expect_error(quality("\"best\""), "/cameras/front/outputs/webrtc/quality", "\"best\"");
    expect_error(quality("\"\""), "/cameras/front/outputs/webrtc/quality", "auto, main");
    expect_error(quality("7"), "/cameras/front/outputs/webrtc/quality", "auto, main");
}

TEST(ConfigParser, Urls) {
    expect_error(with_stream("{}"), "/cameras/front/streams/main/url", "required");
    expect_error(with_stream(R"({"url": 5})"), "/cameras/front/streams/main/url", "a number");
    expect_error(with_stream(R"({"url": ""})"), "/cameras/front/streams/main/url", "rtsp://");
    expect_error(with_stream(R"({"url": "ftp://h/"})"), "/cameras/front/streams/main/url", "rtsp://");
    expect_error(with_stream(R"({"url": "rtsp:///x"})"), "/cameras/front/streams/main/url", "host");
}

TEST(ConfigParser, NoSecretIsEverRepeated) {
    for (const std::string& text :
         {with_stream(R"({"url": "rtsp://u:hunter2@h/1"})"), with_stream(R"({"url": "ftp://u:hunter2@h/1"})"),
          with_stream(R"({"url": "http://u:hunter2@h/1"})"), with_stream(R"({"url": "srt://h:1?passphrase=hunter2"})"),
          with_stream(R"({"sources": [{"url": "srt://u:hunter2@h:1"}]})"),
          with_stream(R"({"url": "rtsp://u:hunter2@h:1:2/1"})"),
          with_stream(R"({"url": "rtsp://h/1", "user": "u", "password": "hunter2"})"),
          with_server(R"({"webrtc": {"stun-server": "stun://u:hunter2@h"}})")}) {
        const ConfigResult result = parse(text);
        EXPECT_FALSE(result.errors.empty()) << text;
        EXPECT_EQ(all(result).find("hunter2"), std::string::npos) << all(result);
    }
}

TEST(ConfigParser, Secrets) {
    const std::string at = "/cameras/front/streams/main/password";
    const auto secret = [](const std::string& s) {
        return with_stream(R"({"url": "rtsp://h/1", "user": "u", "password": )" + s + "}");
    };
    expect_ok(secret(R"({"env": "PW"})"));
    expect_ok(secret(R"({"file": "/abs.pw"})"));
    expect_error(secret(R"({"file": "missing.pw"})"), at + "/file", "No such file");
    expect_error(secret(R"({"file": "two-lines"})"), at + "/file", "more than one line");
    expect_error(secret(R"({"env": "NOT_SET"})"), at + "/env", "not set");
    expect_error(secret(R"({"env": "EMPTY"})"), at + "/env", "empty");
    expect_error(secret(R"({"env": ""})"), at + "/env");
    expect_error(secret(R"({"env": 5})"), at + "/env", "a number");
    expect_error(secret(R"({})"), at, "none of the three");
    expect_error(secret(R"({"env": "PW", "file": "x"})"), at, "env and file");
    expect_ok(secret(R"({"credential": "front"})"));
    expect_ok(secret(R"({"credential": "yard"})"));
    expect_error(secret(R"({"credential": "none"})"), at + "/credential", "none of this name");
    expect_error(secret(R"({"credential": "../abs.pw"})"), at + "/credential", "plain name");
    expect_error(secret(R"({"credential": ".front"})"), at + "/credential", "plain name");
    expect_error(secret(R"("plain")"), at, "the password itself");
    expect_error(secret(R"(["x"])"), at, "a list");
    expect_error(with_stream(R"({"url": "rtsp://h/1", "password": {"env": "PW"}})"), "/cameras/front/streams/main/user",
                 "belongs");
}

TEST(ConfigParser, StreamNumbersAndWords) {
    const std::string at = "/cameras/front/streams/main";
    const auto stream = [](const std::string& s) { return with_stream(R"({"url": "rtsp://h/1", )" + s + "}"); };
    expect_ok(stream(R"("latency": 10000)"));
    expect_error(stream(R"("latency": 10001)"), at + "/latency", "10000");
    expect_error(stream(R"("latency": -1)"), at + "/latency", "found -1");
    expect_error(stream(R"("latency": 1.5)"), at + "/latency", "fraction");
    expect_error(stream(R"("latency": "5")"), at + "/latency", "a text");
    expect_error(stream(R"("latency": 18446744073709551615)"), at + "/latency");
    expect_error(stream(R"("transport": "quic")"), at + "/transport", "\"quic\"");
    expect_error(stream(R"("transport": true)"), at + "/transport", "true");
    expect_error(stream(R"("user": null)"), at + "/user", "null");
}

TEST(ConfigParser, Server) {
    expect_ok(with_server(R"({"address": "127.0.0.1", "port": 65535, "state": "/x"})"));
    expect_error(with_server("[]"), "/server", "a list");
    expect_error(with_server(R"({"address": "localhost"})"), "/server/address", "IP address");
    expect_error(with_server(R"({"address": "1.2.3"})"), "/server/address");
    EXPECT_EQ(parse(with_server(R"({"transcodes": 0})")).config.server.transcodes, 0u);
    EXPECT_EQ(parse(with_server("{}")).config.server.transcodes, std::nullopt);
    expect_error(with_server(R"({"transcodes": 65})"), "/server/transcodes", "64");
    EXPECT_EQ(parse(with_server("{}")).config.server.transcode_cpu, 80u);
    EXPECT_EQ(parse(with_server(R"({"transcode-cpu": 35})")).config.server.transcode_cpu, 35u);
    expect_error(with_server(R"({"transcode-cpu": 0})"), "/server/transcode-cpu", "found 0");
    expect_error(with_server(R"({"transcode-cpu": 101})"), "/server/transcode-cpu", "100");
    expect_error(with_server(R"({"port": 65536})"), "/server/port", "found 65536");
    expect_error(with_server(R"({"port": -1})"), "/server/port");
    expect_error(with_server(R"({"state": ""})"), "/server/state");
    expect_error(with_server(R"({"webrtc": {"min-rtp-port": 80}})"), "/server/webrtc/min-rtp-port", "1024");
    expect_error(with_server(R"({"webrtc": {"min-rtp-port": 5000, "max-rtp-port": 4000}})"),
                 "/server/webrtc/max-rtp-port", "5000");
    expect_error(with_server(R"({"webrtc": {"ice-tcp": 1}})"), "/server/webrtc/ice-tcp", "true or false");
    expect_error(with_server(R"({"webrtc": {"ice-addresses": "10.0.0.1"}})"), "/server/webrtc/ice-addresses");
    expect_error(with_server(R"({"webrtc": {"ice-addresses": ["10.0.0.1", "x"]}})"), "/server/webrtc/ice-addresses/1");
    expect_error(with_server(R"({"webrtc": {"stun-server": "s:3478"}})"), "/server/webrtc/stun-server", "stun://");
}

TEST(ConfigParser, HowTheServerIsReached) {
    const auto server = [](const char* text) { return parse(with_server(text)).config.server; };
    EXPECT_EQ(server(R"({"tls": "self-signed"})").tls, (TlsConfig{true, {}, {}}));
    EXPECT_EQ(server(R"({"tls": {"cert": "/a.pem", "key": "/b.pem"}})").tls, (TlsConfig{false, "/a.pem", "/b.pem"}));
    EXPECT_FALSE(server("{}").tls);
    expect_error(with_server(R"({"tls": true})"), "/server/tls", "\"self-signed\"");
    expect_error(with_server(R"({"tls": "letsencrypt"})"), "/server/tls", "letsencrypt");
    expect_error(with_server(R"({"tls": {"cert": "/a.pem"}})"), "/server/tls/key", "required");
    expect_error(with_server(R"({"tls": {"cert": "/a", "key": "/b", "ca": "/c"}})"), "/server/tls/ca", "unknown");
    const ServerConfig all = server(R"({"trusted-proxies": ["10.0.0.0/8", "::1"], "path-prefix": "/site-7/",
                                        "allowed-origins": ["https://hq.example:8443"]})");
    EXPECT_EQ(all.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "::1"}));
    EXPECT_EQ(all.path_prefix, "/site-7");
    EXPECT_EQ(all.allowed_origins, (std::vector<std::string>{"https://hq.example:8443"}));
    expect_error(with_server(R"({"trusted-proxies": "::1"})"), "/server/trusted-proxies", "a list");
    for (const char* wrong : {"hq", "10.0.0.1/8", "", "::1,::2", "0.0.0.0/40"})
        expect_error(with_server((R"({"trusted-proxies": ["::1", ")" + std::string(wrong) + "\"]}").c_str()),
                     "/server/trusted-proxies/1", "network");
    for (const char* wrong : {"*", "hq.example", "https://", "https://hq.example/", "https://HQ", "ftp://hq", "null"})
        expect_error(with_server((R"({"allowed-origins": [")" + std::string(wrong) + "\"]}").c_str()),
                     "/server/allowed-origins/0", "origin");
    expect_error(with_server(R"({"trusted-proxies": ["::1"], "path-prefix": "site-7"})"), "/server/path-prefix",
                 "path");
    expect_error(with_server(R"({"path-prefix": "/site-7"})"), "/server/path-prefix", "trusted-proxies");
}

TEST(ConfigParser, AllErrorsAtOnce) {
    const ConfigResult result = parse(R"({"version": 2, "x": 1, "server": {"port": "80"},
        "cameras": {"a b": {"streams": {"main": {"url": "ftp://h"}, "sub": {"latency": -1}}}, "c": 5}})");
    std::set<std::string> where;
    for (const ConfigError& e : result.errors)
        where.insert(e.where);
    EXPECT_EQ(where,
              (std::set<std::string>{"/version", "/x", "/server/port", "/cameras/a b", "/cameras/a b/streams/main/url",
                                     "/cameras/a b/streams/sub/url", "/cameras/a b/streams/sub/latency", "/cameras/c"}))
        << all(result);
}

TEST(ConfigParser, MissingFileIsItsOwnKindOfError) {
    const auto result = load_config("/does/not/exist.json", fake_templates(), fake_secrets());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::missing_file);
    EXPECT_NE(result.error().text.find("/does/not/exist.json"), std::string::npos);
    const auto directory = load_config("/", fake_templates(), fake_secrets());
    ASSERT_FALSE(directory);
    EXPECT_NE(directory.error().text.find("directory"), std::string::npos);
}

Json schema() {
    const char* pipelines = std::getenv("SLUICE_PIPELINES");
    std::ifstream file(std::string(pipelines ? pipelines : "pipelines") + "/schema/config.schema.json");
    EXPECT_TRUE(file.good());
    return Json::parse(file);
}

TEST(ConfigSchema, NamesTheSameFieldsAsTheParser) {
    const Json defs = schema().at("$defs");
    std::set<std::string> kinds;
    for (const auto& [kind, fields] : config_fields()) {
        kinds.insert(kind);
        ASSERT_TRUE(defs.contains(kind)) << kind;
        EXPECT_EQ(defs[kind].at("additionalProperties"), false) << kind;
        std::set<std::string> in_schema;
        for (const auto& item : defs[kind].at("properties").items())
            in_schema.insert(item.key());
        EXPECT_EQ(in_schema, std::set<std::string>(fields.begin(), fields.end())) << kind;
    }
    for (const auto& item : defs.items())
        EXPECT_TRUE(kinds.count(item.key())) << item.key() << " is in the schema, but not in the parser";
}

// An instance of a definition with every field given; `broken` (a pointer in the instance) gets a value of no allowed type.
class Instance {
public:
    // as_list: streams with a list of sources, not with one inside.
    Instance(const Json& schema, bool as_list) : schema_(schema), as_list_(as_list) {
        for (const auto& item : schema.at("$defs").at("source").at("properties").items())
            fields_of_source_.insert(item.key());
    }
    std::vector<std::string> pointers;

    Json make(const Json& part, const std::string& pointer, const std::string& broken) {
        if (!pointer.empty())
            pointers.push_back(pointer);
        if (pointer == broken && !broken.empty())
            return nullptr;           // null is allowed nowhere
        if (part.contains("oneOf")) { // the fullest is the last
            const std::string name = part["oneOf"].back()["$ref"].get<std::string>().substr(8);
            return body(schema_.at("$defs").at(name), name, pointer, broken);
        }
        if (part.contains("$ref")) {
            const std::string name = part["$ref"].get<std::string>().substr(8);
            return body(schema_.at("$defs").at(name), name, pointer, broken);
        }
        return body(part, "", pointer, broken);
    }

private:
    Json body(const Json& part, const std::string& name, const std::string& pointer, const std::string& broken) {
        if (part.contains("const"))
            return part["const"];
        if (part.contains("enum"))
            return part["enum"][0];
        if (part.contains("type") && part["type"].is_array())
            return "x";
        const std::string type = part.value("type", "object");
        if (type == "integer")
            return part.value("minimum", 0);
        if (type == "boolean")
            return true;
        if (type == "array") {
            Json list = Json::array();
            list.push_back(make(part["items"], pointer + "/0", broken));
            return list;
        }
        if (type == "string")
            return text(pointer);
        Json out = Json::object();
        const Json properties = part.value("properties", Json::object());
        for (const auto& item : properties.items()) {
            if ((name == "secret" && item.key() != "env") || (name == "jwks" && item.key() == "file"))
                continue; // one of those
            if (name == "claim-rule" && item.key() == "grants")
                continue; // stands alone
            if (name == "stream" && !is_given(item.key(), pointer.ends_with("/sub")))
                continue;
            out[item.key()] = make(item.value(), json_pointer(pointer, item.key()), broken);
        }
        if (part.contains("additionalProperties") && part["additionalProperties"].is_object())
            out["one"] = make(part["additionalProperties"], json_pointer(pointer, "one"), broken);
        return out;
    }
    // Of a stream: one source in it, or a list, or (sub) what it is made of.
    bool is_given(const std::string& field, bool derived) const {
        const bool of_derived =
            std::set<std::string>{"from", "width", "height", "framerate", "bitrate"}.contains(field);
        if (derived || of_derived)
            return derived && (of_derived || field == "template" || field == "parameters" || field == "stall-timeout");
        return as_list_ ? fields_of_source_.count(field) == 0 : field != "sources";
    }
    static std::string text(const std::string& pointer) {
        const std::string name = pointer.substr(pointer.rfind('/') + 1);
        if (name == "url")
            return pointer.rfind("/server/auth/", 0) == 0 ? "https://h/1" : "rtsps://h/1";
        if (name == "template")
            return pointer.ends_with("/sub/template") ? "made" : "all";
        if (name == "tls-fingerprint")
            return std::string(64, '0');
        if (name == "address" || pointer == "/server/trusted-proxies/0" || pointer == "/server/webrtc/ice-addresses/0")
            return "10.0.0.1";
        if (pointer == "/server/allowed-origins/0")
            return "https://hq.example";
        if (name == "path-prefix")
            return "/site-7";
        if (name == "stun-server")
            return "stun://h:1";
        return "PW";
    }
    const Json& schema_;
    const bool as_list_;
    std::set<std::string> fields_of_source_;
};

TEST(ConfigSchema, WhatItDescribesTheParserTakesAndNothingElse) {
    const Json s = schema();
    for (const bool as_list : {false, true}) {
        Instance whole(s, as_list);
        const Json good = whole.make(Json{{"$ref", s.at("$ref")}}, "", "");
        expect_ok(good.dump());
        ASSERT_GT(whole.pointers.size(), 30u);
        for (const std::string& pointer : whole.pointers) {
            Instance broken(s, as_list);
            const ConfigResult result = parse(broken.make(Json{{"$ref", s.at("$ref")}}, "", pointer).dump());
            EXPECT_TRUE(std::any_of(result.errors.begin(), result.errors.end(),
                                    [&](const ConfigError& e) { return e.where == pointer; }))
                << pointer << " takes a value of a wrong type\n"
                << all(result);
        }
    }
}

} // namespace
