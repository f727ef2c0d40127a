// SPDX-License-Identifier: LGPL-2.1-or-later
// Rights, revocation, and those who are asked about credentials that are none of ours.
#include "launcher/auth/authenticator.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

using namespace sluice;

namespace {

using Verdict = AuthDecision::Verdict;

// Says what the test wants, now or when it wants.
struct Other : CredentialCheck {
    bool takes(const AuthRequest& q) const override {
        asked++;
        return q.authorization.rfind("Bearer other", 0) == 0 || q.authorization.rfind("Basic ", 0) == 0 ||
               (everything && q.authorization.empty());
    }
    void check(const AuthRequest&, std::function<void(AuthDecision)> done) override {
        checked++;
        if (later)
            waiting = std::move(done);
        else
            done(answer);
    }
    AuthDecision answer;
    bool later = false, everything = false;
    mutable int asked = 0;
    int checked = 0;
    std::function<void(AuthDecision)> waiting;
};

class CheckTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-check-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
        auto state = StateDirectory::open(root_ + "/state", false);
        ASSERT_TRUE(state);
        state_ = std::make_unique<StateDirectory>(std::move(state).value());
        accounts_ = std::make_unique<Accounts>(*state_);
        ASSERT_TRUE(accounts_->set_password("admin", "right-password"));
        ASSERT_TRUE(accounts_->set_password("guard", "guard-password", front_));
        audit_ = std::make_unique<AuditLog>(root_ + "/audit.log");
        auth_ = std::make_unique<Authenticator>(*accounts_, "sluice-1", audit_.get());
        auto other = std::make_unique<Other>();
        other_ = other.get();
        auth_->add_check(std::move(other));
    }
    void TearDown() override {
        auth_.reset();
        audit_.reset();
        std::filesystem::remove_all(root_);
    }
    static AuthRequest basic(const std::string& user, const std::string& password) {
        const std::string text = user + ":" + password;
        char* coded = g_base64_encode(reinterpret_cast<const guchar*>(text.data()), text.size());
        AuthRequest q;
        q.authorization = std::string("Basic ") + coded;
        q.peer = "10.0.0.7";
        g_free(coded);
        return q;
    }
    static AuthRequest bearer(const std::string& token) {
        AuthRequest q;
        q.authorization = "Bearer " + token;
        return q;
    }
    AuthDecision ask(const AuthRequest& q) {
        std::optional<AuthDecision> answer;
        auth_->authorize(q, [&](const AuthDecision& a) { answer = a; });
        while (!answer)
            g_main_context_iteration(nullptr, TRUE);
        return *answer;
    }
    std::string audited() {
        audit_.reset(); // writes what it has
        std::ifstream file(root_ + "/audit.log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    const Rights front_{std::vector<Grant>{{{Action::view}, "front-*"}}};
    std::string root_;
    std::unique_ptr<StateDirectory> state_;
    std::unique_ptr<Accounts> accounts_;
    std::unique_ptr<AuditLog> audit_;
    std::unique_ptr<Authenticator> auth_;
    Other* other_ = nullptr;
};

TEST_F(CheckTest, AnAccountMayWhatItsRightsSay) {
    AuthRequest q = basic("guard", "guard-password");
    q.action = Action::view;
    q.camera = "front-door";
    EXPECT_TRUE(ask(q).accepted());
    q.camera = "yard";
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden);
    q.camera = "front-door";
    q.action = Action::operate;
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden);
    q.action.reset();
    q.camera.reset();
    EXPECT_EQ(ask(q).rights, front_);
    EXPECT_EQ(other_->asked, 0) << "our own accounts are nobody else's";
}

TEST_F(CheckTest, ATokenHasRightsAndEnds) {
    const int64_t now = std::time(nullptr);
    const auto token = accounts_->add_token("kiosk", front_, now + 1000),
               old = accounts_->add_token("old", front_, now - 1);
    AuthRequest q = bearer(token.value());
    q.action = Action::view;
    q.camera = "front-door";
    const AuthDecision answer = ask(q);
    EXPECT_TRUE(answer.accepted());
    EXPECT_EQ(answer.expires, now + 1000);
    q.camera = "yard";
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden);
    q.authorization = "Bearer " + old.value();
    EXPECT_EQ(ask(q).verdict, Verdict::unauthenticated);
    EXPECT_EQ(ask(q).reason, "the token has expired");
    EXPECT_EQ(other_->asked, 0);
}

