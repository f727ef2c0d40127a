// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/templates.hpp"
#include "tests/support/config_text.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace sluice;

namespace {

constexpr const char* good = R"({
  "name": "t", "description": "d",
  "parameters": {
    "url": {"type": "string", "sets": ["source.location"]},
    "mode": {"type": "string", "enum": ["a", "b"], "default": "a", "sets": ["source.mode", "other.mode"]},
    "latency": {"type": "integer", "minimum": 0, "maximum": 10, "sets": ["source.latency"]},
    "quick": {"type": "boolean", "default": true, "sets": ["source.quick"]}
  },
  "pipeline": ["one ! two", "! three"] })";

SourceTemplate parsed(const std::string& text) {
    std::vector<ConfigError> errors;
    SourceTemplate out = parse_template(text, errors);
    for (const ConfigError& e : errors)
        ADD_FAILURE() << e.where << ": " << e.text;
    return out;
}

TEST(SourceTemplate, Parses) {
    const SourceTemplate t = parsed(good);
    EXPECT_EQ(t.name, "t");
    EXPECT_EQ(t.pipeline, "one ! two ! three");
    EXPECT_EQ(t.parameters.size(), 4u);
    EXPECT_EQ(t.parameters.at("mode").sets.size(), 2u);
    EXPECT_EQ(t.parameters.at("mode").sets[1].element, "other");
}

TEST(SourceTemplate, RunsInAProcessOfItsOwnUnlessItSaysOtherwise) {
    EXPECT_FALSE(parsed(good).in_process);
    EXPECT_EQ(parsed(good).text, good) << "as it was written";
    EXPECT_TRUE(parsed(R"({"name": "t", "in-process": true, "parameters": {}, "pipeline": ["a"]})").in_process);
    std::vector<ConfigError> errors;
    parse_template(R"({"name": "t", "in-process": 1, "parameters": {}, "pipeline": ["a"]})", errors);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].where, "/in-process");
}

TEST(SourceTemplate, WhatNeedsTheLauncherCannotRunElsewhere) {
    const std::string text = R"("parameters": {}, "pipeline": ["fanoutsrc name=source ! fanoutsink name=fanout"]})";
    parsed(R"({"name": "t", "in-process": true, )" + text);
    std::vector<ConfigError> errors;
    parse_template(R"({"name": "t", )" + text, errors);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].where, "/in-process");
    EXPECT_NE(errors[0].text.find("fanoutsrc"), std::string::npos) << errors[0].text;
}

TEST(SourceTemplate, KnowsItsElements) {
    const SourceTemplate t =
        parsed(R"json({"name": "t", "parameters": {}, "pipeline": ["one!two name=three", "! (four)"],
                       "branches": [{"caps": "x", "pipeline": ["five ! six-seven"]}]})json");
    for (const char* there : {"one", "two", "four", "five", "six-seven"})
        EXPECT_TRUE(uses_element(t, there)) << there;
    for (const char* not_there : {"three", "on", "six", "seven", "eight"})
        EXPECT_FALSE(uses_element(t, not_there)) << not_there;
}

TEST(SourceTemplate, BindsValuesAndDefaults) {
    const auto bound = bind_parameters(parsed(good), {{"url", std::string("x ! y \" '")}, {"latency", int64_t(10)}});
    ASSERT_TRUE(bound) << bound.error().text;
    EXPECT_EQ(bound.value()[0].property, "location") << "the address comes first";
    std::map<std::string, ParameterValue> set;
    for (const PropertySetting& s : bound.value())
        set[s.element + "." + s.property] = s.value;
    EXPECT_EQ(std::get<std::string>(set.at("source.location")), "x ! y \" '") << "taken as it is";
    EXPECT_EQ(std::get<std::string>(set.at("other.mode")), "a");
    EXPECT_EQ(std::get<int64_t>(set.at("source.latency")), 10);
    EXPECT_TRUE(std::get<bool>(set.at("source.quick")));
}

TEST(SourceTemplate, ParametersWithoutValueStayUnset) {
    const auto bound = bind_parameters(parsed(good), {});
    ASSERT_TRUE(bound);
    for (const PropertySetting& s : bound.value())
        EXPECT_NE(s.property, "location");
}

