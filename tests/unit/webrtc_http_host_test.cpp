// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/http_host.hpp"
#include "tests/support/http_client.hpp"

#include <atomic>
#include <chrono>
#include <future>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

std::shared_ptr<HttpHost> open_any() {
    auto host = HttpHost::open("127.0.0.1", 0);
    EXPECT_TRUE(host) << host.error().text;
    return host ? host.value() : nullptr;
}
void add_page(const std::shared_ptr<HttpHost>& host) {
    host->invoke([raw = host.get()] {
        soup_server_add_handler(
            raw->server(), "/page",
            +[](SoupServer*, SoupServerMessage* m, const char*, GHashTable*, gpointer) {
                soup_server_message_set_status(m, 200, nullptr);
                soup_server_message_set_response(m, "text/plain", SOUP_MEMORY_STATIC, "hello", 5);
            },
            nullptr, nullptr);
    });
    host->settle();
}
std::string url(unsigned port) { return "http://127.0.0.1:" + std::to_string(port) + "/page"; }

TEST(HttpHost, ServesOnAPortThatTheKernelPicks) {
    const auto host = open_any();
    ASSERT_TRUE(host);
    EXPECT_NE(host->port(), 0u);
    add_page(host);
    const auto answer = http("GET", url(host->port()));
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.header("connection"), "close") << "libsoup 3.2 forgets connections that the client closes";
}

TEST(HttpHost, PortZeroIsAnotherOneEachTime) {
    const auto a = open_any(), b = open_any();
    EXPECT_NE(a->port(), b->port());
}

TEST(HttpHost, OneForTheSameAddressAndPort) {
    unsigned port = open_any()->port(); // free again at once
    const auto a = HttpHost::open("127.0.0.1", port), b = HttpHost::open("127.0.0.1", port);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a.value(), b.value());
}

TEST(HttpHost, ThePortIsFreeWhenTheLastOneGoes) {
    const unsigned port = open_any()->port();
    for (int i = 0; i < 50; ++i) {
        const auto host = HttpHost::open("127.0.0.1", port);
        ASSERT_TRUE(host) << host.error().text;
    }
    EXPECT_EQ(http("GET", url(port)).status, 0u);
}

TEST(HttpHost, APortInUseIsBusy) {
    const auto other = adopt(g_socket_listener_new());
    const guint16 port = g_socket_listener_add_any_inet_port(other.get(), nullptr, nullptr);
    const auto host = HttpHost::open("127.0.0.1", port);
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().kind, ErrorKind::busy);
    EXPECT_NE(host.error().text.find("127.0.0.1:" + std::to_string(port)), std::string::npos) << host.error().text;
    g_socket_listener_close(other.get());
    EXPECT_TRUE(HttpHost::open("127.0.0.1", port)) << "and is tried anew";
}

TEST(HttpHost, OnlyAddresses) {
    for (const char* bad : {"", "localhost", "1.2.3", "300.0.0.1", "::1::", "[::1]"}) {
        const auto host = HttpHost::open(bad, 0);
        ASSERT_FALSE(host) << bad;
        EXPECT_EQ(host.error().kind, ErrorKind::bad_config);
    }
    EXPECT_TRUE(HttpHost::open("0.0.0.0", 0));
}

TEST(HttpHost, InvokeRunsInTheServersThreadInOrder) {
    const auto host = open_any();
    std::vector<int> order;
    std::thread::id thread;
    for (int i = 0; i < 100; ++i)
        host->invoke([&, i] {
            order.push_back(i);
            thread = std::this_thread::get_id();
        });
    host->settle();
    ASSERT_EQ(order.size(), 100u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(HttpHost, InvokeFromTheServersThreadRunsAtOnce) {
    const auto host = open_any();
    std::promise<bool> at_once;
    host->invoke([&] {
        bool ran = false;
        host->invoke([&] { ran = true; });
        host->settle(); // would wait for itself
        at_once.set_value(ran);
    });
    auto result = at_once.get_future();
    ASSERT_EQ(result.wait_for(20s), std::future_status::ready);
    EXPECT_TRUE(result.get());
}

// A request's last step may hold the last reference.
TEST(HttpHost, TheLastReferenceMayFallInsideItsOwnThread) {
    for (int i = 0; i < 20; ++i) {
        auto host = open_any();
        const unsigned port = host->port();
        std::promise<void> mine_is_gone, dropped;
        host->invoke([held = host, &mine_is_gone, &dropped]() mutable {
            mine_is_gone.get_future().wait();
            held.reset();
            dropped.set_value();
        });
        host.reset();
        mine_is_gone.set_value();
        dropped.get_future().wait();
        // It ends by itself, soon.
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (http("GET", url(port)).status != 0 && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        EXPECT_EQ(http("GET", url(port)).status, 0u);
    }
}

TEST(HttpHost, GoesWithWorkStillWaiting) {
    std::atomic<int> ran{0};
    for (int i = 0; i < 20; ++i) {
        const auto host = open_any();
        host->invoke([&] { ++ran; });
    }
    EXPECT_EQ(ran, 20) << "what was handed over is done";
}

TEST(HttpHost, APathBelongsToOneAtATime) {
    const auto host = open_any(), other = open_any();
    EXPECT_TRUE(host->claim("/whep"));
    EXPECT_FALSE(host->claim("/whep"));
    EXPECT_TRUE(host->claim("/other"));
    EXPECT_TRUE(other->claim("/whep")) << "another server";
    host->release("/whep");
    EXPECT_TRUE(host->claim("/whep"));
    for (const char* path : {"/whep", "/other"})
        host->release(path);
    other->release("/whep");
}

TEST(HttpHost, TheApplicationsServerIsUsedInItsContext) {
    const auto context = adopt(g_main_context_new());
    const auto server = adopt(soup_server_new(nullptr, nullptr));
    const auto host = HttpHost::use(server.get(), context.get());
    EXPECT_EQ(host->port(), 0u);
    bool ran = false;
    host->invoke([&] { ran = host->server() == server.get(); });
    EXPECT_FALSE(ran) << "nobody runs that context";
    host->settle(); // does not wait for it
    while (g_main_context_iteration(context.get(), FALSE)) {
    }
    EXPECT_TRUE(ran);
    const auto again = HttpHost::use(server.get(), context.get());
    EXPECT_TRUE(host->claim("/x"));
    EXPECT_FALSE(again->claim("/x")) << "the same server";
    host->release("/x");
}

} // namespace
} // namespace sluice
