// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/authorizer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <thread>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr GstClockTime start = 1000 * GST_SECOND;

// What came back for a question; from any thread, at the latest when the last reference to the request goes.
class Replies {
public:
    Authorizer::Answer take() {
        return [s = state_](const AuthAnswer& a) {
            std::lock_guard lock(s->mutex);
            s->all.push_back(a);
            s->changed.notify_all();
        };
    }
    size_t count() const {
        std::lock_guard lock(state_->mutex);
        return state_->all.size();
    }
    AuthAnswer wait() const {
        std::unique_lock lock(state_->mutex);
        EXPECT_TRUE(state_->changed.wait_for(lock, 20s, [&] { return !state_->all.empty(); })) << "nobody answered";
        return state_->all.empty() ? AuthAnswer{} : state_->all.front();
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<AuthAnswer> all;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::shared_ptr<const Credentials> file_with(const std::string& user, const std::string& password) {
    auto parsed = Credentials::parse(user + ":" + hash_password(password) + "\n", "viewers");
    EXPECT_TRUE(parsed);
    return std::make_shared<const Credentials>(std::move(parsed).value());
}
std::string basic(const std::string& user, const std::string& password) {
    const std::string text = user + ":" + password;
    const GString8 coded(g_base64_encode(reinterpret_cast<const guchar*>(text.data()), text.size()));
    return std::string("Basic ") + coded.get();
}
AuthQuestion question(const std::string& authorization = "") {
    AuthQuestion q{.action = "view", .camera = "front", .channel = "front/main", .peer_address = "192.0.2.7"};
    if (!authorization.empty())
        q.headers["authorization"] = authorization;
    return q;
}

// The application keeps what it is asked.
struct Application {
    bool listens = true;
    std::vector<Ref<SluiceAuthRequest>> asked;
    Authorizer::Handler handler() {
        return {.present = [this] { return listens; },
                .hand_over = [this](SluiceAuthRequest* r) { asked.push_back(ref(r)); }};
    }
};
Authorizer::Handler nobody() {
    return {.present = [] { return false; }, .hand_over = [](SluiceAuthRequest*) { FAIL() << "asked nevertheless"; }};
}

TEST(Authorizer, WithNeitherHandlerNorFileNobodyIsLetIn) {
    Authorizer a(nobody(), nullptr);
    Replies r;
    a.ask(question(basic("admin", "secret")), start, r.take());
    EXPECT_FALSE(r.wait().accepted);
    EXPECT_FALSE(r.wait().known);
    EXPECT_NE(r.wait().reason.find("credentials-file"), std::string::npos) << r.wait().reason;
    EXPECT_EQ(a.open_questions(), 0u);
}

// --- the application's handler ---

TEST(Authorizer, TheHandlerSeesTheQuestion) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies r;
    a.ask(question("Bearer abc"), start, r.take());
    ASSERT_EQ(app.asked.size(), 1u);
    SluiceAuthRequest* q = app.asked[0].get();
    EXPECT_STREQ(sluice_auth_request_get_action(q), "view");
    EXPECT_STREQ(sluice_auth_request_get_camera(q), "front");
    EXPECT_STREQ(sluice_auth_request_get_channel(q), "front/main");
    EXPECT_STREQ(sluice_auth_request_get_peer_address(q), "192.0.2.7");
    EXPECT_STREQ(sluice_auth_request_get_header(q, "authorization"), "Bearer abc");
    EXPECT_EQ(sluice_auth_request_get_header(q, "cookie"), nullptr);
    EXPECT_EQ(r.count(), 0u) << "it may take its time";
    EXPECT_EQ(a.open_questions(), 1u);
}

TEST(Authorizer, AcceptedLaterFromAnotherThread) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies r;
    a.ask(question(), start, r.take());
    std::thread([&] { sluice_auth_request_accept(app.asked[0].get(), "admin", 1'900'000'000); }).join();
    const AuthAnswer answer = r.wait();
    EXPECT_TRUE(answer.accepted);
    EXPECT_EQ(answer.principal, "admin");
    EXPECT_EQ(answer.expires, 1'900'000'000);
    EXPECT_EQ(a.open_questions(), 0u);
}

TEST(Authorizer, AcceptedInsideTheHandler) {
    Authorizer a({.present = [] { return true; },
                  .hand_over = [](SluiceAuthRequest* q) { sluice_auth_request_accept(q, "admin", 0); }},
                 nullptr);
    Replies r;
    a.ask(question(), start, r.take());
    EXPECT_EQ(r.count(), 1u);
    EXPECT_TRUE(r.wait().accepted);
}

TEST(Authorizer, DeniedInBothWays) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies first, second;
    a.ask(question(), start, first.take());
    a.ask(question(), start, second.take());
    sluice_auth_request_deny(app.asked[0].get(), SLUICE_AUTH_DENIED_UNAUTHENTICATED, "who are you?");
    sluice_auth_request_deny(app.asked[1].get(), SLUICE_AUTH_DENIED_FORBIDDEN, "not this camera");
    EXPECT_FALSE(first.wait().accepted);
    EXPECT_FALSE(first.wait().known);
    EXPECT_EQ(first.wait().reason, "who are you?");
    EXPECT_FALSE(second.wait().accepted);
    EXPECT_TRUE(second.wait().known);
    EXPECT_EQ(second.wait().reason, "not this camera");
}

TEST(Authorizer, OnlyTheFirstAnswerCounts) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies r;
    a.ask(question(), start, r.take());
    sluice_auth_request_deny(app.asked[0].get(), SLUICE_AUTH_DENIED_FORBIDDEN, "no");
    sluice_auth_request_accept(app.asked[0].get(), "admin", 0);
    a.tick(start + 1000 * GST_SECOND);
    EXPECT_EQ(r.count(), 1u);
    EXPECT_FALSE(r.wait().accepted);
}

TEST(Authorizer, TheDeadlineDenies) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies r;
    a.ask(question(), start, r.take());
    a.tick(start + Authorizer::limit - 1);
    EXPECT_EQ(r.count(), 0u);
    a.tick(start + Authorizer::limit);
    EXPECT_EQ(r.count(), 1u);
    EXPECT_FALSE(r.wait().accepted);
    EXPECT_NE(r.wait().reason.find("not answered in time"), std::string::npos);
    sluice_auth_request_accept(app.asked[0].get(), "late", 0);
    EXPECT_EQ(r.count(), 1u);
}

TEST(Authorizer, ARequestThatIsDroppedIsDenied) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies r;
    a.ask(question(), start, r.take());
    app.asked.clear();
    EXPECT_EQ(r.count(), 1u);
    EXPECT_FALSE(r.wait().accepted);
    EXPECT_EQ(a.open_questions(), 0u);
}

