// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of accounts and tokens: what they say, how they are changed, what that means for those who are in.
#include "launcher/account_options.hpp"
#include "launcher/auth/accounts.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

using namespace sluice;

namespace {

const std::string hash = hash_password("password-1");
const std::string digest(64, 'a');

TEST(AccountFiles, OldLinesAreRead) {
    const auto accounts = parse_accounts("# people\nadmin:" + hash + "\r\nguest:" + hash + "\n", "f");
    ASSERT_TRUE(accounts) << accounts.error().text;
    EXPECT_EQ(accounts->at("admin").rights, Rights::everything());
    EXPECT_EQ(accounts->at("guest").rights, Rights::watching());
    const auto tokens = parse_tokens("tool:" + digest + "\n", "f");
    ASSERT_TRUE(tokens);
    EXPECT_EQ(tokens->at("tool").rights, Rights::watching());
    EXPECT_EQ(tokens->at("tool").expires, 0);
}

TEST(AccountFiles, WhatIsWrittenIsReadAgain) {
    const Rights rights({{{Action::view, Action::snapshot}, "front-*"}, {{Action::operate}, "yard"}});
    const AccountList accounts{{"admin", {hash, Rights::everything()}}, {"guard", {hash, rights}}};
    const auto read = parse_accounts(to_text(accounts), "f");
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read.value(), accounts);
    const TokenList tokens{{"a", {digest, 1'700'000'000, rights}}, {"b", {digest, 0, Rights::watching()}}};
    const auto again = parse_tokens(to_text(tokens), "f");
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again.value(), tokens);
}

TEST(AccountFiles, AdminHasAllRightsWhateverTheLineSays) {
    EXPECT_EQ(parse_accounts("admin:" + hash + ":view@x", "f")->at("admin").rights, Rights::everything());
}

TEST(AccountFiles, ErrorsNameTheLineAndNeverASecret) {
    for (const std::string& line :
         {std::string("word"), std::string(":x"), "a:" + hash + ":view", "a:" + hash + ":look@*", "a:" + hash + ":@*",
          "a:" + hash + ":view@", "a:" + hash + ":view@a b", "a:" + hash + ":view@*:x", "a:" + hash + ":" + hash,
          std::string("a:hunter2")}) {
        const auto accounts = parse_accounts("# one\n" + line + "\n", "people");
        ASSERT_FALSE(accounts) << line;
        EXPECT_EQ(accounts.error().kind, ErrorKind::bad_config);
        EXPECT_EQ(accounts.error().text.rfind("people:2: ", 0), 0u) << accounts.error().text;
        EXPECT_EQ(accounts.error().text.find("hunter2"), std::string::npos);
        EXPECT_EQ(accounts.error().text.find(hash.substr(0, 20)), std::string::npos);
    }
    for (const std::string& line :
         {std::string("a:short"), "a:" + digest + ":0", "a:" + digest + ":x:view@*", "a:" + digest + ":-1:view@*",
          "a:" + digest + ":1x:view@*", "a:" + digest + ":0:", "a:" + digest + "\na:" + digest})
        EXPECT_FALSE(parse_tokens(line, "f")) << line;
    EXPECT_FALSE(parse_accounts("a:" + hash + "\na:" + hash, "f")) << "twice";
}

TEST(AccountNames, HoldNothingThatFilesOrPrincipalsAreMadeOf) {
    for (const char* good : {"admin", "a b", "jürgen", "guard@site-7"})
        EXPECT_TRUE(is_account_name(good)) << good;
    for (const std::string& bad :
         {std::string(), std::string("a:b"), std::string("token:x"), std::string("#a"), std::string("a\nb"),
          std::string(" a"), std::string("a "), std::string("a\0b", 3), std::string("\xff"), std::string(65, 'a')})
        EXPECT_FALSE(is_account_name(bad)) << bad;
}

class AccountsTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-accounts-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
        auto state = StateDirectory::open(root_ + "/state", false);
        ASSERT_TRUE(state);
        state_ = std::make_unique<StateDirectory>(std::move(state).value());
        running_ = std::make_unique<Accounts>(*state_);
        ASSERT_TRUE(running_->set_password("admin", "password-1"));
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    Accounts::Changes changes() {
        std::string error;
        auto out = running_->refresh(error);
        EXPECT_EQ(error, "");
        return out;
    }
    // As another program would.
    Accounts other() {
        Accounts out(*state_);
        EXPECT_TRUE(out.load());
        return out;
    }
    using Names = std::vector<std::string>;
    const Rights front_{std::vector<Grant>{{{Action::view}, "front-*"}}};
    std::string root_;
    std::unique_ptr<StateDirectory> state_;
    std::unique_ptr<Accounts> running_;
};

TEST_F(AccountsTest, AreAddedChangedAndRemoved) {
    ASSERT_TRUE(other().set_password("guard", "password-2", front_));
    EXPECT_EQ(changes().added, Names{"guard"});
    EXPECT_EQ(running_->rights_of("guard"), front_);
    ASSERT_TRUE(other().set_password("guard", "password-3"));
    EXPECT_EQ(changes().revoked, Names{"guard"});
    EXPECT_EQ(running_->rights_of("guard"), front_) << "a new password leaves the rights";
    ASSERT_TRUE(other().remove_account("guard"));
    EXPECT_EQ(changes().revoked, Names{"guard"});
    EXPECT_FALSE(running_->rights_of("guard"));
    EXPECT_FALSE(running_->credentials()->verify("guard", "password-3"));
    const auto again = other().remove_account("guard");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::not_found);
}

