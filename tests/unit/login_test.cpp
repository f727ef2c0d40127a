// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/accounts.hpp"
#include "launcher/auth/authenticator.hpp"
#include "launcher/auth/session_store.hpp"

#include <glib.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

TEST(SessionStore, OpensFindsAndEnds) {
    SessionStore store(8, 12h);
    const SessionStore::Time t{std::chrono::hours(1000)};
    const std::string token = store.open("admin", t);
    EXPECT_EQ(token.size(), 43u);
    const auto found = store.find(token, t + 11h);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "admin");
    EXPECT_EQ(found->expires, t + 12h);
    EXPECT_FALSE(store.find(token + "x", t));
    EXPECT_FALSE(store.find("", t));
    EXPECT_FALSE(store.find(token, t + 12h));
    EXPECT_EQ(store.size(), 0u);
}

TEST(SessionStore, ClosesOneOrAllOfAUser) {
    SessionStore store;
    const SessionStore::Time t{std::chrono::hours(1000)};
    const std::string a = store.open("a", t), b = store.open("b", t), c = store.open("c", t), d = store.open("c", t);
    store.close(b);
    store.close("unknown");
    EXPECT_TRUE(store.find(a, t));
    EXPECT_FALSE(store.find(b, t));
    store.close_user("c");
    EXPECT_FALSE(store.find(c, t));
    EXPECT_FALSE(store.find(d, t));
    EXPECT_TRUE(store.find(a, t));
    EXPECT_EQ(store.size(), 1u);
}

TEST(SessionStore, IsBounded) {
    SessionStore store(3, 1h);
    const SessionStore::Time t{std::chrono::hours(1000)};
    const std::string first = store.open("u", t);
    for (int i = 0; i < 3; i++)
        store.open("u", t);
    EXPECT_EQ(store.size(), 3u);
    EXPECT_FALSE(store.find(first, t));
}

TEST(SessionStore, OneUserPushesOutNobodyElse) {
    SessionStore store(1000, 1h, 5);
    const SessionStore::Time t{std::chrono::hours(1000)};
    const std::string mine = store.open("me", t), first = store.open("busy", t);
    for (int i = 0; i < 2000; i++)
        store.open("busy", t);
    EXPECT_EQ(store.size(), 6u);
    EXPECT_TRUE(store.find(mine, t));
    EXPECT_FALSE(store.find(first, t));
}

TEST(FindCookie, ReadsHeaders) {
    EXPECT_EQ(find_cookie("a=1; sluice-8080=tok; b=2", "sluice-8080"), "tok");
    EXPECT_EQ(find_cookie("sluice-8080=tok", "sluice-8080"), "tok");
    EXPECT_EQ(find_cookie(" x = y ;sluice-8080=a=b", "sluice-8080"), "a=b");
    EXPECT_FALSE(find_cookie("sluice-80800=tok", "sluice-8080"));
    EXPECT_FALSE(find_cookie("", "sluice-8080"));
    EXPECT_FALSE(find_cookie(";;;=;", "sluice-8080"));
    EXPECT_FALSE(find_cookie("s=1; s=2", "s")) << "somebody has slipped in a second one";
}

TEST(SameOrigin, ComparesOriginWithHost) {
    const auto same = Authenticator::same_origin;
    EXPECT_TRUE(same("http://cam.local:8080", "cam.local:8080", ""));
    EXPECT_TRUE(same("https://CAM.local", "cam.local", "same-origin"));
    EXPECT_TRUE(same("", "cam.local", "")) << "tools send none";
    EXPECT_FALSE(same("http://evil", "cam.local", ""));
    EXPECT_FALSE(same("http://cam.local.evil", "cam.local", ""));
    EXPECT_FALSE(same("null", "cam.local", ""));
    EXPECT_FALSE(same("http://cam.local", "", ""));
    EXPECT_FALSE(same("", "cam.local", "cross-site"));
    EXPECT_FALSE(same("", "cam.local", "same-site"));
}

// A state directory of its own, removed afterwards.
class LoginFiles : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-login-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
    }
    void TearDown() override {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    std::string path() const { return root_ + "/state"; }
    std::string root_;
};

TEST_F(LoginFiles, StateDirectoryIsMadePrivateAndLocked) {
    auto first = StateDirectory::open(path(), true);
    ASSERT_TRUE(first) << first.error().text;
    struct stat info {};
    ASSERT_EQ(stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    const auto second = StateDirectory::open(path(), true);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::busy);
    EXPECT_NE(second.error().text.find(std::to_string(getpid())), std::string::npos) << second.error().text;
    EXPECT_TRUE(StateDirectory::open(path(), false)) << "passwd works beside a launcher";
    first = Error{};
    EXPECT_TRUE(StateDirectory::open(path(), true)) << "the lock ends with its holder";
}

