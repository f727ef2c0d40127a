// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/auth_request.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace sluice;

namespace {

struct Heard {
    std::vector<AuthAnswer> answers;
    auto listener() {
        return [this](const AuthAnswer& a) { answers.push_back(a); };
    }
};

const AuthQuestion question{.action = "view",
                            .camera = "front",
                            .channel = "front/main",
                            .peer_address = "192.0.2.7",
                            .headers = {{"authorization", "Basic Zm9v"}, {"host", "example.test"}}};

TEST(AuthRequest, TellsWhatIsAsked) {
    const auto r = make_auth_request(question, [](const AuthAnswer&) {});
    EXPECT_STREQ(sluice_auth_request_get_action(r.get()), "view");
    EXPECT_STREQ(sluice_auth_request_get_camera(r.get()), "front");
    EXPECT_STREQ(sluice_auth_request_get_channel(r.get()), "front/main");
    EXPECT_STREQ(sluice_auth_request_get_peer_address(r.get()), "192.0.2.7");
    EXPECT_STREQ(sluice_auth_request_get_header(r.get(), "authorization"), "Basic Zm9v");
    EXPECT_EQ(sluice_auth_request_get_header(r.get(), "cookie"), nullptr);
}

TEST(AuthRequest, BySignalsAndPropertiesAlone) {
    Heard heard;
    const auto r = make_auth_request(question, heard.listener());
    gchar *camera = nullptr, *peer = nullptr, *host = nullptr, *cookie = nullptr;
    g_object_get(r.get(), "camera", &camera, "peer-address", &peer, nullptr);
    g_signal_emit_by_name(r.get(), "header", "host", &host);
    g_signal_emit_by_name(r.get(), "header", "cookie", &cookie);
    EXPECT_STREQ(camera, "front");
    EXPECT_STREQ(peer, "192.0.2.7");
    EXPECT_STREQ(host, "example.test");
    EXPECT_EQ(cookie, nullptr);
    for (gchar* text : {camera, peer, host})
        g_free(text);
    g_signal_emit_by_name(r.get(), "set-login", "desk 4");
    g_signal_emit_by_name(r.get(), "accept", nullptr, gint64(7));
    EXPECT_TRUE(heard.answers.empty()) << "nobody is no principal";
    g_signal_emit_by_name(r.get(), "accept", "ann", gint64(7));
    g_signal_emit_by_name(r.get(), "deny", TRUE, "too late");
    ASSERT_EQ(heard.answers.size(), 1u);
    EXPECT_TRUE(heard.answers[0].accepted);
    EXPECT_EQ(heard.answers[0].principal, "ann");
    EXPECT_EQ(heard.answers[0].expires, 7);
    EXPECT_EQ(heard.answers[0].login, "desk 4");
    const auto other = make_auth_request(question, heard.listener());
    g_signal_emit_by_name(other.get(), "deny", TRUE, "not yours");
    ASSERT_EQ(heard.answers.size(), 2u);
    EXPECT_TRUE(heard.answers[1].known);
    EXPECT_EQ(heard.answers[1].reason, "not yours");
}

TEST(AuthRequest, TheFirstAnswerCounts) {
    Heard heard;
    {
        const auto r = make_auth_request(question, heard.listener());
        sluice_auth_request_accept(r.get(), "admin", 4711);
        sluice_auth_request_deny(r.get(), SLUICE_AUTH_DENIED_FORBIDDEN, "too late");
        sluice_auth_request_accept(r.get(), "somebody", 0);
    }
    ASSERT_EQ(heard.answers.size(), 1u);
    EXPECT_TRUE(heard.answers[0].accepted);
    EXPECT_EQ(heard.answers[0].principal, "admin");
    EXPECT_EQ(heard.answers[0].expires, 4711);
}

TEST(AuthRequest, DenialsSayWhetherTheClientIsKnown) {
    Heard heard;
    const auto a = make_auth_request(question, heard.listener());
    sluice_auth_request_deny(a.get(), SLUICE_AUTH_DENIED_UNAUTHENTICATED, "who are you?");
    const auto b = make_auth_request(question, heard.listener());
    sluice_auth_request_deny(b.get(), SLUICE_AUTH_DENIED_FORBIDDEN, nullptr);
    ASSERT_EQ(heard.answers.size(), 2u);
    EXPECT_FALSE(heard.answers[0].accepted);
    EXPECT_FALSE(heard.answers[0].known);
    EXPECT_EQ(heard.answers[0].reason, "who are you?");
    EXPECT_FALSE(heard.answers[1].accepted);
    EXPECT_TRUE(heard.answers[1].known);
    EXPECT_FALSE(heard.answers[1].reason.empty());
}

TEST(AuthRequest, DroppedUnansweredIsADenial) {
    Heard heard;
    { const auto r = make_auth_request(question, heard.listener()); }
    ASSERT_EQ(heard.answers.size(), 1u);
    EXPECT_FALSE(heard.answers[0].accepted);
    EXPECT_FALSE(heard.answers[0].known);
    EXPECT_FALSE(heard.answers[0].reason.empty());
}

TEST(AuthRequest, ManyThreadsAnswerOnce) {
    for (int round = 0; round < 200; round++) {
        std::atomic<int> answers = 0;
        {
            const auto r = make_auth_request(question, [&](const AuthAnswer&) { answers++; });
            std::vector<std::thread> threads;
            for (int i = 0; i < 4; i++)
                threads.emplace_back([r, i] {
                    if (i % 2)
                        sluice_auth_request_accept(r.get(), "admin", 0);
                    else
                        sluice_auth_request_deny(r.get(), SLUICE_AUTH_DENIED_FORBIDDEN, "no");
                });
            for (auto& t : threads)
                t.join();
        }
        ASSERT_EQ(answers, 1);
    }
}

} // namespace
