// SPDX-License-Identifier: LGPL-2.1-or-later
// One signalling connection against a service that answers when the test says so.
#include "plugins/webrtc/signaller.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <deque>

namespace sluice {
namespace {

using Json = nlohmann::json;

class FakeService final : public SessionService {
public:
    std::vector<AuthQuestion> asked;
    std::deque<std::function<void(const AuthAnswer&)>> answers;
    std::vector<Join> joins;
    std::deque<std::function<void(Result<Joined>)>> joining;
    std::map<std::string, Name> sessions;
    std::map<std::string, SessionListener> listeners;
    std::vector<std::string> left, candidates, switched;

    uint64_t time = 1000;

    uint64_t now() const override { return time; }
    void authorize(AuthQuestion question, std::function<void(const AuthAnswer&)> answer) override {
        asked.push_back(std::move(question));
        answers.push_back(std::move(answer));
    }
    void join(Join join, std::function<void(Result<Joined>)> done) override {
        joins.push_back(join);
        joining.push_back(std::move(done));
    }
    Result<bool> candidate(const Name& name, const std::string& candidate) override {
        return on(name, candidates, candidate);
    }
    Result<bool> set_quality(const Name& name, const std::string& quality) override {
        return on(name, switched, quality);
    }
    Result<bool> leave(const Name& name) override { return on(name, left, name.session); }
    Result<std::string> camera_of(const std::string& session, const std::string& principal) override {
        const auto it = sessions.find(session);
        if (it == sessions.end() || it->second.principal != principal)
            return Error{ErrorKind::not_found, "there is no such session (any more)"};
        return it->second.camera;
    }
    Result<SentStream> watch(const Name& name, SessionListener listener) override {
        if (!sessions.contains(name.session))
            return Error{ErrorKind::not_found, "there is no such session (any more)"};
        if (const auto before = std::exchange(listeners[name.session], std::move(listener)))
            before({SessionEvent::Kind::taken, ""});
        return SentStream{.stream = "main", .quality = "auto", .reason = "it fits"};
    }

    void allow(const std::string& who) {
        answers.front()({.accepted = true, .principal = who, .expires = 77});
        answers.pop_front();
    }
    void deny(bool known) {
        answers.front()({.known = known, .reason = "no"});
        answers.pop_front();
    }
    void answer(const std::string& session) {
        sessions[session] = {session, joins.back().camera, joins.back().principal};
        joining.front()(Joined{session, "answer of " + session});
        joining.pop_front();
    }
    void refuse(const Error& error) {
        joining.front()(error);
        joining.pop_front();
    }
    void forget() {
        answers.clear();
        joining.clear();
        listeners.clear();
    }
    void tell(const std::string& session, const SessionEvent& e) { listeners.at(session)(e); }

private:
    Result<bool> on(const Name& name, std::vector<std::string>& list, const std::string& what) {
        const auto it = sessions.find(name.session);
        if (it == sessions.end() || it->second.principal != name.principal || it->second.camera != name.camera)
            return Error{ErrorKind::not_found, "there is no such session (any more)"};
        list.push_back(what);
        return true;
    }
};

class SignallerTest : public testing::Test {
protected:
    void SetUp() override { open({}); }
    // What a test left unanswered keeps its signaller, and that keeps the service.
    void TearDown() override { service->forget(); }
    void open(const std::string& camera) {
        sent.clear();
        closed_with = 0;
        signaller = Signaller::create(
            service,
            {.send = [this](const std::string& text) { sent.push_back(Json::parse(text)); },
             .close = [this](unsigned code, const std::string& reason) { closed_with = code; },
             .post = [](const std::function<void()>& f) { f(); }},
            {.principal = "ann",
             .expires = 1000,
             .question = {.action = "connect", .peer_address = "192.0.2.7", .headers = {{"cookie", "c"}}},
             .camera = camera});
        signaller->start();
        EXPECT_EQ(take()["type"], "hello");
    }
    void say(const Json& message) { signaller->receive(message.dump(), 500); }
    Json take() {
        if (sent.empty()) {
            ADD_FAILURE() << "nothing was sent";
            return {};
        }
        Json first = sent.front();
        sent.pop_front();
        return first;
    }
    static Json playing(Json message) {
        message.update(Json{{"stream", "main"}, {"quality", "auto"}, {"reason", "it fits"}});
        return message;
    }
    void join(const std::string& id, const std::string& session, const std::string& camera = "front") {
        say({{"type", "join"}, {"id", id}, {"camera", camera}, {"sdp", "v=0"}});
        service->allow("ann");
        service->answer(session);
        Json answer = playing({{"type", "answer"}, {"id", id}, {"session", session}});
        answer["sdp"] = "answer of " + session;
        EXPECT_EQ(take(), answer);
    }
    void expect_error(const std::string& id, int status, const std::string& detail) {
        const Json m = take();
        EXPECT_EQ(m["type"], "error");
        EXPECT_EQ(m.value("id", ""), id);
        EXPECT_EQ(m["error"]["status"], status);
        EXPECT_NE(m["error"]["detail"].get<std::string>().find(detail), std::string::npos) << m;
    }

