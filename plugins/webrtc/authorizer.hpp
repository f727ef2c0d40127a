// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/auth_request.hpp"
#include "plugins/core/credentials.hpp"

#include <memory>
#include <mutex>
#include <set>

namespace sluice {

// Who may? Asks the application's handler, else the credentials file, else refuses everyone. Every question is answered once,
// at the latest at its deadline (with no).
class Authorizer {
public:
    using Answer = std::function<void(const AuthAnswer&)>;
    // The application's say, if it wants one.
    struct Handler {
        std::function<bool()> present;
        std::function<void(SluiceAuthRequest*)> hand_over;
    };
    static constexpr GstClockTime limit = 10 * GST_SECOND;

    Authorizer(Handler handler, std::shared_ptr<const Credentials> credentials);
    ~Authorizer();
    Authorizer(const Authorizer&) = delete;
    Authorizer& operator=(const Authorizer&) = delete;

    // `answer` comes from any thread, maybe before this returns.
    void ask(AuthQuestion question, GstClockTime now, Answer answer);
    void tick(GstClockTime now);
    // Denies what is open and what still comes.
    void close();
    size_t open_questions() const;

private:
    struct Open;
    void check_password(std::string authorization, const std::shared_ptr<Open>& open);

    const Handler handler_;
    struct Passwords;
    const std::shared_ptr<Passwords> passwords_;
    GThreadPool* verifier_ = nullptr; // password hashes are slow on purpose
    std::shared_ptr<std::mutex> mutex_;
    std::shared_ptr<std::set<std::shared_ptr<Open>>> open_;
    bool closed_ = false; // under *mutex_
};

} // namespace sluice
