// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/whep.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(WhepTarget, Camera) {
    const auto t = parse_whep_target("/front-door_2.b");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->camera, "front-door_2.b");
    EXPECT_EQ(t->session, "");
}

TEST(WhepTarget, CameraAndSession) {
    const auto t = parse_whep_target("/front/Ab-9_z");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->camera, "front");
    EXPECT_EQ(t->session, "Ab-9_z");
}

TEST(WhepTarget, NothingElse) {
    for (const std::string& bad :
         {std::string(), std::string("/"), std::string("//"), std::string("front"), std::string("/front/"),
          std::string("/front/a/b"), std::string("/front//"), std::string("/fr ont"), std::string("/fr\xc3\xb6nt"),
          std::string("/front?x"), std::string("/*"), std::string("/front\n"), std::string("/a\0b", 4),
          "/" + std::string(65, 'x'), "/front/" + std::string(65, 'x')})
        EXPECT_FALSE(parse_whep_target(bad)) << bad;
    EXPECT_TRUE(parse_whep_target("/" + std::string(64, 'x') + "/" + std::string(64, 'y')));
}

} // namespace
} // namespace sluice