    std::shared_ptr<FakeService> service = std::make_shared<FakeService>();
    std::shared_ptr<Signaller> signaller;
    std::deque<Json> sent;
    unsigned closed_with = 0;
};

TEST_F(SignallerTest, AJoinIsAuthorizedAndAnswered) {
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"stream", "sub"}, {"sdp", "v=0"}});
    ASSERT_EQ(service->asked.size(), 1u);
    EXPECT_EQ(service->asked[0].action, "view");
    EXPECT_EQ(service->asked[0].camera, "front");
    EXPECT_EQ(service->asked[0].channel, "front/sub");
    EXPECT_EQ(service->asked[0].headers.at("cookie"), "c") << "what came with the connection";
    EXPECT_TRUE(service->joins.empty());
    service->allow("bob");
    ASSERT_EQ(service->joins.size(), 1u);
    EXPECT_EQ(service->joins[0].principal, "bob");
    EXPECT_EQ(service->joins[0].expires, 77);
    EXPECT_EQ(service->joins[0].peer_address, "192.0.2.7");
    EXPECT_TRUE(sent.empty());
    service->answer("s1");
    EXPECT_EQ(take()["session"], "s1");
}

TEST_F(SignallerTest, RefusalsNameTheId) {
    for (const bool known : {false, true}) {
        say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", "v=0"}});
        service->deny(known);
        expect_error("a", known ? 403 : 401, "no");
    }
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", "v=0"}});
    service->allow("ann");
    service->refuse({ErrorKind::not_acceptable, "B-frames"});
    expect_error("a", 406, "B-frames");
    join("a", "s1"); // the id is free again
}

TEST_F(SignallerTest, WhatASessionDoes) {
    join("a", "s1");
    say({{"type", "candidate"}, {"id", "a"}, {"candidate", "candidate:1 1 udp 1 192.0.2.9 9 typ host"}, {"mid", "0"}});
    say({{"type", "candidate"}, {"id", "a"}, {"candidate", ""}});
    say({{"type", "stream"}, {"id", "a"}, {"stream", "sub"}});
    EXPECT_EQ(service->candidates, (std::vector<std::string>{"candidate:1 1 udp 1 192.0.2.9 9 typ host", ""}));
    EXPECT_EQ(service->switched, std::vector<std::string>{"sub"});
    say({{"type", "quality"}, {"id", "a"}, {"quality", "auto"}});
    EXPECT_EQ(service->switched, (std::vector<std::string>{"sub", "auto"})) << "who names a stream pins it";
    const SentStream thin{.stream = "sub", .quality = "auto", .reason = "1.9 Mbit/s do not carry main (4.1 Mbit/s)"};
    service->tell("s1", {.kind = SessionEvent::Kind::switched, .sent = thin});
    const Json told{{"type", "switched"}, {"id", "a"}, {"stream", "sub"}, {"quality", "auto"}, {"reason", thin.reason}};
    EXPECT_EQ(take(), told);
    service->tell("s1", {SessionEvent::Kind::quality, "main"});
    EXPECT_EQ(take(), (Json{{"type", "quality"}, {"id", "a"}, {"quality", "main"}}));
    service->tell("s1", {.kind = SessionEvent::Kind::switched, .sent = {.stream = "main", .quality = "main"}});
    EXPECT_EQ(take(), (Json{{"type", "switched"}, {"id", "a"}, {"stream", "main"}, {"quality", "main"}}));
    service->tell("s1", {SessionEvent::Kind::waiting, "the camera is away"});
    EXPECT_EQ(take(), (Json{{"type", "state"}, {"id", "a"}, {"state", "waiting"}, {"reason", "the camera is away"}}));
    service->tell("s1", {SessionEvent::Kind::streaming, ""});
    EXPECT_EQ(take(), (Json{{"type", "state"}, {"id", "a"}, {"state", "streaming"}}));
    say({{"type", "leave"}, {"id", "a"}});
    EXPECT_EQ(service->left, std::vector<std::string>{"s1"});
    service->tell("s1", {SessionEvent::Kind::closed, "the viewer has left"});
    EXPECT_EQ(take(), (Json{{"type", "closed"}, {"id", "a"}, {"reason", "the viewer has left"}}));
    say({{"type", "stream"}, {"id", "a"}, {"stream", "main"}});
    expect_error("a", 404, "'a'");
}

