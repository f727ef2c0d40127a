// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/yaml_tree.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

std::string error_of(const std::string& text) {
    const auto parsed = parse_yaml(text);
    return parsed ? "" : parsed.error().text;
}

TEST(YamlTree, ScalarsListsAndMapsKeepTheirOrderAndLines) {
    const auto parsed = parse_yaml("b: 1\na: [x, 'y z']\nc:\n  - d: ~\n    e: \"\"\n");
    ASSERT_TRUE(bool(parsed));
    const YamlNode& root = parsed.value();
    ASSERT_EQ(root.fields.size(), 3u);
    EXPECT_EQ(root.fields[0].name, "b");
    EXPECT_EQ(*root.find("b")->scalar(), "1");
    EXPECT_EQ(root.find("a")->items.at(1).text, "y z");
    EXPECT_EQ(root.find("a")->line, 2u);
    const YamlNode& inner = root.find("c")->items.at(0);
    EXPECT_TRUE(inner.find("d")->is_null());
    EXPECT_EQ(inner.find("e")->scalar(), nullptr);
    EXPECT_EQ(inner.find("e")->line, 5u);
    EXPECT_EQ(root.find("none"), nullptr);
}

TEST(YamlTree, BooleansOfOldAndNewYaml) {
    const auto parsed = parse_yaml("[yes, Off, TRUE, 'false', 1, maybe]");
    ASSERT_TRUE(bool(parsed));
    const auto& items = parsed.value().items;
    EXPECT_EQ(items.at(0).boolean(), true);
    EXPECT_EQ(items.at(1).boolean(), false);
    EXPECT_EQ(items.at(2).boolean(), true);
    EXPECT_EQ(items.at(3).boolean(), false);
    EXPECT_EQ(items.at(4).boolean(), std::nullopt);
    EXPECT_EQ(items.at(5).boolean(), std::nullopt);
}

TEST(YamlTree, AnchorsAliasesAndMerges) {
    const auto parsed = parse_yaml("base: &b {x: 1, y: 2}\nmore: &m {y: 5, z: 6}\none: {<<: *b, y: 3}\n"
                                   "two:\n  <<: [*b, *m]\n  k: *b\n");
    ASSERT_TRUE(bool(parsed));
    const YamlNode& one = *parsed.value().find("one");
    EXPECT_EQ(one.find("x")->text, "1");
    EXPECT_EQ(one.find("y")->text, "3");
    const YamlNode& two = *parsed.value().find("two");
    EXPECT_EQ(two.find("y")->text, "2");
    EXPECT_EQ(two.find("z")->text, "6");
    EXPECT_EQ(two.find("k")->find("x")->text, "1");
}

TEST(YamlTree, NothingInsideIsNoMap) {
    for (const char* text : {"", "# only a comment\n", "---\n"}) {
        const auto parsed = parse_yaml(text);
        ASSERT_TRUE(bool(parsed)) << text;
        EXPECT_FALSE(parsed.value().is_map());
    }
}

TEST(YamlTree, BrokenTextsAreOneLineWithThePlace) {
    EXPECT_EQ(error_of("a: 1\nb: [1, 2\nc: 3\n").substr(0, 2), "3:");
    EXPECT_EQ(error_of("a: 1\na: 2\n").substr(0, 5), "2:1: ");
    EXPECT_NE(error_of("a: 1\na: 2\n").find("twice"), std::string::npos);
    EXPECT_NE(error_of("? [a]\n: b\n").find("name of a field"), std::string::npos);
    EXPECT_NE(error_of("a: 1\n---\nb: 2\n").find("second document"), std::string::npos);
    EXPECT_NE(error_of("<<: text\na: 1\n").find("merge"), std::string::npos);
    EXPECT_FALSE(error_of("a: \tb: c: d").empty());
    EXPECT_FALSE(error_of("\"open").empty());
    EXPECT_FALSE(error_of(std::string("a\0b", 3)).empty());
    for (const char* text : {"a: [1, 2\nc: 3\n", "x: *nobody\n", "{", "a: 'b\n"}) {
        const std::string error = error_of(text);
        EXPECT_FALSE(error.empty()) << text;
        EXPECT_EQ(error.find('\n'), std::string::npos);
    }
}

TEST(YamlTree, ErrorsNeverRepeatWhatStandsThere) {
    // An unquoted password that begins with * is an alias for YAML.
    for (const char* text :
         {"password: *hunter2\n", "password: &a *hunter2", "password: %hunter2: x", "hunter2: [1\n",
          "hunter2: 1\nhunter2: 2\n", "a: !hunter2 [\n", "password: @hunter2\n", "password: `hunter2\n"})
        EXPECT_EQ(error_of(text).find("hunter2"), std::string::npos) << error_of(text);
}

TEST(YamlTree, BoundsHold) {
    EXPECT_NE(error_of(std::string(max_yaml_bytes + 1, '#')).find("1 MiB"), std::string::npos);
    EXPECT_NE(error_of(std::string(100, '[') + std::string(100, ']')).find("levels"), std::string::npos);
    EXPECT_NE(error_of(std::string(200'000, '[')).find("levels"), std::string::npos);
    std::string maps;
    for (int i = 0; i < 100'000; i++)
        maps += "{a: ";
    EXPECT_NE(error_of(maps).find("levels"), std::string::npos);
    EXPECT_TRUE(error_of(std::string(30, '[') + std::string(30, ']')).empty());

    std::string laughs = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n";
    for (char c = 'b'; c <= 'i'; c++) {
        const std::string last(1, static_cast<char>(c - 1));
        laughs += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 9; i++)
            laughs += (i ? ", *" : "*") + last;
        laughs += "]\n";
    }
    EXPECT_NE(error_of(laughs).find("too much"), std::string::npos);

    std::string long_texts = "a: &a \"" + std::string(500'000, 'x') + "\"\nb: [*a";
    for (int i = 0; i < 1000; i++)
        long_texts += ", *a";
    EXPECT_NE(error_of(long_texts + "]\n").find("too much"), std::string::npos);

    // Depth that aliases add up counts, too.
    std::string deep = "a0: &a0 [x]\n";
    for (int i = 1; i < 100; i++)
        deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
    EXPECT_NE(error_of(deep).find("levels"), std::string::npos);
}

TEST(YamlTree, AnAliasOfWhatItIsInIsRefused) {
    EXPECT_FALSE(error_of("a: &a [*a]\n").empty());
    EXPECT_FALSE(error_of("&a {b: *a}\n").empty());
}

} // namespace