TEST_F(LoginFiles, AccountsArePrivateAndSurvive) {
    auto state = StateDirectory::open(path(), true);
    ASSERT_TRUE(state);
    {
        Accounts accounts(state.value());
        ASSERT_TRUE(accounts.load());
        EXPECT_TRUE(accounts.empty());
        const auto set = accounts.set_password("admin", "long enough");
        ASSERT_TRUE(set) << set.error().text;
        EXPECT_TRUE(accounts.credentials()->verify("admin", "long enough"));
    }
    struct stat info {};
    ASSERT_EQ(stat((path() + "/accounts").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Accounts again(state.value());
    ASSERT_TRUE(again.load());
    EXPECT_FALSE(again.empty());
    EXPECT_TRUE(again.credentials()->verify("admin", "long enough"));
    std::ifstream file(path() + "/accounts");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text.find("long enough"), std::string::npos);
    EXPECT_EQ(text.rfind("admin:$y$", 0), 0u);
}

TEST_F(LoginFiles, PasswordsHaveALeastAndALargestLength) {
    auto state = StateDirectory::open(path(), false);
    ASSERT_TRUE(state);
    Accounts accounts(state.value());
    for (const std::string& bad : {std::string("short"), std::string(), std::string(300, 'x')}) {
        const auto set = accounts.set_password("admin", bad);
        ASSERT_FALSE(set);
        EXPECT_NE(set.error().text.find("8 to 256"), std::string::npos);
    }
}

TEST_F(LoginFiles, ChangesByAnotherProcessAreSeen) {
    auto state = StateDirectory::open(path(), false);
    ASSERT_TRUE(state);
    Accounts running(state.value());
    ASSERT_TRUE(running.set_password("admin", "password-1"));
    std::string error;
    EXPECT_FALSE(running.refresh(error).accounts);
    {
        Accounts other(state.value());
        ASSERT_TRUE(other.load());
        ASSERT_TRUE(other.set_password("admin", "password-2"));
    }
    EXPECT_TRUE(running.refresh(error).accounts) << error;
    EXPECT_TRUE(running.credentials()->verify("admin", "password-2"));
    EXPECT_FALSE(running.refresh(error).accounts);
    {
        std::ofstream file(path() + "/accounts");
        file << "garbage\n";
    }
    EXPECT_FALSE(running.refresh(error).accounts);
    EXPECT_NE(error.find("accounts:1"), std::string::npos) << error;
    EXPECT_TRUE(running.credentials()->verify("admin", "password-2")) << "what was right stays";
    error.clear();
    EXPECT_FALSE(running.refresh(error).accounts);
    EXPECT_EQ(error, "") << "said once";
}

TEST_F(LoginFiles, AChangeThatCouldNotBeReadAtOnceIsSeenLater) {
    auto state = StateDirectory::open(path(), false);
    ASSERT_TRUE(state);
    Accounts running(state.value()), other(state.value());
    ASSERT_TRUE(running.set_password("admin", "password-1"));
    ASSERT_TRUE(other.load());
    ASSERT_TRUE(other.set_password("admin", "password-2"));
    std::string error;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max}; // no file can be opened
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    const Accounts::Changes blind = running.refresh(error);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(blind.revoked.empty());
    EXPECT_NE(error, "");
    EXPECT_EQ(running.refresh(error).revoked, std::vector<std::string>{"admin"});
    EXPECT_TRUE(running.credentials()->verify("admin", "password-2"));
}

TEST_F(LoginFiles, Tokens) {
    auto state = StateDirectory::open(path(), false);
    ASSERT_TRUE(state);
    Accounts accounts(state.value());
    const auto token = accounts.add_token("monitoring");
    ASSERT_TRUE(token);
    ASSERT_TRUE(accounts.load());
    EXPECT_EQ(accounts.find_token(token.value(), 0)->principal, "token:monitoring");
    EXPECT_FALSE(accounts.find_token("x", 0));
    std::ifstream file(path() + "/tokens");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text.find(token.value()), std::string::npos) << "only its hash is kept";
    const auto newer = accounts.add_token("monitoring");
    ASSERT_TRUE(newer);
    ASSERT_TRUE(accounts.load());
    EXPECT_FALSE(accounts.find_token(token.value(), 0));
}

