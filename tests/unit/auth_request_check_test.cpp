// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/auth_request_check.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

using Verdict = AuthDecision::Verdict;

class OtherServer : public testing::Test {
protected:
    void SetUp() override { start({}); }
    void start(AuthRequestCheck::Limits limits) {
        config.url = "http://auth/check";
        check = std::make_unique<AuthRequestCheck>(
            config,
            [this](const HttpAsk& ask, std::function<void(HttpReply)> done) {
                asked.push_back(ask);
                pending.push_back(std::move(done));
            },
            AuthRequestCheck::Clocks{[this] { return time; }, [] { return int64_t(5000); }},
            [this](const std::string& line) { log.push_back(line); }, limits);
    }
    static AuthRequest request(const std::string& authorization = "Bearer abc", const std::string& camera = "front") {
        AuthRequest q;
        q.action = Action::snapshot;
        q.camera = camera;
        q.authorization = authorization;
        q.peer = "10.0.0.1";
        q.method = "GET";
        q.path = "/api/v1/cameras/" + camera + "/snapshot.jpg";
        return q;
    }
    void ask(const AuthRequest& q) {
        check->check(q, [this](const AuthDecision& d) { decisions.push_back(d); });
    }
    void answer(unsigned status, const std::string& user = "") {
        ASSERT_FALSE(pending.empty());
        const auto done = std::move(pending.front());
        pending.erase(pending.begin());
        HttpReply reply;
        reply.status = status;
        if (status == 0)
            reply.error = "no answer in time";
        if (!user.empty())
            reply.headers["X-Sluice-User"] = user;
        done(reply);
    }
    std::string sent(const std::string& name, size_t question = 0) const {
        for (const auto& [key, value] : asked.at(question).headers)
            if (key == name)
                return value;
        return "-";
    }

    AuthRequestConfig config;
    std::unique_ptr<AuthRequestCheck> check;
    AuthRequestCheck::Time time{1000s};
    std::vector<HttpAsk> asked;
    std::vector<std::function<void(HttpReply)>> pending;
    std::vector<AuthDecision> decisions;
    std::vector<std::string> log;
};

TEST_F(OtherServer, IsToldWhatIsAsked) {
    AuthRequest q = request();
    q.cookie = "sso=1";
    ask(q);
    EXPECT_EQ(asked.at(0).url, "http://auth/check");
    EXPECT_EQ(asked.at(0).timeout, 2000ms);
    EXPECT_EQ(sent("Authorization"), "Bearer abc");
    EXPECT_EQ(sent("Cookie"), "sso=1");
    EXPECT_EQ(sent("X-Original-Method"), "GET");
    EXPECT_EQ(sent("X-Original-URI"), "/api/v1/cameras/front/snapshot.jpg");
    EXPECT_EQ(sent("X-Sluice-Camera"), "front");
    EXPECT_EQ(sent("X-Sluice-Action"), "snapshot");
    EXPECT_EQ(sent("X-Forwarded-For"), "10.0.0.1");
    AuthRequest odd = q;
    odd.path = "/a b\r\nX-Sluice-Action: admin";
    ask(odd);
    EXPECT_EQ(asked.size(), 1u) << "the path alone is no other question";
    odd.action.reset();
    odd.camera.reset();
    ask(odd);
    EXPECT_EQ(sent("X-Original-URI", 1), "/a%20b%0D%0AX-Sluice-Action:%20admin");
    EXPECT_EQ(sent("X-Sluice-Action", 1), "-");
    EXPECT_EQ(sent("X-Sluice-Camera", 1), "-");
}

TEST_F(OtherServer, AllowsThisActionOnThisCamera) {
    ask(request());
    answer(204, "alice");
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].verdict, Verdict::accepted);
    EXPECT_EQ(decisions[0].principal, "auth-request:alice");
    EXPECT_TRUE(decisions[0].rights.allows(Action::snapshot, "front"));
    EXPECT_FALSE(decisions[0].rights.allows(Action::view, "front"));
    EXPECT_FALSE(decisions[0].rights.allows(Action::snapshot, "yard"));
    EXPECT_EQ(decisions[0].expires, 5005);
    ask(request("Bearer other"));
    answer(200, "admin\n");
    EXPECT_EQ(decisions.at(1).principal, "auth-request:admin%0A");
    ask(request("Bearer third"));
    answer(200, std::string(300, 'x'));
    EXPECT_EQ(decisions.at(2).principal, "auth-request");
}

TEST_F(OtherServer, RefusesAsItIsTold) {
    ask(request("Bearer 1"));
    answer(401);
    ask(request("Bearer 2"));
    answer(403);
    EXPECT_EQ(decisions.at(0).verdict, Verdict::unauthenticated);
    EXPECT_EQ(decisions.at(1).verdict, Verdict::forbidden);
    EXPECT_TRUE(log.empty());
}

TEST_F(OtherServer, AnythingElseIsNo) {
    for (const unsigned status : {0u, 100u, 301u, 302u, 404u, 429u, 500u, 503u, 999u}) {
        ask(request("Bearer " + std::to_string(status)));
        answer(status);
        EXPECT_EQ(decisions.back().verdict, Verdict::unavailable) << status;
        EXPECT_GT(decisions.back().retry_seconds, 0u);
        ask(request("Bearer " + std::to_string(status)));
        EXPECT_EQ(pending.size(), 1u) << "not remembered";
        answer(status);
    }
    EXPECT_EQ(log, std::vector<std::string>{"nobody is let in by it: no answer in time"}) << "told once";
    ask(request());
    answer(200);
    EXPECT_EQ(log.at(1), "it answers again");
}