TEST(SourceTemplate, RefusesValues) {
    const SourceTemplate t = parsed(good);
    EXPECT_FALSE(bind_parameters(t, {{"nope", std::string("x")}}));
    EXPECT_FALSE(bind_parameters(t, {{"mode", std::string("c")}}));
    EXPECT_FALSE(bind_parameters(t, {{"latency", int64_t(11)}}));
    EXPECT_FALSE(bind_parameters(t, {{"latency", int64_t(-1)}}));
    EXPECT_FALSE(bind_parameters(t, {{"latency", std::string("5")}}));
    EXPECT_FALSE(bind_parameters(t, {{"url", std::string("a\0b", 3)}}));
    const auto refused = bind_parameters(t, {{"mode", std::string("secret")}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text.find("secret"), std::string::npos);
}

TEST(SourceTemplate, BadTemplates) {
    for (
        const char* text :
        {"", "[]", R"({"name": "t"})", R"({"name": "t", "parameters": {}, "pipeline": []})",
         R"({"name": "t", "parameters": {}, "pipeline": ["a", 1]})",
         R"({"name": "a b", "parameters": {}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {}, "pipeline": ["a"], "extra": 1})",
         R"({"name": "t", "parameters": {"x": {"type": "float", "sets": ["a.b"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": ["ab"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": ["a.b.c.d"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": ["a..c"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": [""]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "required": 1, "sets": ["a.b"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "loop": 1, "parameters": {}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": []}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string"}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "integer", "default": "5", "sets": ["a.b"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "integer", "minimum": "5", "sets": ["a.b"]}}, "pipeline": ["a"]})",
         R"({"name": "t", "parameters": {"x": {"type": "string", "sets": ["a.b"], "format": "x"}}, "pipeline": ["a"]})"}) {
        std::vector<ConfigError> errors;
        parse_template(text, errors);
        EXPECT_FALSE(errors.empty()) << text;
    }
}

TEST(SourceTemplate, Branches) {
    const SourceTemplate t = parsed(R"({"name": "t", "parameters": {}, "pipeline": ["p"],
        "branches": [{"caps": "application/x-rtp", "pipeline": ["a", "! b"]}]})");
    ASSERT_EQ(t.branches.size(), 1u);
    EXPECT_EQ(t.branches[0].caps, "application/x-rtp");
    EXPECT_EQ(t.branches[0].pipeline, "a ! b");
    for (const char* branches : {"{}", "[1]", R"([{"caps": "x"}])", R"([{"pipeline": ["a"]}])",
                                 R"([{"caps": "x", "pipeline": ["a"], "y": 1}])"}) {
        std::vector<ConfigError> errors;
        parse_template(
            R"({"name": "t", "parameters": {}, "pipeline": ["p"], "branches": )" + std::string(branches) + "}", errors);
        EXPECT_FALSE(errors.empty()) << branches;
    }
}

constexpr const char* derived = R"({
  "name": "t", "kind": "derived",
  "parameters": {
    "rate": {"type": "integer", "sets": ["r.rate"]},
    "size": {"type": "integer", "sets": ["s.size"]},
    "bits": {"type": "integer", "default": 9, "sets": ["e.bits"]}
  },
  "branches": [{"caps": "video/x-h264", "pipeline": [
    "a", {"with": ["rate"], "text": "! b name=r"}, {"with": ["size", "bits"], "text": "! c name=s"}, "! d name=e"]}] })";

TEST(SourceTemplate, DerivedOnesHaveBranchesWithPieces) {
    const SourceTemplate t = parsed(derived);
    EXPECT_EQ(t.kind, SourceTemplate::Kind::derived);
    EXPECT_EQ(parsed(good).kind, SourceTemplate::Kind::source);
    ASSERT_EQ(t.branches.size(), 1u);
    const auto words = [&](const std::set<std::string>& given) {
        std::string text = t.branches[0].text(given);
        for (size_t at; (at = text.find("  ")) != std::string::npos;)
            text.erase(at, 1);
        return text;
    };
    EXPECT_EQ(words({}), "a ! d name=e");
    EXPECT_EQ(words({"rate"}), "a ! b name=r ! d name=e");
    EXPECT_EQ(words({"bits"}), "a ! c name=s ! d name=e");
    EXPECT_EQ(words({"rate", "size", "bits"}), "a ! b name=r ! c name=s ! d name=e");
}

TEST(SourceTemplate, BadDerivedOnes) {
    const std::string begin =
        R"({"name": "t", "kind": "derived", "parameters": {"p": {"type": "string", "sets": ["x.y"]}}, )";
    const std::string piece = R"("branches": [{"caps": "c", "pipeline": ["e name=x", )";
    EXPECT_EQ(parsed(begin + piece + "\"! f\"]}]}").branches.size(), 1u);
    for (const std::string& text :
         {begin + R"("branches": []})", begin + R"("pipeline": ["e name=x"]})",
          begin + R"("pipeline": ["e"], "branches": [{"caps": "c", "pipeline": ["e name=x"]}]})",
          begin + R"("loop": true, "branches": [{"caps": "c", "pipeline": ["e name=x"]}]})",
          begin + R"("branches": [{"caps": "c", "pipeline": ["e name=xx"]}]})", // sets an element that is none
          begin + piece + R"({"with": ["q"], "text": "! f"}]}]})", begin + piece + R"({"with": [], "text": "! f"}]}]})",
          begin + piece + R"({"with": ["p"]}]}]})", begin + piece + R"({"text": "! f"}]}]})",
          begin + piece + R"({"with": ["p"], "text": "! f", "else": "! g"}]}]})", begin + piece + "1]}]}",
          std::string(R"({"name": "t", "kind": "other", "parameters": {}, "pipeline": ["e"]})"),
          std::string(R"({"name": "t", "parameters": {}, "pipeline": ["e", {"with": ["p"], "text": "! f"}]})"),
          std::string(R"({"name": "t", "parameters": {}, "pipeline": ["e"],
                          "branches": [{"caps": "c", "pipeline": ["e", {"with": ["p"], "text": "! f"}]}]})")}) {
        std::vector<ConfigError> errors;
        parse_template(text, errors);
        EXPECT_FALSE(errors.empty()) << text;
    }
}