TEST_F(SignallerTest, OneIdOneSession) {
    join("a", "s1");
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", "v=0"}});
    expect_error("a", 409, "in use");
    say({{"type", "attach"}, {"id", "a"}, {"session", "s1"}});
    expect_error("a", 409, "in use");
}

TEST_F(SignallerTest, LeavingWhileJoiningEndsTheSessionThatComes) {
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", "v=0"}});
    say({{"type", "leave"}, {"id", "a"}});
    service->allow("ann");
    EXPECT_TRUE(service->joins.empty());
    EXPECT_EQ(take()["type"], "closed");
    say({{"type", "join"}, {"id", "b"}, {"camera", "front"}, {"sdp", "v=0"}});
    service->allow("ann");
    say({{"type", "candidate"}, {"id", "b"}, {"candidate", ""}});
    expect_error("b", 409, "not answered yet");
    say({{"type", "leave"}, {"id", "b"}});
    service->answer("s2");
    EXPECT_EQ(service->left, std::vector<std::string>{"s2"});
    EXPECT_EQ(take()["type"], "closed");
    EXPECT_TRUE(sent.empty());
}

TEST_F(SignallerTest, AGoodbyeEndsItsSessions) {
    join("a", "s1");
    join("b", "s2");
    say({{"type", "join"}, {"id", "c"}, {"camera", "front"}, {"sdp", "v=0"}});
    service->allow("ann");
    signaller->carrier_closed(true);
    EXPECT_EQ(service->left, (std::vector<std::string>{"s1", "s2"}));
    service->answer("s3");
    EXPECT_EQ(service->left.back(), "s3") << "nobody is there to take the answer";
    EXPECT_TRUE(sent.empty());
}

TEST_F(SignallerTest, ABrokenCarrierEndsNothingAndItsSessionsAreTakenUpAgain) {
    join("a", "s1");
    signaller->carrier_closed(false);
    EXPECT_TRUE(service->left.empty());
    open({});
    say({{"type", "attach"}, {"id", "x"}, {"session", "s1"}});
    EXPECT_EQ(take(), playing({{"type", "attached"}, {"id", "x"}, {"session", "s1"}}));
    service->tell("s1", {.kind = SessionEvent::Kind::switched, .sent = {.stream = "sub", .quality = "auto"}});
    EXPECT_EQ(take()["id"], "x");
    say({{"type", "attach"}, {"id", "y"}, {"session", "nobody's"}});
    expect_error("y", 404, "no such session");
    service->sessions["s9"] = {"s9", "front", "somebody else"};
    say({{"type", "attach"}, {"id", "y"}, {"session", "s9"}});
    expect_error("y", 404, "no such session");
}

TEST_F(SignallerTest, ASessionBelongsToWhoAttachedItLast) {
    join("a", "s1");
    const std::shared_ptr<Signaller> before = signaller;
    signaller = nullptr;
    open({});
    say({{"type", "attach"}, {"id", "x"}, {"session", "s1"}});
    EXPECT_EQ(take(), (Json{{"type", "closed"}, {"id", "a"}, {"reason", "attached elsewhere"}})) << "on the first";
    EXPECT_EQ(take()["type"], "attached");
    before->carrier_closed(true);
    EXPECT_TRUE(service->left.empty()) << "the first one's goodbye ends nothing that it no longer has";
}

TEST_F(SignallerTest, AJoinIsAsOldAsItsAuthorization) {
    service->time = 5;
    say({{"type", "join"}, {"id", "a"}, {"camera", "front"}, {"sdp", "v=0"}});
    service->time = 9;
    service->allow("ann");
    ASSERT_EQ(service->joins.size(), 1u);
    EXPECT_EQ(service->joins[0].asked, 5u);
}