TEST_F(OtherServer, AnswersAreRememberedForAWhile) {
    ask(request());
    answer(200);
    ask(request("Bearer wrong"));
    answer(401);
    time += 4999ms;
    ask(request());
    ask(request("Bearer wrong"));
    EXPECT_EQ(asked.size(), 2u);
    EXPECT_EQ(decisions.at(2).verdict, Verdict::accepted);
    EXPECT_EQ(decisions.at(3).verdict, Verdict::unauthenticated);
    time += 1ms;
    ask(request());
    EXPECT_EQ(asked.size(), 3u);
}

TEST_F(OtherServer, EachPartOfTheQuestionCounts) {
    ask(request());
    answer(200);
    AuthRequest q = request();
    q.action = Action::view;
    ask(q);
    ask(request("Bearer abc", "yard"));
    q = request();
    q.peer = "10.0.0.2";
    ask(q);
    q = request();
    q.cookie = "a=b";
    ask(q);
    q = request("");
    q.cookie = "Bearer abc";
    ask(q);
    q = request();
    q.camera.reset();
    ask(q);
    EXPECT_EQ(asked.size(), 7u);
    EXPECT_EQ(decisions.size(), 1u);
}

TEST_F(OtherServer, EqualQuestionsAreOne) {
    for (int i = 0; i < 10; i++)
        ask(request());
    EXPECT_EQ(asked.size(), 1u);
    answer(200);
    EXPECT_EQ(decisions.size(), 10u);
}

TEST_F(OtherServer, SoManyAtATime) {
    start({4, 2, 6, 4096});
    AuthRequest q = request();
    for (int i = 0; i < 5; i++) {
        q.authorization = "Bearer " + std::to_string(i);
        ask(q);
    }
    EXPECT_EQ(asked.size(), 2u) << "of one address";
    ASSERT_EQ(decisions.size(), 3u);
    EXPECT_EQ(decisions[0].verdict, Verdict::too_many);
    EXPECT_EQ(decisions[0].retry_seconds, 1u);
    for (int i = 0; i < 5; i++) {
        q.peer = "10.0.1." + std::to_string(i);
        ask(q);
    }
    EXPECT_EQ(asked.size(), 4u) << "in all";
    for (int i = 0; i < 10; i++)
        ask(q = request("Bearer 0"));
    EXPECT_EQ(asked.size(), 4u);
    while (!pending.empty())
        answer(200);
    EXPECT_EQ(decisions.size(), 20u) << "each is answered";
    ask(request("Bearer later"));
    EXPECT_EQ(asked.size(), 5u) << "places become free";
}

TEST_F(OtherServer, MemoryIsBounded) {
    start({32, 8, 1024, 3});
    for (int i = 0; i < 10; i++) {
        ask(request("Bearer " + std::to_string(i)));
        answer(200);
    }
    ask(request("Bearer 9"));
    ask(request("Bearer 7"));
    EXPECT_EQ(asked.size(), 10u);
    ask(request("Bearer 6"));
    EXPECT_EQ(asked.size(), 11u) << "the oldest went";
}

TEST_F(OtherServer, ViewersStayLonger) {
    AuthRequest q = request();
    q.action = Action::view;
    for (const auto& [transport, expires] : {std::pair{AuthTransport::whep, 8600}, {AuthTransport::websocket, 8600}}) {
        q.transport = transport;
        q.authorization += "x";
        ask(q);
        answer(200);
        EXPECT_EQ(decisions.back().expires, expires);
    }
}

TEST_F(OtherServer, DecidesOnlyAboutWhatItMay) {
    for (const Action action : {Action::operate, Action::admin, Action::publish}) {
        AuthRequest q = request();
        q.action = action;
        ask(q);
        EXPECT_EQ(decisions.back().verdict, Verdict::forbidden);
    }
    ask(request("Bearer abc", "*"));
    EXPECT_EQ(decisions.back().verdict, Verdict::forbidden) << "a pattern is no camera";
    ask(request("Bearer abc", "a\nb"));
    EXPECT_EQ(decisions.back().verdict, Verdict::forbidden);
    AuthRequest q = request();
    q.cookie = std::string(17'000, 'x');
    ask(q);
    EXPECT_EQ(decisions.back().verdict, Verdict::unauthenticated);
    EXPECT_TRUE(asked.empty());
}

TEST_F(OtherServer, WithoutCredentialsOnlyIfConfigured) {
    EXPECT_FALSE(check->takes({}));
    EXPECT_TRUE(check->takes(request()));
    AuthRequest q;
    q.cookie = "sso=1";
    EXPECT_TRUE(check->takes(q));
    config.without_credentials = true;
    start({});
    EXPECT_TRUE(check->takes({}));
}

TEST_F(OtherServer, AnAnswerAfterTheEndIsNone) {
    ask(request());
    check.reset();
    answer(200);
    EXPECT_TRUE(decisions.empty());
}

} // namespace
