// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/jwt_check.hpp"
#include "launcher/auth/key_file.hpp"
#include "launcher/auth/key_keeper.hpp"
#include "tests/support/jwt_maker.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// A provider that answers when the test says so.
class Keys : public testing::Test {
protected:
    std::unique_ptr<KeyKeeper> make() {
        return std::make_unique<KeyKeeper>(
            [this](const std::function<void(KeyKeeper::Answer)>& done) { asked.push_back(done); }, KeyKeeper::Times(),
            [this] { return time; }, [this](const std::string& line) { log.push_back(line); });
    }
    void answer(KeyKeeper::Answer a) {
        ASSERT_FALSE(asked.empty());
        const auto done = asked.front();
        asked.erase(asked.begin());
        done(std::move(a));
    }
    void answer_with(const std::vector<Json>& keys) { answer(std::optional(key_set(keys))); }
    void fail() { answer(Error{ErrorKind::unavailable, "no route"}); }

    KeyKeeper::Time time{1000s};
    std::vector<std::function<void(KeyKeeper::Answer)>> asked;
    std::vector<std::string> log;
    const SigningKey key = SigningKey::ed25519(), newer = SigningKey::ed25519();
};

TEST_F(Keys, AreAskedForAtOnceAndThenEveryTenMinutes) {
    const auto keeper = make();
    EXPECT_FALSE(keeper->keys());
    keeper->tick();
    keeper->tick();
    ASSERT_EQ(asked.size(), 1u) << "one question at a time";
    answer_with({key.jwk("1")});
    ASSERT_TRUE(keeper->keys());
    time += 599s;
    keeper->tick();
    EXPECT_TRUE(asked.empty());
    time += 1s;
    keeper->tick();
    EXPECT_EQ(asked.size(), 1u);
    EXPECT_TRUE(keeper->keys()) << "the old ones count meanwhile";
    EXPECT_TRUE(log.empty());
}

TEST_F(Keys, FailuresAreToldOnceAndTriedAgainMoreAndMoreSeldom) {
    const auto keeper = make();
    keeper->tick();
    fail();
    for (const auto wait : {5s, 10s, 20s, 40s, 60s, 60s}) {
        time += wait - 1s;
        keeper->tick();
        ASSERT_TRUE(asked.empty()) << wait.count();
        time += 1s;
        keeper->tick();
        ASSERT_EQ(asked.size(), 1u) << wait.count();
        fail();
    }
    EXPECT_EQ(log, std::vector<std::string>{"no route; tokens are refused until there are keys"});
    time += 60s;
    keeper->tick();
    answer_with({key.jwk("1")});
    ASSERT_EQ(log.size(), 2u);
    EXPECT_EQ(log[1], "the keys are there again");
}

TEST_F(Keys, StayWhenThereAreNoNewOnesButNotForEver) {
    const auto keeper = make();
    keeper->tick();
    answer_with({key.jwk("1")});
    time += 600s;
    keeper->tick();
    answer(std::optional<std::string>("{}"));
    EXPECT_TRUE(keeper->keys());
    EXPECT_NE(log.at(0).find("no JSON Web Key Set"), std::string::npos);
    EXPECT_NE(log.at(0).find("stay as they were"), std::string::npos);
    time += 24h - 601s;
    EXPECT_TRUE(keeper->keys());
    time += 1s;
    EXPECT_FALSE(keeper->keys());
}

TEST_F(Keys, ATextThatIsNoGoodIsNoBetterUnchanged) {
    const auto keeper = make();
    keeper->tick();
    answer(std::optional<std::string>("{}"));
    time += 5s;
    keeper->tick();
    answer(std::optional<std::string>());
    EXPECT_NE(keeper->problem(), "");
    EXPECT_EQ(log.size(), 1u);
}

TEST_F(Keys, UnknownOnesAreAskedForOnceAMinute) {
    const auto keeper = make();
    keeper->tick();
    answer_with({key.jwk("1")});
    int told = 0;
    EXPECT_FALSE(keeper->look_again([&] { told++; })) << "they were asked for just now";
    time += 60s;
    EXPECT_TRUE(keeper->look_again([&] { told++; }));
    EXPECT_TRUE(keeper->look_again([&] { told++; })) << "waits for the same answer";
    EXPECT_EQ(asked.size(), 1u);
    answer_with({key.jwk("1"), newer.jwk("2")});
    EXPECT_EQ(told, 2);
    EXPECT_FALSE(keeper->look_again([&] { told++; }));
    EXPECT_TRUE(asked.empty());
}

TEST_F(Keys, WhoWaitsIsBounded) {
    const auto keeper = make();
    keeper->tick();
    int told = 0, taken = 0;
    for (int i = 0; i < 1000; i++)
        taken += keeper->look_again([&] { told++; });
    EXPECT_EQ(taken, 256);
    fail();
    EXPECT_EQ(told, 256);
}

