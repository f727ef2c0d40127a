// SPDX-License-Identifier: LGPL-2.1-or-later
// Another server decides, as with nginx's auth_request: who asks us is asked for there, credentials and all. No answer is no.
#pragma once

#include "launcher/auth/credential_check.hpp"
#include "launcher/auth/http_fetch.hpp"
#include "launcher/config/auth_config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

class AuthRequestCheck final : public CredentialCheck {
public:
    using Time = std::chrono::steady_clock::time_point;
    // Calls done once, later, while the check lives.
    using Fetch = std::function<void(const HttpAsk& ask, std::function<void(HttpReply)> done)>;

    struct Limits {
        size_t under_way = 32, of_one_peer = 8, waiting = 1024, remembered = 4096;
    };
    struct Clocks {
        std::function<Time()> steady;
        std::function<int64_t()> unix_time;
    };

    // log: told once when the server begins to be out of reach, and when it is back.
    AuthRequestCheck(AuthRequestConfig config, Fetch fetch, Clocks clocks, std::function<void(const std::string&)> log,
                     Limits limits);

    bool takes(const AuthRequest& request) const override;
    void check(const AuthRequest& request, std::function<void(AuthDecision)> done) override;

private:
    using Done = std::function<void(AuthDecision)>;
    // What was found out, apart from who waits for it and how long it lasts for whom.
    struct Finding {
        AuthDecision::Verdict verdict;
        std::string principal, reason;
    };
    struct Remembered {
        Finding finding;
        Time until;
    };
    struct UnderWay {
        std::string peer;
        std::vector<std::pair<AuthRequest, Done>> waiting; // without credentials
    };

    std::string key(const AuthRequest& request) const;
    HttpAsk question(const AuthRequest& request) const;
    Finding read(const HttpReply& reply);
    AuthDecision decision(const Finding& finding, const AuthRequest& request) const;
    void settle(const std::string& key, const HttpReply& reply);
    void remember(const std::string& key, const Finding& finding);
    void forget_old();

    const AuthRequestConfig config_;
    const Fetch fetch_;
    const Clocks clocks_;
    const std::function<void(const std::string&)> log_;
    const Limits limits_;
    const std::string salt_; // what is in memory of credentials opens nothing
    std::vector<Action> actions_;
    std::map<std::string, UnderWay> under_way_;
    std::map<std::string, size_t> peers_;
    size_t waiting_ = 0;
    std::map<std::string, Remembered> remembered_;
    std::list<std::string> by_age_;
    bool out_of_reach_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace sluice
