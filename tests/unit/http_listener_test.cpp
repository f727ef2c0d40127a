// SPDX-License-Identifier: LGPL-2.1-or-later
// Real sockets on loopback. The server and its listener live in a thread of their own, as in the elements.
#include "plugins/core/http_listener.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/listener_rig.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST(HttpListener, ServesAndForgets) {
    Served served;
    for (int i = 0; i < 3; ++i) {
        const auto answer = http("GET", served.url());
        EXPECT_EQ(answer.status, 200u) << answer.error;
        EXPECT_EQ(answer.body, "hello");
    }
    Client raw(served.port());
    ASSERT_TRUE(raw.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    const auto text = raw.read_to_end();
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->starts_with("HTTP/1.1 200")) << *text;
    EXPECT_EQ(served.connections(), 0u);
}

TEST(HttpListener, ASilentOrSlowClientIsClosedAtItsLimit) {
    Served served(ConnectionTable::Limits{.request = 100ms});
    Client silent(served.port()), slow(served.port()), body(served.port());
    ASSERT_TRUE(slow.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "));
    ASSERT_TRUE(body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_TRUE(slow.read_to_end());
    EXPECT_TRUE(body.read_to_end());
    EXPECT_EQ(served.connections(), 0u);
    EXPECT_EQ(http("GET", served.url()).status, 200u);
}

TEST(HttpListener, WhenFullTheOldestSilentOneGivesWay) {
    Served served(ConnectionTable::Limits{.connections = 4, .waiting_per_address = 100, .request = 1h});
    std::vector<Client> silent;
    for (int i = 0; i < 4; ++i)
        silent.emplace_back(served.port());
    EXPECT_EQ(http("GET", served.url()).status, 200u);
    EXPECT_EQ(silent.front().read_to_end(), "");
    EXPECT_LE(served.connections(), 4u);
}

TEST(HttpListener, AnAddressIsRefusedBeyondItsShare) {
    Served served(ConnectionTable::Limits{.connections = 100, .waiting_per_address = 3, .request = 1h});
    std::vector<Client> silent;
    for (int i = 0; i < 3; ++i)
        silent.emplace_back(served.port());
    Client more(served.port());
    EXPECT_TRUE(more.read_to_end());
    silent.clear();
    HttpAnswer answer; // until the server has seen the ends
    for (int i = 0; i < 1000 && answer.status != 200; ++i)
        answer = http("GET", served.url());
    EXPECT_EQ(answer.status, 200u);
}

TEST(HttpListener, AcceptsAgainAfterItRanOutOfDescriptors) {
    Served served(ConnectionTable::Limits{.connections = 4096, .waiting_per_address = 4096, .request = 1h});
    ASSERT_EQ(http("GET", served.url()).status, 200u); // what the client side opens once is open
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    const rlimit few{static_cast<rlim_t>(next + 16), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    {
        std::vector<Client> all; // both ends are ours: the last ones are not accepted
        // The first ones surely are: the client alone could use up everything before the server has seen any.
        for (size_t i = 1; i <= 4; ++i) {
            all.emplace_back(served.port());
            for (int wait = 0; wait < 10000 && served.connections() < i; ++wait)
                std::this_thread::yield();
        }
        while (all.emplace_back(served.port()).connected()) {
        }
        EXPECT_GE(all.size(), 8u);
        // Nothing but running out of descriptors closes one that only waits.
        EXPECT_EQ(all.front().read_to_end(), "");
    }
    HttpAnswer answer;
    for (int i = 0; i < 1000 && answer.status != 200; ++i)
        answer = http("GET", served.url());
    EXPECT_EQ(answer.status, 200u) << answer.error;
    setrlimit(RLIMIT_NOFILE, &before);
}

TEST(HttpListener, ErrorsNameTheAddress) {
    const auto server = adopt(soup_server_new(nullptr, nullptr));
    const auto first = HttpListener::open(server.get(), "127.0.0.1", 0);
    ASSERT_TRUE(first);
    const auto second = HttpListener::open(server.get(), "127.0.0.1", first.value()->port());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::busy);
    EXPECT_NE(second.error().text.find("127.0.0.1:" + std::to_string(first.value()->port())), std::string::npos);
    const auto name = HttpListener::open(server.get(), "localhost", 0);
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().kind, ErrorKind::bad_config);
    const auto foreign = HttpListener::open(server.get(), "192.0.2.1", 0);
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().kind, ErrorKind::unavailable);
}

} // namespace
} // namespace sluice
