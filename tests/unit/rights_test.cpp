// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/rights.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

TEST(Pattern, StarsAndQuestionMarks) {
    struct Case {
        const char *pattern, *name;
        bool matches;
    };
    for (const Case& c : std::initializer_list<Case>{{"*", "", true},
                                                     {"*", "front", true},
                                                     {"**", "front", true},
                                                     {"", "", true},
                                                     {"", "front", false},
                                                     {"front", "front", true},
                                                     {"front", "front-door", false},
                                                     {"front-*", "front-door", true},
                                                     {"front-*", "front-", true},
                                                     {"front-*", "front", false},
                                                     {"*-door", "front-door", true},
                                                     {"*-door", "front-doors", false},
                                                     {"f*t-*r", "front-door", true},
                                                     {"f*o*o*", "front-door", true},
                                                     {"?ront", "front", true},
                                                     {"?ront", "ront", false},
                                                     {"fron?", "fron", false},
                                                     {"*?", "", false},
                                                     {"Front", "front", false}})
        EXPECT_EQ(matches_pattern(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
}

TEST(Pattern, ManyStarsCostLittle) {
    std::string pattern, name(2000, 'a');
    for (int i = 0; i < 500; i++)
        pattern += "*a";
    EXPECT_TRUE(matches_pattern(pattern, name));
    EXPECT_FALSE(matches_pattern(pattern + "b", name));
}

TEST(Rights, AnActionOnACamera) {
    const Rights rights({{{Action::view, Action::snapshot}, "front-*"}, {{Action::operate}, "yard"}});
    EXPECT_TRUE(rights.allows(Action::view, "front-door"));
    EXPECT_FALSE(rights.allows(Action::view, "yard")) << "operate is not view";
    EXPECT_TRUE(rights.allows(Action::operate, "yard"));
    EXPECT_FALSE(rights.allows(Action::operate, "front-door"));
    EXPECT_FALSE(rights.allows_everywhere(Action::view));
    EXPECT_TRUE(rights.sees("yard"));
    EXPECT_FALSE(rights.sees("back"));
}

TEST(Rights, AdminIsAllOfThem) {
    for (const Action action : all_actions) {
        EXPECT_TRUE(Rights::everything().allows(action, "front"));
        EXPECT_TRUE(Rights::everything().allows_everywhere(action));
        EXPECT_FALSE(Rights().allows(action, "front"));
        EXPECT_EQ(parse_action(to_string(action)), action);
    }
    EXPECT_FALSE(Rights({{{Action::admin}, "front"}}).allows_everywhere(Action::view));
    EXPECT_FALSE(Rights(std::vector<Grant>{{{}, "*"}}).sees("front")) << "a grant of nothing";
}

TEST(Rights, WhoOnlyWatchesChangesNothing) {
    EXPECT_TRUE(Rights::watching().allows(Action::view, "front"));
    for (const Action action : {Action::publish, Action::operate, Action::admin})
        EXPECT_FALSE(Rights::watching().allows(action, "front"));
}

TEST(Rights, WordsAreWholeWords) {
    EXPECT_FALSE(parse_action(""));
    EXPECT_FALSE(parse_action("View"));
    EXPECT_FALSE(parse_action("views"));
}

TEST(Rights, CoversWhatIsCertainlyNotLess) {
    const Rights front({{{Action::view, Action::snapshot}, "front-*"}});
    EXPECT_TRUE(front.covers(front));
    EXPECT_TRUE(Rights::everything().covers(front));
    EXPECT_TRUE(Rights::watching().covers(front));
    EXPECT_TRUE(front.covers(Rights()));
    EXPECT_TRUE(front.covers(Rights({{{Action::view}, "front-*"}})));
    EXPECT_FALSE(front.covers(Rights({{{Action::operate}, "front-*"}})));
    EXPECT_FALSE(front.covers(Rights::watching()));
    EXPECT_TRUE(Rights({{{Action::view}, "a"}, {{Action::snapshot}, "*"}})
                    .covers(Rights({{{Action::view, Action::snapshot}, "a"}})));
    EXPECT_FALSE(front.covers(Rights({{{Action::view}, "front-door"}})))
        << "patterns are not compared: asked again is safe";
}

TEST(Rights, AsTextAndBack) {
    for (const char* text : {"admin@*", "view,snapshot@front-*;operate@yard", "view@?"}) {
        const auto rights = parse_rights(text);
        ASSERT_TRUE(rights) << rights.error().text;
        EXPECT_EQ(to_string(rights.value()), text);
    }
    EXPECT_EQ(to_string(parse_rights("view,view@a").value()), "view@a");
    for (const std::string& text :
         {std::string(), std::string("view"), std::string("@"), std::string("view@"), std::string("@*"),
          std::string("view@*;"), std::string("view @*"), std::string("view@a/b"), "view@" + std::string(65, 'a')})
        EXPECT_FALSE(parse_rights(text)) << text;
    std::string many = "view@a";
    for (int i = 0; i < 64; i++)
        many += ";view@a";
    EXPECT_FALSE(parse_rights(many));
}

TEST(Rights, ErrorsShowWhatWasTypedWithoutControlCharacters) {
    const auto wrong = make_rights({"view\x1b[2J\n"}, {"*"});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().text.find('\x1b'), std::string::npos);
    EXPECT_EQ(wrong.error().text.find('\n'), std::string::npos);
    EXPECT_NE(wrong.error().text.find("snapshot"), std::string::npos) << "what is allowed";
}

} // namespace