TEST_F(AccountsTest, AdminStays) {
    EXPECT_FALSE(other().remove_account("admin"));
    EXPECT_FALSE(other().set_rights("admin", front_, false));
    ASSERT_TRUE(other().set_password("admin", "password-2", front_));
    changes();
    EXPECT_EQ(running_->rights_of("admin"), Rights::everything());
}

TEST_F(AccountsTest, FewerRightsRevokeMoreDoNot) {
    ASSERT_TRUE(other().set_password("guard", "password-2", front_));
    changes();
    ASSERT_TRUE(other().set_rights("guard", Rights({{{Action::operate}, "yard"}}), true));
    auto told = changes();
    EXPECT_EQ(told.widened, Names{"guard"});
    EXPECT_TRUE(told.revoked.empty());
    EXPECT_TRUE(running_->rights_of("guard")->allows(Action::view, "front-door"));
    EXPECT_TRUE(running_->rights_of("guard")->allows(Action::operate, "yard"));
    ASSERT_TRUE(other().set_rights("guard", front_, false));
    told = changes();
    EXPECT_EQ(told.revoked, Names{"guard"});
    ASSERT_TRUE(other().set_rights("guard", front_, false));
    told = changes();
    EXPECT_TRUE(told.revoked.empty() && told.widened.empty()) << "the same again";
}

TEST_F(AccountsTest, TokensHaveRightsAndAnEnd) {
    const int64_t now = std::time(nullptr);
    const auto token = other().add_token("kiosk", front_, now + 100);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->size(), 43u);
    EXPECT_EQ(changes().added, Names{"token:kiosk"});
    const auto found = running_->find_token(token.value(), now);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->principal, "token:kiosk");
    EXPECT_EQ(found->rights, front_);
    EXPECT_EQ(found->expires, now + 100);
    EXPECT_FALSE(found->expired);
    EXPECT_TRUE(running_->find_token(token.value(), now + 100)->expired);
    EXPECT_FALSE(running_->find_token(token.value() + "x", now));
    std::ifstream file(state_->file("tokens"));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text.find(token.value()), std::string::npos);
    const auto newer = other().add_token("kiosk", front_, now + 100);
    EXPECT_EQ(changes().revoked, Names{"token:kiosk"});
    EXPECT_FALSE(running_->find_token(token.value(), now));
    ASSERT_TRUE(other().revoke_token("kiosk"));
    EXPECT_EQ(changes().revoked, Names{"token:kiosk"});
    EXPECT_FALSE(running_->find_token(newer.value(), now));
    EXPECT_FALSE(other().revoke_token("kiosk"));
}

TEST_F(AccountsTest, ExpiredTokensAreForgottenAfterAWhile) {
    const int64_t now = std::time(nullptr);
    ASSERT_TRUE(other().add_token("old", front_, now - 8 * 24 * 3600));
    ASSERT_TRUE(other().add_token("yesterday", front_, now - 24 * 3600));
    ASSERT_TRUE(other().add_token("new"));
    EXPECT_EQ(other().tokens().count("old"), 0u);
    EXPECT_EQ(other().tokens().count("yesterday"), 1u);
}

TEST_F(AccountsTest, CommandsAtTheSameTimeLoseNothing) {
    std::vector<pid_t> children;
    for (int c = 0; c < 4; c++) {
        const pid_t pid = fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            bool good = true;
            Accounts mine(*state_);
            for (int i = 0; i < 25; i++)
                good = good && mine.add_token("t" + std::to_string(c) + "-" + std::to_string(i));
            _exit(good ? 0 : 1);
        }
        children.push_back(pid);
    }
    for (const pid_t pid : children) {
        int status = 0;
        waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(other().tokens().size(), 100u);
    for (const auto& entry : std::filesystem::directory_iterator(state_->path()))
        EXPECT_EQ(entry.path().string().find("tokens."), std::string::npos) << "no drafts are left";
}