class AuthenticatorTest : public LoginFiles {
protected:
    void SetUp() override {
        LoginFiles::SetUp();
        auto state = StateDirectory::open(path(), false);
        ASSERT_TRUE(state);
        state_ = std::make_unique<StateDirectory>(std::move(state).value());
        accounts_ = std::make_unique<Accounts>(*state_);
        ASSERT_TRUE(accounts_->set_password("admin", "right-password"));
        auth_ = std::make_unique<Authenticator>(*accounts_, "sluice-1");
    }
    static AuthRequest basic(const char* password, const char* peer = "10.0.0.1") {
        const std::string plain = std::string("admin:") + password;
        char* coded = g_base64_encode(reinterpret_cast<const guchar*>(plain.data()), plain.size());
        AuthRequest q;
        q.authorization = std::string("Basic ") + coded;
        q.peer = peer;
        g_free(coded);
        return q;
    }
    // Runs the main context until there is an answer.
    AuthDecision ask(const AuthRequest& q) {
        std::optional<AuthDecision> answer;
        auth_->authorize(q, [&](const AuthDecision& a) { answer = a; });
        while (!answer)
            g_main_context_iteration(nullptr, TRUE);
        return *answer;
    }
    std::pair<AuthDecision, std::string> login(const char* user, const char* password) {
        std::optional<AuthDecision> answer;
        std::string token;
        auth_->login(user, password, "10.0.0.1", [&](const AuthDecision& a, const std::string& t) {
            answer = a;
            token = t;
        });
        while (!answer)
            g_main_context_iteration(nullptr, TRUE);
        return {*answer, token};
    }
    using Verdict = AuthDecision::Verdict;
    std::unique_ptr<StateDirectory> state_;
    std::unique_ptr<Accounts> accounts_;
    std::unique_ptr<Authenticator> auth_;
};

TEST_F(AuthenticatorTest, NothingSentIsUnauthenticated) {
    EXPECT_EQ(ask({}).verdict, Verdict::unauthenticated);
    AuthRequest q;
    q.authorization = "Digest username=\"admin\"";
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
    q.authorization = std::string(10'000, 'x');
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
}

TEST_F(AuthenticatorTest, BasicIsCheckedOnceAndThenRemembered) {
    EXPECT_EQ(ask(basic("right-password")).verdict, Verdict::accepted);
    bool at_once = false;
    auth_->authorize(basic("right-password"), [&](const AuthDecision& a) {
        at_once = a.verdict == Verdict::accepted && a.principal == "admin";
    });
    EXPECT_TRUE(at_once) << "the second time needs no slow hash";
    EXPECT_EQ(ask(basic("wrong-password")).verdict, Verdict::unauthenticated);
}

TEST_F(AuthenticatorTest, ManyAtOnceWithTheSameCredentialsAreOneTry) {
    int accepted = 0;
    for (int i = 0; i < 100; i++)
        auth_->authorize(basic("right-password"),
                         [&](const AuthDecision& a) { accepted += a.verdict == Verdict::accepted; });
    while (accepted < 100)
        g_main_context_iteration(nullptr, TRUE);
    EXPECT_EQ(accepted, 100);
}

TEST_F(AuthenticatorTest, GuessingClosesTheDoorForThatAddressOnly) {
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(ask(basic(("guess-" + std::to_string(i)).c_str(), "10.0.0.66")).verdict, Verdict::unauthenticated);
    const AuthDecision closed = ask(basic("right-password", "10.0.0.66"));
    EXPECT_EQ(closed.verdict, Verdict::too_many) << "even the right one: otherwise it could be told from the others";
    EXPECT_GE(closed.retry_seconds, 1u);
    EXPECT_EQ(ask(basic("right-password", "10.0.0.7")).verdict, Verdict::accepted);
    EXPECT_EQ(ask(basic("right-password", "10.0.0.66")).verdict, Verdict::too_many)
        << "what is remembered from another address opens no door either";
}

TEST_F(AuthenticatorTest, ParallelGuessesCountBeforeTheyAreAnswered) {
    int answers = 0, too_many = 0;
    for (int i = 0; i < 12; i++)
        auth_->authorize(basic(("guess-" + std::to_string(i)).c_str(), "10.0.0.66"), [&](const AuthDecision& a) {
            answers++;
            too_many += a.verdict == Verdict::too_many;
        });
    while (answers < 12)
        g_main_context_iteration(nullptr, TRUE);
    EXPECT_EQ(too_many, 6);
}

TEST_F(AuthenticatorTest, CookieSession) {
    const auto [answer, token] = login("admin", "right-password");
    ASSERT_EQ(answer.verdict, Verdict::accepted);
    AuthRequest q;
    q.cookie = "theme=dark; sluice-1=" + token;
    q.host = "cam:8080";
    const AuthDecision found = ask(q);
    EXPECT_EQ(found.verdict, Verdict::accepted);
    EXPECT_EQ(found.principal, "admin");
    EXPECT_GT(found.expires, 0);
    q.changes_state = true;
    q.origin = "http://cam:8080";
    EXPECT_EQ(ask(q).verdict, Verdict::accepted);
    q.origin = "http://evil:8080";
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden);
    q.origin.clear();
    q.cookie = "sluice-1=" + token + "x";
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
    auth_->logout("sluice-1=" + token);
    q.cookie = "sluice-1=" + token;
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
}

