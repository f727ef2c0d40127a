// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/credentials.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

std::string basic(const std::string& text) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < text.size(); i += 3) {
        unsigned block = 0;
        for (size_t k = 0; k < 3; k++)
            block = block << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u);
        for (size_t k = 0; k < 4; k++)
            out += i + k > text.size() ? '=' : digits[block >> (18 - 6 * k) & 63];
    }
    return "Basic " + out;
}

TEST(Credentials, HashesAndVerifies) {
    const std::string hash = hash_password("correct horse");
    EXPECT_EQ(hash.rfind("$y$", 0), 0u) << "yescrypt";
    EXPECT_TRUE(verify_password("correct horse", hash));
    EXPECT_FALSE(verify_password("correct horsf", hash));
    EXPECT_FALSE(verify_password("", hash));
    EXPECT_NE(hash, hash_password("correct horse")) << "the salt is random";
    EXPECT_FALSE(verify_password(std::string("correct horse\0x", 15), hash)) << "crypt(3) stops at NUL, we do not";
    EXPECT_FALSE(verify_password("x", "*0"));
    EXPECT_FALSE(verify_password("x", ""));
    EXPECT_FALSE(verify_password(std::string(100'000, 'x'), hash));
}

TEST(Credentials, ParsesAFile) {
    const auto c = Credentials::parse(
        "# people\n\nadmin:" + hash_password("secret") + "\r\nbob:" + hash_password("x") + "\n", "file");
    ASSERT_TRUE(c) << c.error().text;
    EXPECT_TRUE(c->verify("admin", "secret"));
    EXPECT_FALSE(c->verify("admin", "x"));
    EXPECT_TRUE(c->verify("bob", "x"));
    EXPECT_FALSE(c->verify("eve", "secret"));
    EXPECT_FALSE(c->verify("", ""));
}

TEST(Credentials, EmptyFileLetsNobodyIn) {
    const auto c = Credentials::parse("", "file");
    ASSERT_TRUE(c);
    EXPECT_TRUE(c->empty());
    EXPECT_FALSE(c->verify("admin", ""));
}

TEST(Credentials, ErrorsNameTheLineAndNeverItsContent) {
    for (const char* line : {"justaword", ":hash", "admin:", "admin:plainpassword", "admin:$apr1$x$y",
                             "admin:$1$salt$hash", "admin:{SHA}hunter2hunter2"}) {
        const auto c = Credentials::parse(std::string("# one\n") + line + "\n", "people.txt");
        ASSERT_FALSE(c) << line;
        EXPECT_EQ(c.error().kind, ErrorKind::bad_config);
        EXPECT_EQ(c.error().text.rfind("people.txt:2: ", 0), 0u) << c.error().text;
        EXPECT_EQ(c.error().text.find("plainpassword"), std::string::npos);
        EXPECT_EQ(c.error().text.find("hunter2"), std::string::npos);
    }
    const std::string hash = hash_password("x");
    const auto twice = Credentials::parse("a:" + hash + "\na:" + hash + "\n", "f");
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().text.find("twice"), std::string::npos);
}

TEST(Credentials, MissingFile) {
    const auto c = Credentials::load("/no/such/file");
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().kind, ErrorKind::missing_file);
}

TEST(ParseBasic, TakesWhatRfc7617Says) {
    const auto c = parse_basic("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    ASSERT_TRUE(c);
    EXPECT_EQ(c->user, "Aladdin");
    EXPECT_EQ(c->password, "open sesame");
    EXPECT_EQ(parse_basic(basic("user:pass:word"))->password, "pass:word");
    EXPECT_EQ(parse_basic(basic("user:"))->password, "");
    EXPECT_TRUE(parse_basic("basic   QTpC"));
}

TEST(ParseBasic, RefusesAllElse) {
    for (const std::string& text :
         {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer abc"),
          std::string("Basic !!!!"), basic("nocolon"), basic(std::string("a\0b:c", 5)), std::string("BasicQTpC"),
          std::string("Basic QTp"), std::string("Basic QTpC===="), std::string("Basic QT\npC"),
          "Basic " + std::string(20000, 'A')})
        EXPECT_FALSE(parse_basic(text)) << text.substr(0, 40);
}

TEST(EqualConstantTime, Compares) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_TRUE(equal_constant_time("", ""));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(RandomToken, IsLongUrlSafeAndNew) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; i++) {
        const std::string token = random_token();
        EXPECT_EQ(token.size(), 43u);
        EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                  std::string::npos);
        EXPECT_TRUE(seen.insert(token).second);
    }
}

