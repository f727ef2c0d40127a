// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/signed_urls.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace sluice;

namespace {

constexpr int64_t now = 1'700'000'000;
using Query = std::map<std::string, std::string, std::less<>>;

TEST(SignedUrls, OpensWhatWasSigned) {
    const SignedUrls urls;
    const std::string target = signed_target("/snapshot", {{"width", "320"}});
    const std::string token = urls.sign(target, "jwt:alice", now, now + 60);
    const auto opened = urls.open(target, token, now + 59);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->principal, "jwt:alice");
    EXPECT_EQ(opened->expires, now + 60);
    EXPECT_FALSE(urls.open(target, token, now + 60));
    EXPECT_FALSE(SignedUrls().open(target, token, now)) << "another run, another key";
}

TEST(SignedUrls, TheWholeAddressIsSigned) {
    EXPECT_EQ(signed_target("/a", {{"token", "x"}}), signed_target("/a", {}));
    const std::vector<std::string> targets = {signed_target("/a", {}),
                                              signed_target("/b", {}),
                                              signed_target("/a", {{"b", ""}}),
                                              signed_target("/a", {{"b", "c"}}),
                                              signed_target("/a", {{"bc", ""}}),
                                              signed_target("/a", {{"b", "d"}}),
                                              signed_target("/a", {{"b", "c"}, {"d", "e"}}),
                                              signed_target("/a1:b1:c", {})};
    const SignedUrls urls;
    for (const std::string& one : targets)
        for (const std::string& other : targets)
            EXPECT_EQ(urls.open(other, urls.sign(one, "p", now, now + 60), now).has_value(), &one == &other);
}

TEST(SignedUrls, TenMinutesAtMost) {
    const SignedUrls urls;
    const std::string token = urls.sign("t", "p", now, now + 86'400);
    EXPECT_TRUE(urls.open("t", token, now + 599));
    EXPECT_FALSE(urls.open("t", token, now + 600));
}

TEST(SignedUrls, NoByteOfATokenMayChange) {
    const SignedUrls urls;
    const std::string token = urls.sign("t", "p", now, now + 60);
    for (size_t i = 0; i < token.size(); i++) {
        std::string other = token;
        other[i] = other[i] == '1' ? '2' : '1';
        EXPECT_FALSE(urls.open("t", other, now)) << other;
        EXPECT_FALSE(urls.open("t", token.substr(0, i), now));
    }
    for (const std::string& bad : {std::string(), std::string("..."), token + "0", token + ".", "0" + token,
                                   "+" + token, " " + token, std::string(5000, '.'), std::string(5000, '1')})
        EXPECT_FALSE(urls.open("t", bad, now)) << bad;
}

TEST(SignedUrls, RevokedWithWhoSigned) {
    SignedUrls urls;
    const std::string hers = urls.sign("t", "alice", now, now + 60), his = urls.sign("t", "bob", now, now + 60);
    urls.revoke("alice", now);
    EXPECT_FALSE(urls.open("t", hers, now));
    EXPECT_TRUE(urls.open("t", his, now));
    EXPECT_TRUE(urls.open("t", urls.sign("t", "alice", now + 1, now + 60), now + 1)) << "with her new password";
    for (int i = 0; i < 3000; i++)
        urls.revoke("somebody " + std::to_string(i), now);
    EXPECT_FALSE(urls.open("t", his, now)) << "too many to remember: all end";
}

TEST(SignedUrls, ACheckLikeAnyOther) {
    const SignedUrls urls;
    SignedUrlCheck check(urls, [] { return now; });
    AuthRequest q;
    q.action = Action::snapshot;
    q.camera = "front";
    EXPECT_FALSE(check.takes(q));
    q.signed_target = signed_target("/snapshot", {});
    q.signed_token = urls.sign(q.signed_target, "alice", now, now + 60);
    ASSERT_TRUE(check.takes(q));
    AuthDecision got;
    check.check(q, [&](const AuthDecision& d) { got = d; });
    ASSERT_TRUE(got.accepted());
    EXPECT_EQ(got.principal, "alice");
    EXPECT_EQ(got.rights, Rights({{{Action::snapshot}, "front"}}));
    EXPECT_EQ(got.expires, now + 60);
    q.signed_target += "x";
    check.check(q, [&](const AuthDecision& d) { got = d; });
    EXPECT_EQ(got.verdict, AuthDecision::Verdict::unauthenticated);
    EXPECT_NE(got.reason, "");
}

} // namespace
