// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/signed_urls.hpp"

#include "launcher/auth/base64url.hpp"
#include "plugins/core/credentials.hpp"
#include "plugins/core/refs.hpp"

#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice {

namespace {

constexpr size_t max_token = 1024, max_revoked = 1024;

// With its length in front: no two lists of texts are written alike.
void append(std::string& out, std::string_view part) {
    out += std::to_string(part.size()) + ":";
    out += part;
}

std::optional<int64_t> number(std::string_view text) {
    int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    const bool whole = error == std::errc() && end == text.data() + text.size() && out >= 0;
    return whole && std::to_string(out) == text ? std::optional(out) : std::nullopt; // one spelling
}

} // namespace

std::string signed_target(const std::string& path, const std::map<std::string, std::string, std::less<>>& query) {
    std::string out;
    append(out, path);
    for (const auto& [name, value] : query) {
        if (name == "token")
            continue;
        append(out, name);
        append(out, value);
    }
    return out;
}

SignedUrls::SignedUrls() : key_(random_token()) {}

std::string SignedUrls::code(const std::string& target, std::string_view principal, int64_t issued,
                             int64_t expires) const {
    std::string text = "sluice-signed-url-1\nGET\n";
    append(text, target);
    append(text, principal);
    append(text, std::to_string(issued));
    append(text, std::to_string(expires));
    const GString8 hex(g_compute_hmac_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(key_.data()),
                                               key_.size(), reinterpret_cast<const guchar*>(text.data()), text.size()));
    return hex.get();
}

std::string SignedUrls::sign(const std::string& target, const std::string& principal, int64_t now,
                             int64_t expires) const {
    const int64_t until = std::min(expires, now + max_signed_seconds);
    return std::to_string(now) + "." + std::to_string(until) + "." + encode_base64url(principal) + "." +
           code(target, principal, now, until);
}

std::optional<SignedUrls::Opened> SignedUrls::open(const std::string& target, std::string_view token,
                                                   int64_t now) const {
    if (token.size() > max_token || std::count(token.begin(), token.end(), '.') != 3)
        return std::nullopt;
    std::array<std::string_view, 4> parts;
    for (std::string_view& part : parts) {
        const size_t end = std::min(token.find('.'), token.size());
        part = token.substr(0, end);
        token.remove_prefix(std::min(end + 1, token.size()));
    }
    const auto issued = number(parts[0]), expires = number(parts[1]);
    const auto principal = decode_base64url(parts[2]);
    if (!issued || !expires || !principal ||
        !equal_constant_time(parts[3], code(target, *principal, *issued, *expires)) || *expires <= now)
        return std::nullopt;
    if (const auto gone = revoked_.find(*principal); gone != revoked_.end() && *issued <= gone->second)
        return std::nullopt;
    return Opened{*principal, *expires};
}

void SignedUrls::revoke(const std::string& principal, int64_t now) {
    std::erase_if(revoked_, [now](const auto& one) { return one.second + max_signed_seconds < now; });
    if (revoked_.size() >= max_revoked) {
        // Too many to remember: all end.
        key_ = random_token();
        revoked_.clear();
        return;
    }
    revoked_[principal] = now;
}

void SignedUrlCheck::check(const AuthRequest& q, std::function<void(AuthDecision)> done) {
    AuthDecision out;
    const auto opened = urls_.open(q.signed_target, q.signed_token, now_());
    if (!opened || !q.action || !q.camera) {
        out.reason = "the address is not signed, or not any more; ask for a new one";
    } else {
        out.verdict = AuthDecision::Verdict::accepted;
        out.principal = opened->principal;
        out.rights = Rights({{{*q.action}, *q.camera}});
        out.expires = opened->expires;
    }
    done(out);
}

} // namespace sluice
