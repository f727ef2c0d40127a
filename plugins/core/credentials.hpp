// SPDX-License-Identifier: LGPL-2.1-or-later
// A credentials file (one "user:hash" per line, hashes as crypt(5) knows them: yescrypt, bcrypt, sha512...).
#pragma once

#include "plugins/core/api.hpp"
#include "plugins/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class SLUICE_API Credentials {
public:
    // Errors name the file and the line. Lines that are empty or begin with # are passed over.
    static Result<Credentials> load(const std::string& path);
    static Result<Credentials> parse(std::string_view text, const std::string& name);

    // Takes the same time for a user that does not exist. Slow on purpose (the hash decides): not for each request, see CredentialCache.
    bool verify(std::string_view user, std::string_view password) const;
    bool empty() const { return hashes_.empty(); }
    bool has(std::string_view user) const { return hashes_.find(user) != hashes_.end(); }
    // Users of `before` who are gone, or have another password now.
    std::vector<std::string> revoked_since(const Credentials& before) const;

private:
    std::map<std::string, std::string, std::less<>> hashes_;
};

// "Basic dXNlcjpwYXNz" (RFC 7617) -> user and password; nullopt if it is anything else.
struct BasicCredentials {
    std::string user, password;
};
SLUICE_API std::optional<BasicCredentials> parse_basic(std::string_view authorization_header);

// crypt(3) with yescrypt and a random salt.
SLUICE_API std::string hash_password(std::string_view password);
SLUICE_API bool verify_password(std::string_view password, const std::string& hash);
SLUICE_API bool equal_constant_time(std::string_view a, std::string_view b);

// Fills with bytes of the kernel's random source, written as base64url without padding (256 bit: 43 characters).
SLUICE_API std::string random_token(size_t bytes = 32);

// Remembers for a while which user and password were found right, so that a client that sends Basic with each request
// pays for the slow hash once. Keeps keyed hashes only (HMAC-SHA-256, a random key per cache), never a password.
// Full: the oldest entry goes. Thread-safe.
class SLUICE_API CredentialCache {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit CredentialCache(size_t max_entries = 1024, std::chrono::seconds lifetime = std::chrono::minutes(5));
    bool contains(std::string_view user, std::string_view password, Time now);
    void remember(std::string_view user, std::string_view password, Time now);
    void clear(); // passwords have changed
    size_t size() const;

private:
    struct Entry {
        std::string digest;
        Time expires;
    };
    std::string digest(std::string_view user, std::string_view password) const;
    void expire(Time now);

    const size_t max_entries_;
    const std::chrono::seconds lifetime_;
    std::string key_;
    mutable std::mutex mutex_;
    std::list<Entry> by_age_; // oldest first
    std::map<std::string, std::list<Entry>::iterator, std::less<>> entries_;
};

} // namespace sluice
