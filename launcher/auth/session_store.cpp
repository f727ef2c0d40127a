// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/session_store.hpp"

#include "plugins/core/credentials.hpp"

#include <glib.h>

#include <algorithm>
#include <memory>

namespace sluice {

std::string sha256_hex(std::string_view text) {
    const std::unique_ptr<char, decltype(&g_free)> hex(
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(text.data()), text.size()),
        g_free);
    return hex.get();
}

void SessionStore::expire(Time now) {
    // All live equally long: the oldest is the first to go.
    while (!by_age_.empty() && sessions_.at(by_age_.front()).session.expires <= now) {
        sessions_.erase(by_age_.front());
        by_age_.pop_front();
    }
}

std::string SessionStore::open(const std::string& user, Time now) {
    expire(now);
    const auto is_theirs = [&](const std::string& hash) { return sessions_.at(hash).session.user == user; };
    if (static_cast<size_t>(std::count_if(by_age_.begin(), by_age_.end(), is_theirs)) >= max_per_user_) {
        const auto oldest = std::find_if(by_age_.begin(), by_age_.end(), is_theirs);
        sessions_.erase(*oldest);
        by_age_.erase(oldest);
    }
    while (!by_age_.empty() && sessions_.size() >= max_sessions_) {
        sessions_.erase(by_age_.front());
        by_age_.pop_front();
    }
    std::string token = random_token();
    const std::string hash = sha256_hex(token);
    by_age_.push_back(hash);
    sessions_.emplace(hash, Entry{{user, now + lifetime_}, std::prev(by_age_.end())});
    return token;
}

std::optional<SessionStore::Session> SessionStore::find(std::string_view token, Time now) {
    expire(now);
    // Looked up by hash: how long that takes says nothing about tokens.
    const auto it = sessions_.find(sha256_hex(token));
    return it == sessions_.end() ? std::nullopt : std::optional(it->second.session);
}

void SessionStore::close(std::string_view token) {
    const auto it = sessions_.find(sha256_hex(token));
    if (it == sessions_.end())
        return;
    by_age_.erase(it->second.age);
    sessions_.erase(it);
}

void SessionStore::close_user(const std::string& user) {
    for (auto it = sessions_.begin(); it != sessions_.end();) {
        if (it->second.session.user == user) {
            by_age_.erase(it->second.age);
            it = sessions_.erase(it);
        } else {
            ++it;
        }
    }
}

std::optional<std::string> find_cookie(std::string_view header, std::string_view name) {
    std::optional<std::string> found;
    while (!header.empty()) {
        std::string_view pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(pair.size() + 1, header.size()));
        pair.remove_prefix(std::min(pair.find_first_not_of(" \t"), pair.size()));
        while (!pair.empty() && (pair.back() == ' ' || pair.back() == '\t'))
            pair.remove_suffix(1);
        const size_t equals = pair.find('=');
        if (equals == std::string_view::npos || pair.substr(0, equals) != name)
            continue;
        if (found)
            return std::nullopt;
        found = pair.substr(equals + 1);
    }
    return found;
}

} // namespace sluice
