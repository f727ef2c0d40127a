// SPDX-License-Identifier: LGPL-2.1-or-later
// GET /api/ws?src=CAMERA: the WebSockets of go2rtc players. Lives in the main context.
#pragma once

#include "launcher/http/go2rtc_source.hpp"
#include "launcher/http/route_table.hpp"
#include "launcher/http/signal_link.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace sluice {

class Go2rtcSockets {
public:
    static constexpr size_t max_message = 64 * 1024;
    static constexpr size_t max_sockets = 512;
    static constexpr size_t max_sockets_per_peer =
        256; // of one principal from one address: a dashboard has all its viewers' there

    using OpenLink = std::function<std::shared_ptr<SignalLink>(const ApiCall& call)>;
    explicit Go2rtcSockets(OpenLink open) : open_(std::move(open)), self_(std::make_shared<Go2rtcSockets*>(this)) {}
    ~Go2rtcSockets();
    Go2rtcSockets(const Go2rtcSockets&) = delete;
    Go2rtcSockets& operator=(const Go2rtcSockets&) = delete;

    // Answers a request that has been let in: 101 and a socket, or a problem.
    void upgrade(const ApiCall& call);
    void close_login(const std::string& session);
    void close_principal(const std::string& principal); // has to prove again who they are

private:
    struct Socket;
    using SocketPtr = std::shared_ptr<Socket>;
    void adopt_connection(SoupServerMessage* message, const SocketPtr& socket);
    void close_if(const std::function<bool(const AuthDecision&)>& ended, const char* why);
    void gone(const Socket& socket);
    void housekeeping();

    const OpenLink open_;
    std::list<SocketPtr> sockets_; // those on their way, too
    guint regular_ = 0;
    const std::shared_ptr<Go2rtcSockets*> self_; // for upgrades under way
};

} // namespace sluice
