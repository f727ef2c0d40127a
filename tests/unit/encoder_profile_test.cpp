// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/profiles.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace sluice;
using namespace sluice::hw;

namespace {

Json good() {
    return Json::parse(R"({
        "name": "e", "factory": "fooenc", "codec": "h264", "kind": "hardware", "order": 5, "package": "p",
        "device": "/dev/foo*", "convert": "videoconvert", "formats": ["NV12", "I420"],
        "caps": "video/x-h264,profile=constrained-baseline",
        "bitrate": {"property": "rate", "unit": "kbit/s", "while-playing": false},
        "key-interval": {"property": "extra", "field": "gop"}, "key-units-on-request": false,
        "settings": {"tune": "fast", "b": 0, "low": true, "extra": {"a": 1, "b": -2}},
        "optional-settings": {"x": 1}, "quirks": [{"what": "w", "why": "y"}] })");
}

std::vector<ConfigError> errors_of(const std::string& text) {
    std::vector<ConfigError> errors;
    parse_encoder_profile(text, errors);
    return errors;
}

// The one error of the document, as "POINTER: TEXT".
std::string wrong(const Json& document) {
    const auto errors = errors_of(document.dump());
    EXPECT_EQ(errors.size(), 1u) << document.dump();
    return errors.empty() ? "" : errors[0].where + ": " + errors[0].text;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(EncoderProfile, SaysAllThatTheFileSays) {
    std::vector<ConfigError> errors;
    const EncoderProfile p = parse_encoder_profile(good().dump(), errors);
    ASSERT_TRUE(errors.empty()) << errors[0].where << ": " << errors[0].text;
    EXPECT_EQ(p.name, "e");
    EXPECT_EQ(p.factory, "fooenc");
    EXPECT_EQ(p.codec, "h264");
    EXPECT_TRUE(p.hardware);
    EXPECT_EQ(p.order, 5);
    EXPECT_EQ(p.device, "/dev/foo*");
    EXPECT_EQ(p.formats, (std::vector<std::string>{"NV12", "I420"}));
    EXPECT_EQ(p.bitrate, (PropertyName{"rate", ""}));
    EXPECT_EQ(p.bits_per_unit, 1000u);
    EXPECT_FALSE(p.bitrate_while_playing);
    EXPECT_EQ(p.key_interval, (PropertyName{"extra", "gop"}));
    EXPECT_FALSE(p.key_units_on_request);
    EXPECT_EQ(std::get<std::string>(p.settings.at("tune")), "fast");
    EXPECT_EQ(std::get<int64_t>(p.settings.at("b")), 0);
    EXPECT_TRUE(std::get<bool>(p.settings.at("low")));
    EXPECT_EQ((std::get<std::map<std::string, int64_t>>(p.settings.at("extra")).at("b")), -2);
    EXPECT_EQ(p.optional.size(), 1u);
    ASSERT_EQ(p.quirks.size(), 1u);
    EXPECT_EQ(p.quirks[0].why, "y");
}

TEST(EncoderProfile, EachMissingFieldIsNamed) {
    for (const char* name :
         {"name", "factory", "codec", "kind", "order", "convert", "formats", "caps", "bitrate", "key-interval"}) {
        Json document = good();
        document.erase(name);
        EXPECT_EQ(wrong(document).rfind("/" + std::string(name) + ": found nothing, allowed: ", 0), 0u) << name;
    }
}

TEST(EncoderProfile, OptionalFieldsHaveDefaults) {
    Json document = good();
    for (const char* name : {"package", "device", "key-units-on-request", "settings", "optional-settings", "quirks"})
        document.erase(name);
    document["bitrate"].erase("while-playing");
    std::vector<ConfigError> errors;
    const EncoderProfile p = parse_encoder_profile(document.dump(), errors);
    EXPECT_TRUE(errors.empty());
    EXPECT_TRUE(p.device.empty() && p.settings.empty() && p.quirks.empty());
    EXPECT_TRUE(p.key_units_on_request && p.bitrate_while_playing);
}

TEST(EncoderProfile, WhatIsWrongIsNamedWithItsPlace) {
    const std::vector<std::pair<Json, const char*>> changes = {
        {Json{{"extra", 1}}, "/extra: found an unknown field"},
        {Json{{"name", "a b"}}, "/name: found \"a b\", allowed: 1 to 64"},
        {Json{{"factory", "x264enc ! filesink"}}, "/factory: "},
        {Json{{"codec", "h265"}}, "/codec: found \"h265\", allowed: h264"},
        {Json{{"kind", "magic"}}, "/kind: found \"magic\", allowed: hardware, software"},
        {Json{{"order", -1}}, "/order: found -1, allowed: a whole number from 0 to 1000"},
        {Json{{"order", "1"}}, "/order: found a text"},
        {Json{{"device", "dri"}}, "/device: "},
        {Json{{"convert", ""}}, "/convert: "},
        {Json{{"formats", Json::array()}}, "/formats: "},
        {Json{{"formats", {"NV12", 1}}}, "/formats/1: found a number"},
        {Json{{"formats", {"NV12 }"}}}, "/formats/0: "},
        {Json{{"caps", "video/x-raw"}}, "/caps: "},
        {Json{{"key-units-on-request", 1}}, "/key-units-on-request: found a number, allowed: true or false"},
        {Json{{"settings", Json::array()}}, "/settings: found a list"},
        {Json{{"settings", {{"a b", 1}}}}, "/settings/a b: "},
        {Json{{"settings", {{"a", 1.5}}}}, "/settings/a: found a number with a fraction"},
        {Json{{"settings", {{"a", {{"b", "c"}}}}}}, "/settings/a/b: found a text"},
        {Json{{"optional-settings", {{"a", nullptr}}}}, "/optional-settings/a: found null"},
        {Json{{"quirks", {{{"what", "w"}}}}}, "/quirks/0/why: found nothing"},
        {Json{{"quirks", {1}}}, "/quirks/0: found a number"},
    };
    for (const auto& [change, expected] : changes) {
        Json document = good();
        document.update(change);
        EXPECT_TRUE(contains(wrong(document), expected)) << wrong(document) << " instead of " << expected;
    }
    Json unit = good();
    unit["bitrate"]["unit"] = "Mbit/s";
    EXPECT_EQ(wrong(unit), "/bitrate/unit: found \"Mbit/s\", allowed: bit/s, kbit/s");
    unit["bitrate"].erase("unit");
    EXPECT_TRUE(contains(wrong(unit), "/bitrate/unit: found nothing"));
    unit["bitrate"] = "fast";
    EXPECT_TRUE(contains(wrong(unit), "/bitrate: found a text"));
    for (const char* text : {"", "[]", "nope", "{", R"({"name": "a", "name": "b"})", "18446744073709551615"})
        EXPECT_FALSE(errors_of(text).empty()) << text;
    EXPECT_FALSE(errors_of(R"({"settings": {"a": 18446744073709551615}})").empty());
}

class ProfileFiles : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-profiles-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = directory_ / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    static std::string named(const std::string& name, int order, const char* kind = "hardware") {
        Json document = good();
        document.update(Json{{"name", name}, {"order", order}, {"kind", kind}});
        return document.dump();
    }
    std::string path(const char* part) const { return (directory_ / part).string(); }

    std::filesystem::path directory_;
};