TEST(CredentialCache, RemembersForAWhile) {
    CredentialCache cache(8, 300s);
    const CredentialCache::Time t{1000s};
    EXPECT_FALSE(cache.contains("a", "b", t));
    cache.remember("a", "b", t);
    EXPECT_TRUE(cache.contains("a", "b", t + 299s));
    EXPECT_FALSE(cache.contains("a", "c", t));
    EXPECT_FALSE(cache.contains("", "ab", t)) << "the border between user and password counts";
    EXPECT_FALSE(cache.contains("ab", "", t));
    EXPECT_FALSE(cache.contains("a", "b", t + 300s));
    EXPECT_EQ(cache.size(), 0u) << "what has expired is gone";
}

TEST(CredentialCache, ReadingDoesNotProlong) {
    CredentialCache cache(8, 300s);
    const CredentialCache::Time t{1000s};
    cache.remember("a", "b", t);
    for (int i = 0; i < 300; i += 10)
        EXPECT_TRUE(cache.contains("a", "b", t + std::chrono::seconds(i)));
    EXPECT_FALSE(cache.contains("a", "b", t + 301s));
}

TEST(CredentialCache, IsBoundedAndDropsTheOldest) {
    CredentialCache cache(3, 300s);
    const CredentialCache::Time t{1000s};
    for (int i = 0; i < 5; i++)
        cache.remember("u" + std::to_string(i), "p", t + std::chrono::seconds(i));
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_FALSE(cache.contains("u0", "p", t + 5s));
    EXPECT_FALSE(cache.contains("u1", "p", t + 5s));
    EXPECT_TRUE(cache.contains("u4", "p", t + 5s));
    cache.remember("u2", "p", t + 6s);
    EXPECT_EQ(cache.size(), 3u) << "the same again is no new entry";
    cache.clear();
    EXPECT_EQ(cache.size(), 0u);
}

TEST(ProblemJson, IsValidWhateverTheDetail) {
    for (const std::string& detail :
         {std::string("plain"), std::string("quote \" back \\ tab \t nul ") + '\0' + " end",
          std::string("umlaut \xc3\xbc, half \xc3, wrong \xff\xfe, long \xf0\x9f\x98\x80")}) {
        const std::string body = problem_json(ErrorKind::not_found, detail);
        const auto json = nlohmann::json::parse(body, nullptr, false);
        ASSERT_FALSE(json.is_discarded()) << body;
        EXPECT_EQ(json["status"], 404);
        EXPECT_EQ(json["type"], "about:sluice/not-found");
        EXPECT_FALSE(json["detail"].get<std::string>().empty());
    }
    EXPECT_EQ(problem_json(ErrorKind::internal, "").find("detail"), std::string::npos);
}

TEST(ErrorTable, EveryKindHasAStatusAnExitCodeAndItsOwnName) {
    std::set<std::string> types;
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); kind++) {
        const ErrorInfo& info = error_info(static_cast<ErrorKind>(kind));
        EXPECT_GE(info.http_status, 400);
        EXPECT_LT(info.http_status, 600);
        EXPECT_GE(info.exit_code, 64);
        EXPECT_LE(info.exit_code, 78);
        EXPECT_TRUE(types.insert(info.type).second) << info.type;
    }
}

} // namespace
