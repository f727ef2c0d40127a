// SPDX-License-Identifier: LGPL-2.1-or-later
// GET /api/v1/events: the state of all cameras, pushed over a WebSocket. docs/http-api.md has the messages.
#pragma once

#include "launcher/auth/rights.hpp"
#include "launcher/http/camera_news.hpp"
#include "plugins/core/refs.hpp"

#include <libsoup/soup.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

// Lives in the main context. Costs nothing while nobody is connected.
class Events {
public:
    static constexpr const char* path = "/api/v1/events";

    // Who is connected. Their right ends with the login, with the credentials, or at that time.
    struct Visitor {
        std::string principal;
        std::string session; // label of a login by page; empty: none
        int64_t expires = 0; // unix time, 0: never
        Rights rights;       // hears of what they see
    };

    // cameras(): the list as the API gives it.
    explicit Events(std::function<Json()> cameras);
    ~Events();
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    // Answers a request that has been let in: 101 and a socket, or a problem.
    void upgrade(SoupServerMessage* message, const Visitor& who);
    void changed(); // something about a camera is different now
    void close_login(const std::string& session);
    void close_principal(const std::string& principal);             // has to prove again who they are
    void widen(const std::string& principal, const Rights& rights); // sees more from now on
    // Says so to everybody and waits a moment, running the main context, until they have heard it.
    void going_away();

    size_t connected() const { return sockets_.size(); }

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Socket;
    struct Pending;
    void adopt_connection(SoupServerMessage* message, const Pending& pending);
    void close_if(const std::function<bool(const Visitor&)>& ended, const char* why);
    void each(const std::function<void(Socket&)>& act);
    void send(Socket& socket, const std::string& text);
    void send_list(Socket& socket);
    void tell(bool numbers);
    void housekeeping();
    void gone(Socket& socket);

    const std::function<Json()> cameras_;
    std::list<std::unique_ptr<Socket>> sockets_;
    std::vector<std::weak_ptr<Pending>> upgrading_;
    CameraNews news_;
    Json latest_; // the list of the last comparison
    Time told_at_{};
    guint soon_ = 0, regular_ = 0;  // timers
    std::shared_ptr<Events*> self_; // for upgrades under way; empty inside: gone
};

} // namespace sluice