TEST(SourceTemplate, WhatIsRequiredHasToBeGiven) {
    const SourceTemplate t = parsed(R"({"name": "t", "parameters": {
        "a": {"type": "string", "required": true, "sets": ["x.y"]},
        "b": {"type": "string", "required": true, "default": "z", "sets": ["x.z"]}}, "pipeline": ["p"]})");
    EXPECT_FALSE(bind_parameters(t, {}));
    EXPECT_TRUE(bind_parameters(t, {{"a", std::string("v")}}));
}

TEST(SourceTemplate, FieldsOfCapsCanBeSet) {
    const SourceTemplate t = parsed(R"({"name": "t", "loop": true, "parameters": {
        "width": {"type": "integer", "sets": ["size.caps.width"]}}, "pipeline": ["p"]})");
    EXPECT_TRUE(t.loop);
    const auto bound = bind_parameters(t, {{"width", int64_t(640)}});
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound.value()[0].property, "caps");
    EXPECT_EQ(bound.value()[0].field, "width");
}

class TemplateDirectories : public testing::Test {
protected:
    void SetUp() override {
        char path[] = "/tmp/sluice-templates-XXXXXX";
        ASSERT_TRUE(mkdtemp(path));
        root_ = path;
        std::filesystem::create_directories(root_ + "/a");
        std::filesystem::create_directories(root_ + "/b");
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write(const std::string& file, const std::string& name, const std::string& description) {
        std::ofstream(root_ + "/" + file) << R"({"name": ")" << name << R"(", "description": ")" << description
                                          << R"(", "parameters": {}, "pipeline": ["a ! b"]})";
    }
    std::string root_;
};

TEST_F(TemplateDirectories, TheFirstOfAName) {
    write("a/mine.json", "mine", "first");
    write("b/mine.json", "mine", "second");
    write("b/other.json", "other", "");
    std::ofstream(root_ + "/b/notes.txt") << "no template";
    const auto found = Templates::load(root_ + "/a:" + root_ + "/b");
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(found.value().names(SourceTemplate::Kind::source), (std::vector<std::string>{"mine", "other"}));
    EXPECT_EQ(found.value().find("mine")->description, "first");
    EXPECT_EQ(found.value().find("notes"), nullptr);
}

TEST_F(TemplateDirectories, EverythingThatIsWrongIsTold) {
    write("a/mine.json", "yours", "");
    std::ofstream(root_ + "/a/broken.json") << "{";
    const auto found = Templates::load(root_ + "/a");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::bad_config);
    EXPECT_NE(found.error().text.find("mine.json: /name: "), std::string::npos) << found.error().text;
    EXPECT_NE(found.error().text.find("broken.json:1:2: "), std::string::npos) << found.error().text;
    const auto missing = Templates::load(root_ + "/c");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::missing_file);
    EXPECT_NE(missing.error().text.find("SLUICE_PIPELINES"), std::string::npos);
}

TEST(SourceTemplate, TheCommittedOnesLoad) {
    const char* pipelines = std::getenv("SLUICE_PIPELINES");
    ASSERT_TRUE(pipelines);
    const auto all = Templates::load(pipelines);
    ASSERT_TRUE(all) << all.error().text;
    using Kind = SourceTemplate::Kind;
    EXPECT_EQ(all.value().names(Kind::source),
              (std::vector<std::string>{"file", "mjpeg", "rtsp", "srt", "test", "v4l2"}));
    EXPECT_EQ(all.value().names(Kind::derived), (std::vector<std::string>{"downscale", "transcode"}));
    EXPECT_EQ(all.value().names(Kind::snapshot), (std::vector<std::string>{"snapshot"}));
    for (const char* name : {"url", "user", "password", "transport", "latency"})
        EXPECT_TRUE(all.value().find("rtsp")->parameters.count(name)) << name;
    // What an address on this machine gives a value to.
    EXPECT_TRUE(all.value().find("file")->parameters.at("location").required);
    EXPECT_TRUE(all.value().find("v4l2")->parameters.at("device").required);
    EXPECT_TRUE(all.value().find("test")->parameters.count("pattern"));
    const auto missing = load_template(pipelines, "no-such-template");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::missing_file);
}