TEST_F(AuthenticatorTest, WrongLoginGivesNoToken) {
    for (const auto& [user, password] : {std::pair{"admin", "wrong"}, {"nobody", "right-password"}, {"", ""}}) {
        const auto [answer, token] = login(user, password);
        EXPECT_EQ(answer.verdict, Verdict::unauthenticated);
        EXPECT_EQ(answer.reason, "wrong user or password") << "does not tell which of the two";
        EXPECT_TRUE(token.empty());
    }
}

TEST_F(AuthenticatorTest, NewPasswordEndsEverySession) {
    const auto [answer, token] = login("admin", "right-password");
    ASSERT_EQ(ask(basic("right-password")).verdict, Verdict::accepted);
    std::vector<std::string> told;
    auth_->on_revoked([&](const std::string& principal) { told.push_back(principal); });
    {
        Accounts other(*state_);
        ASSERT_TRUE(other.load());
        ASSERT_TRUE(other.set_password("admin", "other-password"));
    }
    AuthRequest q;
    q.cookie = "sluice-1=" + token;
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
    EXPECT_EQ(told, std::vector<std::string>{"admin"});
    EXPECT_EQ(ask(basic("right-password")).verdict, Verdict::unauthenticated);
    EXPECT_EQ(ask(basic("other-password")).verdict, Verdict::accepted);
}

TEST_F(AuthenticatorTest, WhatIsRevokedIsToldWithoutARequest) {
    ASSERT_TRUE(accounts_->set_password("guest", "guest-password"));
    ASSERT_TRUE(accounts_->add_token("tool"));
    ASSERT_TRUE(accounts_->add_token("kept"));
    ASSERT_TRUE(accounts_->load());
    const auto [answer, token] = login("admin", "right-password");
    std::vector<std::string> told, ended;
    auth_->on_revoked([&](const std::string& principal) { told.push_back(principal); });
    auth_->on_logout([&](const std::string& session) { ended.push_back(session); });
    {
        Accounts other(*state_);
        ASSERT_TRUE(other.load());
        ASSERT_TRUE(other.set_password("guest", "another-password"));
        ASSERT_TRUE(other.set_password("new", "whatever-password"));
        ASSERT_TRUE(other.add_token("tool"));
    }
    while (told.empty())
        g_main_context_iteration(nullptr, TRUE);
    EXPECT_EQ(told, (std::vector<std::string>{"guest", "token:tool"}));
    AuthRequest q;
    q.cookie = "sluice-1=" + token;
    const AuthDecision found = ask(q);
    EXPECT_EQ(found.verdict, Verdict::accepted) << "somebody else's password";
    EXPECT_TRUE(found.rights.allows_everywhere(Action::admin));
    EXPECT_FALSE(found.session.empty());
    EXPECT_EQ(found.session.find(token), std::string::npos);
    auth_->logout("sluice-1=" + token);
    auth_->logout("sluice-1=" + token);
    EXPECT_EQ(ended, std::vector<std::string>{found.session});
}

TEST_F(AuthenticatorTest, Bearer) {
    const auto token = accounts_->add_token("tool");
    ASSERT_TRUE(token);
    AuthRequest q;
    q.authorization = "Bearer " + token.value();
    const AuthDecision answer = ask(q);
    EXPECT_EQ(answer.verdict, Verdict::accepted);
    EXPECT_EQ(answer.principal, "token:tool");
    q.authorization = "Bearer nonsense";
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
}

TEST_F(AuthenticatorTest, MayGoAwayWhileAHashIsComputed) {
    bool called = false;
    auth_->authorize(basic("right-password"), [&](const AuthDecision&) { called = true; });
    auth_.reset();
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
    EXPECT_FALSE(called);
}

} // namespace