TEST_F(CheckTest, FewerRightsEndSessionsMoreAreTold) {
    std::string token;
    auth_->login("guard", "guard-password", "10.0.0.7", [&](const AuthDecision&, const std::string& t) { token = t; });
    while (token.empty())
        g_main_context_iteration(nullptr, TRUE);
    AuthRequest q;
    q.cookie = "sluice-1=" + token;
    ASSERT_TRUE(ask(q).accepted());
    std::vector<std::string> revoked, widened;
    auth_->on_revoked([&](const std::string& principal) { revoked.push_back(principal); });
    auth_->on_widened([&](const std::string& principal, const Rights&) { widened.push_back(principal); });
    Accounts other(*state_);
    ASSERT_TRUE(other.set_rights("guard", Rights({{{Action::view}, "yard"}}), true));
    EXPECT_TRUE(ask(q).rights.sees("yard"));
    EXPECT_EQ(widened, std::vector<std::string>{"guard"});
    ASSERT_TRUE(other.set_rights("guard", Rights({{{Action::view}, "yard"}}), false));
    EXPECT_FALSE(ask(q).accepted());
    EXPECT_EQ(revoked, std::vector<std::string>{"guard"});
}

TEST_F(CheckTest, OthersAreAskedForWhatIsNotOurs) {
    other_->answer.verdict = Verdict::accepted;
    other_->answer.principal = "other:eve";
    other_->answer.rights = front_;
    AuthRequest q = bearer("other-1");
    q.action = Action::view;
    q.camera = "front-door";
    EXPECT_EQ(ask(q).principal, "other:eve");
    q.camera = "yard";
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden) << "their rights count, too";
    EXPECT_EQ(ask(bearer("unknown")).reason, "the token is not known");
    EXPECT_EQ(ask({}).verdict, Verdict::unauthenticated);
    EXPECT_EQ(ask(basic("eve", "whatever")).principal, "other:eve");
    EXPECT_EQ(ask(basic("guard", "wrong")).verdict, Verdict::unauthenticated) << "ours, and wrong";
    other_->answer.verdict = Verdict::unavailable;
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(ask(basic("eve", "whatever")).verdict, Verdict::unavailable)
            << "a server that is away closes no door";
}

TEST_F(CheckTest, GuessingWhatOthersKnowIsSlowed) {
    other_->answer.verdict = Verdict::unauthenticated;
    int checked = 0;
    for (int i = 0; i < 50; i++)
        checked += ask(basic("eve", "guess-" + std::to_string(i))).verdict == Verdict::unauthenticated;
    EXPECT_EQ(checked, 6);
    EXPECT_EQ(other_->checked, 6);
}

TEST_F(CheckTest, APageOfAnotherSiteCannotUseACookieThatOthersKnow) {
    other_->everything = true;
    other_->answer.verdict = Verdict::accepted;
    AuthRequest q;
    q.cookie = "theirs=1";
    q.host = "cam:8080";
    q.origin = "http://evil";
    q.changes_state = true;
    EXPECT_EQ(ask(q).verdict, Verdict::forbidden);
    EXPECT_EQ(other_->checked, 0);
    q.origin = "http://cam:8080";
    EXPECT_TRUE(ask(q).accepted());
}

TEST_F(CheckTest, AnAnswerThatComesTooLateIsNoAnswer) {
    other_->later = true;
    bool called = false;
    auth_->authorize(bearer("other-1"), [&](const AuthDecision&) { called = true; });
    const auto answer = std::move(other_->waiting);
    auth_.reset();
    answer({});
    EXPECT_FALSE(called);
}

TEST_F(CheckTest, TheAuditKnowsLoginsAndNoSecrets) {
    ask(basic("guard", "guard-password"));
    for (const auto& [user, password] : {std::pair("guard", "wrong-secret"), {"typed-password-here", "x"}}) {
        bool done = false;
        auth_->login(user, password, "10.0.0.9", [&](const AuthDecision&, const std::string&) { done = true; });
        while (!done)
            g_main_context_iteration(nullptr, TRUE);
    }
    std::ignore = accounts_->remove_account("guard");
    const std::string text = audited();
    EXPECT_NE(text.find(R"("event":"login","outcome":"accepted","principal":"guard","peer":"10.0.0.7")"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find(R"("event":"login","outcome":"refused","account":"guard","peer":"10.0.0.9")"),
              std::string::npos)
        << text;
    for (const char* secret : {"guard-password", "wrong-secret", "typed-password-here"})
        EXPECT_EQ(text.find(secret), std::string::npos) << text;
    auth_ = std::make_unique<Authenticator>(*accounts_, "sluice-1");
}

} // namespace
