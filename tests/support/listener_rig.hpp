// SPDX-License-Identifier: LGPL-2.1-or-later
// A server behind an HttpListener in a thread of its own, and raw clients.
#pragma once

#include "plugins/core/http_listener.hpp"
#include "plugins/core/http_message.hpp"
#include "plugins/core/refs.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::test {

using namespace std::chrono_literals;

class Served {
public:
    explicit Served(ConnectionTable::Limits limits = {}) : Served(HttpListener::Settings{.limits = limits}) {}
    explicit Served(HttpListener::Settings settings, std::string answer = "hello") : body_(std::move(answer)) {
        std::promise<uint16_t> port;
        thread_ = std::thread([this, &port, settings] {
            g_main_context_push_thread_default(context_.get());
            {
                const auto server = adopt(soup_server_new("server-header", "test", nullptr));
                soup_server_add_handler(
                    server.get(), nullptr,
                    +[](SoupServer*, SoupServerMessage* m, const char* path, GHashTable*, gpointer self) {
                        const std::string& all = static_cast<Served*>(self)->body_;
                        const std::string body = path == std::string("/peer") ? peer_address(m) : all;
                        soup_server_message_set_status(m, 200, nullptr);
                        soup_server_message_set_response(m, "text/plain", SOUP_MEMORY_COPY, body.data(), body.size());
                    },
                    this, nullptr);
                auto listener = HttpListener::open(server.get(), "127.0.0.1", 0, settings);
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
    std::string url(const char* scheme = "http") const {
        return scheme + std::string("://127.0.0.1:") + std::to_string(port_) + "/";
    }

private:
    Ref<GMainContext> context_ = adopt(g_main_context_new());
    Ref<GMainLoop> loop_ = adopt(g_main_loop_new(context_.get(), FALSE));
    const std::string body_;
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
    bool send(std::string_view text) {
        return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    int fd() const { return fd_; }
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

} // namespace sluice::test
