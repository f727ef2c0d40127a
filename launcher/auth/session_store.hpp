// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is logged in with a cookie. In memory: a restart logs everybody out. Keeps hashes: what is in a core dump opens nothing.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

class SessionStore {
public:
    using Time = std::chrono::system_clock::time_point;
    struct Session {
        std::string user;
        Time expires;
    };

    // Full, or one user has too many: the oldest session ends, theirs if it is they who have too many.
    explicit SessionStore(size_t max_sessions = 1000, std::chrono::seconds lifetime = std::chrono::hours(12),
                          size_t max_per_user = 100)
        : max_sessions_(max_sessions), max_per_user_(max_per_user), lifetime_(lifetime) {}

    // A new token of 256 random bits.
    std::string open(const std::string& user, Time now);
    std::optional<Session> find(std::string_view token, Time now);
    void close(std::string_view token);
    void close_user(const std::string& user);
    size_t size() const { return sessions_.size(); }
    std::chrono::seconds lifetime() const { return lifetime_; }

private:
    struct Entry {
        Session session;
        std::list<std::string>::iterator age;
    };
    void expire(Time now);

    const size_t max_sessions_, max_per_user_;
    const std::chrono::seconds lifetime_;
    std::map<std::string, Entry> sessions_; // by the token's hash
    std::list<std::string> by_age_;
};

// Hexadecimal SHA-256.
std::string sha256_hex(std::string_view text);

// The value of one cookie in a Cookie header (RFC 6265, section 4.2); nullopt if it is not there or is there twice.
std::optional<std::string> find_cookie(std::string_view header, std::string_view name);

} // namespace sluice