TEST(Authorizer, AHandlerGoesBeforeTheFile) {
    Application app;
    Authorizer a(app.handler(), file_with("admin", "secret"));
    Replies r;
    a.ask(question(basic("admin", "secret")), start, r.take());
    EXPECT_EQ(r.count(), 0u);
    sluice_auth_request_deny(app.asked[0].get(), SLUICE_AUTH_DENIED_FORBIDDEN, "no");
    EXPECT_FALSE(r.wait().accepted);
}

TEST(Authorizer, TooManyOpenQuestionsAreRefusedAtOnce) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies waiting, refused;
    while (a.open_questions() < 256)
        a.ask(question(), start, waiting.take());
    a.ask(question(), start, refused.take());
    EXPECT_FALSE(refused.wait().accepted);
    EXPECT_NE(refused.wait().reason.find("too many"), std::string::npos);
    EXPECT_EQ(waiting.count(), 0u);
    a.tick(start + Authorizer::limit);
    EXPECT_EQ(waiting.count(), 256u);
    Replies again;
    a.ask(question(), start, again.take());
    EXPECT_EQ(again.count(), 0u) << "there is room again";
}

TEST(Authorizer, AnAnswerAfterItsEndDoesNoHarm) {
    Application app;
    Replies r;
    {
        Authorizer a(app.handler(), nullptr);
        a.ask(question(), start, r.take());
    }
    sluice_auth_request_accept(app.asked[0].get(), "admin", 0);
    EXPECT_EQ(r.count(), 1u);
}