constexpr const char* snapshot = R"({"name": "snapshot", "kind": "snapshot",
    "parameters": {"width": {"type": "integer", "sets": ["size.caps.width"]}},
    "branches": [{"caps": "video/x-h264", "pipeline": ["a", {"with": ["width"], "text": "! b name=size "}, "! c"]}]})";

TEST(SourceTemplate, OfSinglePictures) {
    const SourceTemplate t = parsed(snapshot);
    EXPECT_EQ(t.kind, SourceTemplate::Kind::snapshot);
    EXPECT_EQ(t.branches.at(0).text({}), "a ! c");
    EXPECT_NE(t.branches.at(0).text({"width"}).find("! b name=size"), std::string::npos);
    const struct {
        const char *what, *instead, *where;
    } wrong[] = {
        {R"("name": "snapshot")", R"("name": "other")", "/kind"}, // nobody would ever use it
        {R"("kind": "snapshot")", R"("kind": "derived")", "/kind"},
        {R"("kind": "snapshot")", R"("kind": "picture")", "/kind"},
        {R"("kind": "snapshot")", R"("kind": 1)", "/kind"},
        {R"("width": {)", R"("size": {)", "/parameters/width"},
        {R"("type": "integer")", R"("type": "string")", "/parameters/width"},
        {R"("type": "integer")", R"("type": "integer", "default": 640)", "/parameters/width"},
        {R"("type": "integer")", R"("type": "integer", "required": true)", "/parameters/width/required"},
        {R"("size.caps.width")", R"("siez.caps.width")", "/parameters/width/sets"},
        {R"("kind": "snapshot")", R"("kind": "snapshot", "pipeline": ["a"])", "/pipeline"},
        {R"("kind": "snapshot")", R"("kind": "snapshot", "loop": false)", "/loop"},
        {R"("kind": "snapshot")", R"("kind": "snapshot", "in-process": true)", "/in-process"},
        {R"(["a",)", R"(["fanoutsrc",)", "/in-process"},
    };
    for (const auto& w : wrong) {
        std::string text = snapshot;
        text.replace(text.find(w.what), std::string_view(w.what).size(), w.instead);
        std::vector<ConfigError> errors;
        parse_template(text, errors);
        ASSERT_FALSE(errors.empty()) << text;
        EXPECT_EQ(errors[0].where, w.where) << errors[0].text;
    }
}

// docs/templates.md has a section for each template that is shipped, which names every parameter; and what it shows is taken.
TEST(TemplatesPage, SaysWhatTheTemplatesAre) {
    const std::filesystem::path pipelines = std::getenv("SLUICE_PIPELINES");
    const auto loaded = Templates::load(pipelines);
    ASSERT_TRUE(loaded) << loaded.error().text;
    Templates templates = loaded.value();
    std::ifstream file(pipelines.parent_path() / "docs/templates.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    using Kind = SourceTemplate::Kind;
    for (const Kind kind : {Kind::source, Kind::derived, Kind::snapshot})
        for (const std::string& name : templates.names(kind)) {
            const std::string title = "\n### " + name + "\n";
            const size_t begin = page.find(title);
            ASSERT_NE(begin, std::string::npos) << name << " has no section";
            const size_t streams = page.find("\n## Derived streams\n"), single = page.find("\n## Single pictures\n");
            EXPECT_EQ(begin < streams ? Kind::source : begin < single ? Kind::derived : Kind::snapshot, kind) << name;
            const std::string section = page.substr(begin, page.find("\n#", begin + title.size()) - begin);
            for (const auto& item : templates.find(name)->parameters)
                EXPECT_NE(section.find("`" + item.first + "`"), std::string::npos) << name << ": " << item.first;
            EXPECT_NE(section.find("\n    \""), std::string::npos) << name << " has no example";
        }
    const size_t own = page.find("```json\n") + 8;
    templates.add(parsed(page.substr(own, page.find("```", own) - own)));
    std::istringstream lines(page);
    int examples = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("    \"main\"") && !line.starts_with("    \"sub\""))
            continue;
        const std::string main = line.starts_with("    \"sub\"") ? R"("main": {"url": "test:"}, )" : "";
        const ConfigResult result = parse_config(config_text::with_camera(R"({"streams": {)" + main + line + "}}"),
                                                 {templates, config_text::fake_secrets(), "/cfg"});
        EXPECT_TRUE(result.errors.empty()) << line << "\n" << config_text::all(result);
        examples++;
    }
    EXPECT_EQ(examples, 9);
}

} // namespace