TEST_F(ProfileFiles, HardwareFirstThenByOrder) {
    write("a/encoders/soft.json", named("soft", 1, "software"));
    write("a/encoders/late.json", named("late", 9));
    write("a/encoders/early.json", named("early", 2));
    write("a/encoders/README", "not a profile");
    const auto loaded = load_profiles(path("a"));
    ASSERT_TRUE(loaded) << loaded.error().text;
    std::string names;
    for (const EncoderProfile& p : loaded->encoders)
        names += p.name + " ";
    EXPECT_EQ(names, "early late soft ");
    EXPECT_NE(loaded->encoder("late"), nullptr);
    EXPECT_EQ(loaded->encoder("nope"), nullptr);
}

TEST_F(ProfileFiles, TheFirstDirectoryThatHasANameCounts) {
    write("a/encoders/x.json", named("x", 1));
    write("b/encoders/x.json", named("x", 2));
    write("b/encoders/y.json", named("y", 3));
    const auto loaded = load_profiles(path("a") + ":" + path("b"));
    ASSERT_TRUE(loaded) << loaded.error().text;
    ASSERT_EQ(loaded->encoders.size(), 2u);
    EXPECT_EQ(loaded->encoders[0].order, 1);
}

TEST_F(ProfileFiles, AllThatIsWrongIsListed) {
    write("a/encoders/x.json", named("other", 1));
    write("a/encoders/y.json", "{");
    write("a/decoders/z.json", R"({"name": "z", "factory": "zdec", "codec": "vp8", "kind": "software", "order": 1})");
    const auto loaded = load_profiles(path("a"));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::bad_config);
    EXPECT_TRUE(contains(loaded.error().text, "x.json: /name: found another name than the file's, allowed: x"));
    EXPECT_TRUE(contains(loaded.error().text, "y.json:1:2: "));
    EXPECT_TRUE(contains(loaded.error().text, "z.json: /codec: found \"vp8\", allowed: h264, h265"));
    const auto none = load_profiles(path("nothing"));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::missing_file);
}

TEST(Profiles, ThoseThatAreInstalledAreGood) {
    const auto loaded = load_profiles(profile_directories());
    ASSERT_TRUE(loaded) << loaded.error().text;
    std::string names;
    for (const EncoderProfile& p : loaded->encoders) {
        names += p.name + " ";
        EXPECT_EQ(p.hardware, !p.device.empty()) << p.name;
        EXPECT_FALSE(p.package.empty()) << p.name;
        EXPECT_TRUE(contains(p.caps, "profile=constrained-baseline")) << p.name << ": what browsers play";
        EXPECT_TRUE(contains(p.caps, "stream-format=byte-stream,alignment=au")) << p.name << ": what channels carry";
    }
    EXPECT_EQ(names, "nvh264enc vah264enc vah264lpenc vaapih264enc qsvh264enc v4l2h264enc x264enc openh264enc ");
    EXPECT_EQ(loaded->decoders.size(), 13u);
}

// The schema is for editors; here is what keeps it from saying something else than the parser.
TEST(Profiles, TheSchemaNamesTheFieldsThatTheParserKnows) {
    std::ifstream file(profile_directories() + "/schema/encoder.schema.json");
    std::stringstream text;
    text << file.rdbuf();
    const Json schema = Json::parse(text.str());
    for (const auto& item : schema["properties"].items()) {
        const auto errors = errors_of(Json{{item.key(), nullptr}}.dump());
        EXPECT_TRUE(std::none_of(errors.begin(), errors.end(), [](const ConfigError& e) {
            return contains(e.text, "unknown field");
        })) << item.key();
    }
    std::string known = errors_of(R"({"nope": 1})").front().text;
    known = known.substr(known.find("allowed: ") + 9);
    std::stringstream words(known);
    for (std::string word; std::getline(words, word, ',');) {
        word.erase(0, word.find_first_not_of(' '));
        EXPECT_TRUE(schema["properties"].contains(word)) << word;
    }
}

} // namespace