TEST_F(SignallerTest, EventsOfAnOldSessionUnderTheSameIdAreNotTold) {
    join("a", "s1");
    const SessionListener old = service->listeners.at("s1");
    say({{"type", "leave"}, {"id", "a"}});
    old({SessionEvent::Kind::closed, "left"});
    EXPECT_EQ(take()["type"], "closed");
    join("a", "s2");
    old({SessionEvent::Kind::closed, "again"});
    EXPECT_TRUE(sent.empty());
}

TEST_F(SignallerTest, LimitsAreTold) {
    for (unsigned i = 0; i < Signaller::max_sessions; ++i)
        join("id" + std::to_string(i), "s" + std::to_string(i));
    say({{"type", "join"}, {"id", "more"}, {"camera", "front"}, {"sdp", "v=0"}});
    expect_error("more", 429, "128");
    EXPECT_EQ(closed_with, 0u);
}

TEST_F(SignallerTest, AConnectionOfOneCameraServesNoOther) {
    open("front");
    join("a", "s1");
    say({{"type", "join"}, {"id", "b"}, {"camera", "yard"}, {"sdp", "v=0"}});
    expect_error("b", 404, "'front' only");
    EXPECT_EQ(service->joins.size(), 1u);
}

TEST_F(SignallerTest, MessagesThatMeanNothing) {
    const std::pair<const char*, const char*> bad[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{\"type\":7}", "no 'type'"},
        {"{\"type\":\"dance\"}", "attach, candidate, join, leave, ping, quality, stream"},
        {"{\"type\":\"join\",\"id\":\"a\",\"camera\":\"c\"}", "'sdp' of a message 'join' is missing"},
        {"{\"type\":\"join\",\"id\":7,\"camera\":\"c\",\"sdp\":\"x\"}", "'id' of a message 'join' is not a string"},
        {"{\"type\":\"leave\",\"id\":\"\"}", "is empty"},
        {"{\"type\":\"leave\",\"id\":\"a\\nb\"}", "control characters"},
        {"{\"type\":\"stream\",\"id\":\"a\",\"stream\":\"\"}", "is empty"},
        {"{\"type\":\"quality\",\"id\":\"a\"}", "'quality' of a message 'quality' is missing"},
        {R"({"type":"join","id":"a","camera":"c","sdp":"x","stream":"sub","quality":"main"})", "one of them"},
    };
    for (const auto& [text, detail] : bad) {
        signaller->receive(text, 500);
        const Json m = take();
        EXPECT_EQ(m["error"]["status"], 400) << text;
        EXPECT_NE(m["error"]["detail"].get<std::string>().find(detail), std::string::npos) << m;
    }
    signaller->receive(std::string(max_signal_bytes + 1, ' '), 500);
    expect_error("", 413, "65536");
    EXPECT_EQ(closed_with, 0u);
    for (int i = 0; i < 4; ++i)
        signaller->receive("?", 500);
    EXPECT_EQ(closed_with, unsigned(Signaller::policy)) << "sixteen are enough";
    sent.clear();
    say({{"type", "ping"}});
    EXPECT_TRUE(sent.empty());
}

TEST_F(SignallerTest, Ping) {
    say({{"type", "ping"}});
    EXPECT_EQ(take(), (Json{{"type", "pong"}}));
}

TEST_F(SignallerTest, ARightThatExpiresEndsTheConnection) {
    signaller->receive("{\"type\":\"ping\"}", 999);
    EXPECT_EQ(take()["type"], "pong");
    signaller->receive("{\"type\":\"ping\"}", 1000);
    EXPECT_EQ(closed_with, unsigned(Signaller::policy));
    EXPECT_TRUE(sent.empty());
}

TEST_F(SignallerTest, TheServerSaysGoodbye) {
    join("a", "s1");
    signaller->shut_down("the server is shutting down");
    EXPECT_EQ(take(), (Json{{"type", "going-away"}, {"reason", "the server is shutting down"}}));
    EXPECT_EQ(closed_with, unsigned(Signaller::going_away));
    service->tell("s1", {SessionEvent::Kind::closed, "shut"});
    signaller->shut_down("again");
    EXPECT_TRUE(sent.empty());
}

} // namespace
} // namespace sluice