TEST_F(Keys, AnAnswerAfterTheEndIsNone) {
    make()->tick();
    answer_with({key.jwk("1")});
}

class Tokens : public Keys {
protected:
    void SetUp() override {
        JwtConfig config;
        config.issuer = "https://id.example";
        config.audience = "sluice";
        config.rights = {{"groups", false, "guard", "front-*", {"view"}}};
        auto keeper = make();
        keeper->tick();
        check = std::make_unique<JwtCheck>(config, std::move(keeper), [this] { return unix_time; });
    }
    std::string token(const SigningKey& by, const std::string& kid, const std::string& group = "guard") const {
        return by.token(Json{{"iss", "https://id.example"},
                             {"aud", "sluice"},
                             {"sub", "alice"},
                             {"exp", unix_time + 300},
                             {"groups", Json{group}}},
                        kid);
    }
    static AuthRequest with(const std::string& token) {
        AuthRequest q;
        q.authorization = "Bearer " + token;
        return q;
    }
    void ask(const std::string& token) {
        check->check(with(token), [this](const AuthDecision& d) { decisions.push_back(d); });
    }
    using Verdict = AuthDecision::Verdict;
    int64_t unix_time = 1'700'000'000;
    std::unique_ptr<JwtCheck> check;
    std::vector<AuthDecision> decisions;
};

TEST_F(Tokens, OnlyWhatLooksLikeOne) {
    EXPECT_TRUE(check->takes(with("a.b.c")));
    EXPECT_FALSE(check->takes(with("opaque")));
    EXPECT_FALSE(check->takes({}));
    AuthRequest basic;
    basic.authorization = "Basic a.b.c";
    EXPECT_FALSE(check->takes(basic));
}

TEST_F(Tokens, AreWorthTheirClaimsUntilTheyExpire) {
    answer_with({key.jwk("1")});
    ask(token(key, "1"));
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].verdict, Verdict::accepted) << decisions[0].reason;
    EXPECT_EQ(decisions[0].principal, "jwt:alice");
    EXPECT_EQ(decisions[0].expires, unix_time + 330);
    EXPECT_TRUE(decisions[0].rights.allows(Action::view, "front-door"));
    EXPECT_FALSE(decisions[0].rights.allows(Action::view, "yard"));
    ask(token(key, "1", "visitors"));
    EXPECT_EQ(decisions.at(1).verdict, Verdict::forbidden) << "known, but without any right";
    ask(token(newer, "1"));
    EXPECT_EQ(decisions.at(2).verdict, Verdict::unauthenticated);
}

TEST_F(Tokens, WaitForTheFirstKeys) {
    ask(token(key, "1"));
    EXPECT_TRUE(decisions.empty());
    answer_with({key.jwk("1")});
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].verdict, Verdict::accepted);
}

TEST_F(Tokens, WithoutKeysNobodyCanTell) {
    ask(token(key, "1"));
    fail();
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].verdict, Verdict::unavailable);
    EXPECT_GT(decisions[0].retry_seconds, 0u);
    ask(token(key, "1"));
    EXPECT_EQ(decisions.size(), 2u) << "no question for each token";
}

TEST_F(Tokens, ANewKeyIsFetchedWhenATokenNamesIt) {
    answer_with({key.jwk("1")});
    time += 60s;
    ask(token(newer, "2"));
    EXPECT_TRUE(decisions.empty());
    answer_with({key.jwk("1"), newer.jwk("2")});
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].verdict, Verdict::accepted);
    ask(token(SigningKey::ed25519(), "3"));
    ASSERT_EQ(decisions.size(), 2u) << "not asked for again";
    EXPECT_EQ(decisions[1].verdict, Verdict::unauthenticated);
    EXPECT_TRUE(asked.empty());
}

TEST(KeyFile, IsReadWhenItHasChanged) {
    char directory[] = "/tmp/sluice-key-file-test-XXXXXX";
    ASSERT_TRUE(mkdtemp(directory));
    const std::string path = std::string(directory) + "/keys.json";
    KeyFile file(path);
    const auto missing = file.read();
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().text.find("No such file"), std::string::npos);
    std::ofstream(path) << "one";
    EXPECT_EQ(file.read().value(), "one");
    EXPECT_EQ(file.read().value(), std::nullopt);
    std::ofstream(path) << "other";
    EXPECT_EQ(file.read().value(), "other");
    unlink(path.c_str());
    EXPECT_FALSE(file.read());
    std::ofstream(path) << std::string(max_jwks_bytes + 1, 'x');
    EXPECT_FALSE(file.read());
    unlink(path.c_str());
    rmdir(directory);
}

} // namespace