TEST(Authorizer, ClosingDeniesWhatIsOpenAndWhatComes) {
    Application app;
    Authorizer a(app.handler(), nullptr);
    Replies open, late;
    a.ask(question(), start, open.take());
    a.close();
    EXPECT_EQ(open.count(), 1u);
    EXPECT_FALSE(open.wait().accepted);
    a.ask(question(), start, late.take());
    EXPECT_EQ(late.count(), 1u);
    EXPECT_FALSE(late.wait().accepted);
    EXPECT_EQ(app.asked.size(), 1u) << "nobody is asked any more";
}

// --- the credentials file ---

TEST(Authorizer, TheFileLetsInWhoKnowsThePassword) {
    Authorizer a(nobody(), file_with("viewer", "open sesame"));
    Replies r;
    a.ask(question(basic("viewer", "open sesame")), start, r.take());
    EXPECT_TRUE(r.wait().accepted) << r.wait().reason;
    EXPECT_EQ(r.wait().principal, "viewer");
    EXPECT_EQ(r.wait().expires, 0);
}

TEST(Authorizer, TheSecondTimeIsAnsweredAtOnce) {
    Authorizer a(nobody(), file_with("viewer", "open sesame"));
    Replies first, second;
    a.ask(question(basic("viewer", "open sesame")), start, first.take());
    ASSERT_TRUE(first.wait().accepted);
    a.ask(question(basic("viewer", "open sesame")), start, second.take());
    EXPECT_EQ(second.count(), 1u) << "without the slow hash";
    EXPECT_TRUE(second.wait().accepted);
}

TEST(Authorizer, TheFileLetsNobodyElseIn) {
    Authorizer a(nobody(), file_with("viewer", "open sesame"));
    for (const std::string& header :
         {std::string(), basic("viewer", "wrong"), basic("other", "open sesame"), basic("", ""), basic("viewer", ""),
          std::string("Bearer open sesame"), std::string("Basic"), std::string("Basic !!!"), std::string(20000, 'B')}) {
        Replies r;
        a.ask(question(header), start, r.take());
        const AuthAnswer answer = r.wait();
        EXPECT_FALSE(answer.accepted) << header;
        EXPECT_FALSE(answer.known) << "that is a 401";
        EXPECT_EQ(answer.reason.find("sesame"), std::string::npos) << "no secret in an answer";
        EXPECT_EQ(answer.reason.find("wrong:"), std::string::npos);
    }
}

TEST(Authorizer, ASlowHashIsOverTakenByTheDeadline) {
    Authorizer a(nobody(), file_with("viewer", "open sesame"));
    Replies r;
    a.ask(question(basic("viewer", "open sesame")), start, r.take());
    a.tick(start + Authorizer::limit); // either it was faster, or it is denied; never both
    r.wait();
    Replies after;
    a.ask(question(basic("viewer", "other")), start, after.take()); // one thread: what was before is through
    after.wait();
    EXPECT_EQ(r.count(), 1u);
}

TEST(Authorizer, EndsWhileHashesAreUnderWay) {
    Replies r;
    {
        Authorizer a(nobody(), file_with("viewer", "open sesame"));
        a.ask(question(basic("viewer", "wrong")), start, r.take());
    }
    EXPECT_FALSE(r.wait().accepted);
}

} // namespace
} // namespace sluice
