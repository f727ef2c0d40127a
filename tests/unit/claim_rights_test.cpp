// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/claim_rights.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

ClaimRule rule(const std::string& claim, const std::string& value, const std::string& cameras = "front-*") {
    return {claim, false, value, cameras, {"view", "snapshot"}};
}
ClaimRule grants(const std::string& claim) { return {claim, true, {}, {}, {}}; }

bool may_view(const Json& claims, const ClaimRule& rule, const char* camera = "front-door") {
    const Result<Rights> rights = rights_of(claims, {rule});
    return rights && rights.value().allows(Action::view, camera);
}

TEST(ClaimRights, ATextOrAListOfTexts) {
    EXPECT_TRUE(may_view({{"groups", "security"}}, rule("groups", "security")));
    EXPECT_TRUE(may_view({{"groups", Json{"staff", "security"}}}, rule("groups", "security")));
    EXPECT_FALSE(may_view({{"groups", Json{"staff", "security"}}}, rule("groups", "security"), "yard"));
    for (const Json& other :
         {Json("staff"), Json("security2"), Json("Security"), Json("staff security"), Json::array(), Json{"staff"},
          Json(1), Json(true), Json(nullptr), Json{{"security", true}}, Json{Json{"security"}}})
        EXPECT_FALSE(may_view({{"groups", other}}, rule("groups", "security"))) << other;
    EXPECT_FALSE(may_view({{"roles", "security"}}, rule("groups", "security")));
}

TEST(ClaimRights, Patterns) {
    EXPECT_TRUE(may_view({{"sub", "anybody"}}, rule("sub", "*")));
    EXPECT_TRUE(may_view({{"groups", "site-7-guard"}}, rule("groups", "site-?-guard")));
    EXPECT_FALSE(may_view({{"groups", "site-17-guard"}}, rule("groups", "site-?-guard")));
}

TEST(ClaimRights, AScopeIsWords) {
    EXPECT_TRUE(may_view({{"scope", "openid cameras  email"}}, rule("scope", "cameras")));
    EXPECT_TRUE(may_view({{"scp", "cameras"}}, rule("scp", "cameras")));
    EXPECT_FALSE(may_view({{"scope", "openid cameras2 "}}, rule("scope", "cameras")));
    EXPECT_FALSE(may_view({{"scope", ""}}, rule("scope", "cameras")));
}

TEST(ClaimRights, APointerGoesThroughObjects) {
    const Json claims{
        {"realm_access", {{"roles", Json{"guard"}}}}, {"a/b", {{"c~d", "guard"}}}, {"list", Json{"guard"}}};
    EXPECT_TRUE(may_view(claims, rule("/realm_access/roles", "guard")));
    EXPECT_TRUE(may_view(claims, rule("/a~1b/c~0d", "guard")));
    for (const char* nowhere :
         {"/realm_access", "/realm_access/roles/0", "/list/0", "/", "//", "/realm_access/", "/x/y"})
        EXPECT_FALSE(may_view(claims, rule(nowhere, "guard"))) << nowhere;
    EXPECT_TRUE(may_view({{"https://example.org/roles", "guard"}}, rule("https://example.org/roles", "guard")));
}

TEST(ClaimRights, RulesAddUp) {
    const Result<Rights> rights =
        rights_of({{"groups", Json{"a", "b"}}},
                  {rule("groups", "a", "front"), rule("groups", "b", "yard"), rule("groups", "c", "vault")});
    ASSERT_TRUE(rights);
    EXPECT_TRUE(rights.value().allows(Action::view, "front"));
    EXPECT_TRUE(rights.value().allows(Action::snapshot, "yard"));
    EXPECT_FALSE(rights.value().allows(Action::playback, "yard"));
    EXPECT_FALSE(rights.value().sees("vault"));
}

TEST(ClaimRights, GrantsOnlyWhereTheyAreConfigured) {
    const Json claims{{"sluice", Json::array({Json{{"cameras", "yard"}, {"actions", Json{"view", "operate"}}}})}};
    EXPECT_FALSE(rights_of(claims, {rule("groups", "*")}));
    const Result<Rights> rights = rights_of(claims, {grants("sluice")});
    ASSERT_TRUE(rights);
    EXPECT_TRUE(rights.value().allows(Action::operate, "yard"));
    EXPECT_FALSE(rights.value().allows(Action::view, "front"));
    EXPECT_FALSE(rights_of({{"sub", "x"}}, {grants("sluice")})) << "no such claim, no right";
}

TEST(ClaimRights, GrantsAreUnderstoodAsAWholeOrNotAtAll) {
    const Json good{{"cameras", "yard"}, {"actions", Json{"view"}}};
    for (const Json& bad : {Json("view"), Json(good), Json{good, "x"}, Json::array({Json{{"cameras", "yard"}}}),
                            Json::array({good, Json{{"cameras", "yard"}, {"actions", Json{"fly"}}}}),
                            Json::array({Json{{"cameras", "yard"}, {"actions", Json::array()}}}),
                            Json::array({Json{{"cameras", ""}, {"actions", Json{"view"}}}}),
                            Json::array({Json{{"cameras", std::string(129, 'x')}, {"actions", Json{"view"}}}}),
                            Json::array({Json{{"cameras", "yard"}, {"actions", "view"}}}),
                            Json::array({Json{{"cameras", "yard"}, {"actions", Json{"view"}}, {"until", 1}}}),
                            Json(std::vector<Json>(65, good))}) {
        const Result<Rights> rights = rights_of({{"sluice", bad}}, {grants("sluice"), rule("sub", "*")});
        ASSERT_FALSE(rights) << bad;
        EXPECT_EQ(rights.error().kind, ErrorKind::forbidden);
    }
}

} // namespace
