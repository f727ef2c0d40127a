// SPDX-License-Identifier: LGPL-2.1-or-later
// Real sockets on loopback. The server and its listener live in a thread of their own, as in the elements.
#include "plugins/core/http_listener.hpp"
#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

class Served {
public:
    explicit Served(ConnectionTable::Limits limits) {
        std::promise<uint16_t> port;
        thread_ = std::thread([this, &port, limits] {
            g_main_context_push_thread_default(context_.get());
            {
                const auto server = adopt(soup_server_new("server-header", "test", nullptr));
                soup_server_add_handler(
                    server.get(), nullptr,
                    +[](SoupServer*, SoupServerMessage* m, const char*, GHashTable*, gpointer) {
                        soup_server_message_set_status(m, 200, nullptr);
                        soup_server_message_set_response(m, "text/plain", SOUP_MEMORY_STATIC, "hello", 5);
                    },
                    nullptr, nullptr);
                auto listener = HttpListener::open(server.get(), "127.0.0.1", 0, limits);
                listener_ = listener ? listener.value().get() : nullptr;
                port.set_value(listener ? listener.value()->port() : 0);
                g_main_loop_run(loop_.get());
                soup_server_disconnect(server.get());
            }
            g_main_context_pop_thread_default(context_.get());
        });
        port_ = port.get_future().get();
    }
    ~Served() {
        call([this] { g_main_loop_quit(loop_.get()); });
        thread_.join();
    }
    template <typename F> void call(F f) {
        std::packaged_task<void()> task(std::move(f));
        g_main_context_invoke(
            context_.get(),
            +[](gpointer data) -> gboolean {
                (*static_cast<std::packaged_task<void()>*>(data))();
                return G_SOURCE_REMOVE;
            },
            &task);
        task.get_future().get();
    }
    size_t connections() {
        size_t n = 0;
        call([&] { n = listener_->connections(); });
        return n;
    }
    uint16_t port() const { return port_; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

private:
    Ref<GMainContext> context_ = adopt(g_main_context_new());
    Ref<GMainLoop> loop_ = adopt(g_main_loop_new(context_.get(), FALSE));
    HttpListener* listener_ = nullptr;
    uint16_t port_ = 0;
    std::thread thread_;
};

class Client {
public:
    explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = fd_ >= 0 && connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    Client(Client&& o) noexcept : fd_(std::exchange(o.fd_, -1)), connected_(o.connected_) {}
    ~Client() {
        if (fd_ >= 0)
            close(fd_);
    }
    bool connected() const { return connected_; }
    bool send(const char* text) {
        return ::send(fd_, text, strlen(text), MSG_NOSIGNAL) == static_cast<ssize_t>(strlen(text));
    }
    // What the server sent until it closed; nothing if it did not close in time.
    std::optional<std::string> read_to_end(std::chrono::milliseconds limit = 10s) {
        std::string out;
        const auto end = std::chrono::steady_clock::now() + limit;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
            pollfd p{fd_, POLLIN, 0};
            if (left <= 0 || poll(&p, 1, static_cast<int>(left)) <= 0)
                return std::nullopt;
            char data[4096];
            const ssize_t n = recv(fd_, data, sizeof data, 0);
            if (n <= 0)
                return out;
            out.append(data, static_cast<size_t>(n));
        }
    }

private:
    int fd_;
    bool connected_ = false;
};

TEST(HttpListener, ServesAndForgets) {
    Served served({});
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
    Served served({.request = 100ms});
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
    Served served({.connections = 4, .waiting_per_address = 100, .request = 1h});
    std::vector<Client> silent;
    for (int i = 0; i < 4; ++i)
        silent.emplace_back(served.port());
    EXPECT_EQ(http("GET", served.url()).status, 200u);
    EXPECT_EQ(silent.front().read_to_end(), "");
    EXPECT_LE(served.connections(), 4u);
}

TEST(HttpListener, AnAddressIsRefusedBeyondItsShare) {
    Served served({.connections = 100, .waiting_per_address = 3, .request = 1h});
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
    Served served({.connections = 4096, .waiting_per_address = 4096, .request = 1h});
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