TEST_F(AccountsTest, FilesOthersMayWriteToAreRefusedThoseTheyMayReadAreWarnedAbout) {
    const std::string file = state_->file("accounts");
    for (const mode_t mode : {0620, 0602, 0666}) {
        ASSERT_EQ(chmod(file.c_str(), mode), 0);
        Accounts accounts(*state_);
        const auto loaded = accounts.load();
        ASSERT_FALSE(loaded);
        EXPECT_NE(loaded.error().text.find("chmod 600 " + file), std::string::npos) << loaded.error().text;
        EXPECT_FALSE(accounts.set_password("admin", "password-2")) << "nor is it taken as true by a change";
    }
    for (const mode_t mode : {0640, 0604}) {
        ASSERT_EQ(chmod(file.c_str(), mode), 0);
        EXPECT_EQ(other().warnings().size(), 1u);
    }
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
    EXPECT_TRUE(other().warnings().empty());
}

TEST_F(AccountsTest, WhatIsNoFileIsNotTakenForAnEmptyOne) {
    const std::string file = state_->file("accounts");
    ASSERT_EQ(unlink(file.c_str()), 0);
    ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
    EXPECT_FALSE(Accounts(*state_).load());
    std::string error;
    EXPECT_TRUE(running_->refresh(error).revoked.empty());
    EXPECT_NE(error.find("no regular file"), std::string::npos) << error;
    EXPECT_FALSE(running_->empty());
}

TEST_F(AccountsTest, AFileThatBreaksWhileRunningChangesNothing) {
    ASSERT_TRUE(other().set_password("guard", "password-2", front_));
    changes();
    std::ofstream(state_->file("accounts"), std::ios::app) << "broken\n";
    std::string error;
    EXPECT_TRUE(running_->refresh(error).revoked.empty());
    EXPECT_NE(error.find("accounts:3: "), std::string::npos) << error;
    EXPECT_TRUE(running_->rights_of("guard"));
    error.clear();
    running_->refresh(error);
    EXPECT_EQ(error, "") << "told once";
}

TEST(AccountOptions, WordsAndOldForms) {
    const auto parse = [](bool token, const std::vector<std::string>& words) {
        AccountOptions out;
        const auto taken = take_account_words(out, token, words);
        return taken ? std::optional(out) : std::nullopt;
    };
    EXPECT_EQ(parse(false, {})->name, "admin");
    EXPECT_EQ(parse(false, {})->verb, AccountVerb::set_password);
    EXPECT_EQ(parse(false, {"bob"})->name, "bob");
    EXPECT_EQ(parse(false, {"add", "bob"})->verb, AccountVerb::add);
    EXPECT_EQ(parse(false, {"add", "list"})->name, "list");
    EXPECT_EQ(parse(false, {"list"})->verb, AccountVerb::list);
    EXPECT_EQ(parse(true, {"tool"})->verb, AccountVerb::create_token);
    EXPECT_EQ(parse(true, {"create"})->name, "");
    EXPECT_EQ(parse(true, {"revoke", "tool"})->verb, AccountVerb::revoke_token);
    for (const auto& [token, words] :
         std::initializer_list<std::pair<bool, std::vector<std::string>>>{{false, {"add"}},
                                                                          {false, {"remove"}},
                                                                          {false, {"list", "x"}},
                                                                          {false, {"a", "b"}},
                                                                          {true, {}},
                                                                          {true, {"revoke"}},
                                                                          {true, {"create", "a", "b"}},
                                                                          {false, {"rights", "a"}}})
        EXPECT_FALSE(parse(token, words));
}

TEST(AccountOptions, CamerasAndActions) {
    AccountOptions o;
    EXPECT_FALSE(rights_of(o).value()) << "nothing said";
    o.cameras = {"front-*,yard", "back"};
    EXPECT_EQ(to_string(*rights_of(o).value()),
              "view,snapshot,playback@front-*;view,snapshot,playback@yard;view,snapshot,playback@back");
    o.actions = {"view", "operate,view"};
    o.cameras.clear();
    EXPECT_EQ(to_string(*rights_of(o).value()), "view,operate@*");
    for (const char* bad : {"", "look", "view,", "view snapshot"}) {
        o.actions = {bad};
        ASSERT_FALSE(rights_of(o)) << bad;
        EXPECT_EQ(rights_of(o).error().kind, ErrorKind::usage);
    }
    o.actions.clear();
    o.cameras = {"a;b"};
    EXPECT_FALSE(rights_of(o));
}

TEST(AccountOptions, Lifetimes) {
    EXPECT_EQ(parse_lifetime("90s").value(), 90);
    EXPECT_EQ(parse_lifetime("30m").value(), 1800);
    EXPECT_EQ(parse_lifetime("8h").value(), 8 * 3600);
    EXPECT_EQ(parse_lifetime("7d").value(), 7 * 86400);
    EXPECT_EQ(parse_lifetime("never").value(), 0);
    for (const char* bad : {"", "8", "h", "0h", "-1h", "8 h", "8hh", "8w", "1e3s", "99999999999999999999s", "5000d"})
        EXPECT_FALSE(parse_lifetime(bad)) << bad;
}

} // namespace
