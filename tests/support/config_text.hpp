// SPDX-License-Identifier: LGPL-2.1-or-later
// Configurations as texts, and what the parser is expected to say about them.
#pragma once

#include "launcher/config/config_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace sluice::config_text {

inline SecretSource fake_secrets() {
    return {[](const std::string& name) -> std::optional<std::string> {
                if (name == "PW")
                    return "from-env";
                if (name == "PHRASE")
                    return "a whole passphrase";
                if (name == "EMPTY")
                    return "";
                return std::nullopt;
            },
            [](const std::string& path) -> Result<std::string> {
                if (path == "/cfg/front.pw" || path == "/abs.pw" || path == "/run/credentials/front" ||
                    path == "/run/credentials/sluice_yard")
                    return std::string("from-file\n");
                if (path == "/cfg/two-lines")
                    return std::string("one\ntwo\n");
                return Error{ErrorKind::missing_file, "No such file or directory"};
            },
            "", "", "/run/credentials"};
}

// Templates as the real ones, with less in them.
inline const Templates& fake_templates() {
    static const Templates all = [] {
        const std::string word = R"({"type": "string", "sets": ["a.b"]})";
        const std::string needed = R"({"type": "string", "required": true, "sets": ["a.b"]})";
        const std::string latency = R"({"type": "integer", "default": 120, "sets": ["a.b"]})";
        Templates out;
        for (const auto& [name, parameters] : std::map<std::string, std::string>{
                 {"rtsp", R"("url": )" + needed + R"(, "user": )" + word + R"(, "password": )" + word +
                              R"(, "transport": )" + word + R"(, "latency": {"type": "integer", "sets": ["a.b"]})"},
                 {"mjpeg", R"("url": )" + needed + R"(, "user": )" + word + R"(, "password": )" + word},
                 {"srt", R"("url": )" + needed + R"(, "password": )" + word + R"(, "latency": )" + latency},
                 {"file", R"("location": )" + needed},
                 {"v4l2", R"("device": )" + needed + R"(, "width": {"type": "integer", "minimum": 16, "maximum": 8000,
                              "sets": ["a.caps.width"]})"},
                 {"test",
                  R"("pattern": {"type": "string", "enum": ["ball", "snow"], "default": "ball", "sets": ["a.b"]},
                              "quiet": {"type": "boolean", "default": true, "sets": ["a.b"]})"},
                 {"all", R"("url": )" + needed + R"(, "user": )" + word + R"(, "password": )" + word +
                             R"(, "transport": )" + word + R"(, "latency": )" + latency + R"(, "one": )" + word}}) {
            std::vector<ConfigError> errors;
            out.add(parse_template(
                R"({"name": ")" + name + R"(", "parameters": {)" + parameters + R"(}, "pipeline": ["p"]})", errors));
            EXPECT_TRUE(errors.empty()) << name << ": " << (errors.empty() ? "" : errors.front().text);
        }
        const std::string number = R"({"type": "integer", "maximum": 5000, "sets": ["a.b"]})";
        const std::string figures =
            R"("width": )" + number + R"(, "height": )" + number + R"(, "framerate": )" + number +
            R"(, "bitrate": {"type": "integer", "default": 2000, "maximum": 5000, "sets": ["a.b"]})";
        for (const auto& [name, parameters] :
             std::map<std::string, std::string>{{"transcode", figures},
                                                {"made", figures + R"(, "one": )" + word},
                                                {"mask", R"("bitrate": )" + number + R"(, "colour": )" + needed}}) {
            std::vector<ConfigError> errors;
            out.add(parse_template(R"({"name": ")" + name + R"(", "kind": "derived", "parameters": {)" + parameters +
                                       R"(}, "branches": [{"caps": "video/x-h264", "pipeline": ["p name=a"]}]})",
                                   errors));
            EXPECT_TRUE(errors.empty()) << name << ": " << (errors.empty() ? "" : errors.front().text);
        }
        return out;
    }();
    return all;
}

inline ConfigResult parse(const std::string& text, bool restricted = false) {
    return parse_config(text, {fake_templates(), fake_secrets(), "/cfg", restricted});
}

inline std::string all(const ConfigResult& result) {
    std::string out;
    for (const ConfigError& e : result.errors)
        out += to_string("c.json", e) + "\n";
    return out;
}

// A configuration whose only camera is the given text.
inline std::string with_camera(const std::string& camera) {
    return R"({"version": 1, "cameras": {"front": )" + camera + "}}";
}
inline std::string with_stream(const std::string& stream) {
    return with_camera(R"({"streams": {"main": )" + stream + "}}");
}
inline std::string with_server(const std::string& server) {
    return R"({"version": 1, "server": )" + server +
           R"(, "cameras": {"front": {"streams": {"main": {"url": "rtsp://h/1"}}}}})";
}

inline void expect_ok(const std::string& text) {
    const ConfigResult result = parse(text);
    EXPECT_TRUE(result.errors.empty()) << text << "\n" << all(result);
}

// Exactly one error, at that place, and it says what is allowed.
inline void expect_error(const std::string& text, const std::string& pointer, const std::string& part = "") {
    const ConfigResult result = parse(text);
    ASSERT_EQ(result.errors.size(), 1u) << text << "\n" << all(result);
    EXPECT_EQ(result.errors[0].where, pointer) << text << "\n" << all(result);
    EXPECT_NE(result.errors[0].text.find("found "), std::string::npos) << all(result);
    EXPECT_NE(result.errors[0].text.find("allowed: "), std::string::npos) << all(result);
    EXPECT_NE(result.errors[0].text.find(part), std::string::npos) << all(result);
}

} // namespace sluice::config_text
