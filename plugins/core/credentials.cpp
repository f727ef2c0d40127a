// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/credentials.hpp"

#include <crypt.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace sluice {

namespace {

constexpr size_t max_file_bytes = 1 << 20;
constexpr size_t max_password_bytes = CRYPT_MAX_PASSPHRASE_SIZE - 1;

struct CFree {
    void operator()(void* p) const { std::free(p); }
};

void random_bytes(void* data, size_t size) {
    auto* p = static_cast<unsigned char*>(data);
    while (size > 0) {
        const ssize_t n = getrandom(p, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) // the kernel always has a random source; without one nothing here would be safe
            std::abort();
        p += n;
        size -= static_cast<size_t>(n);
    }
}

// A hash nobody knows a password for: what an unknown user is measured against.
const std::string& nobody() {
    static const std::string hash = hash_password(random_token());
    return hash;
}

} // namespace

std::string random_token(size_t bytes) {
    std::string raw(bytes, '\0');
    random_bytes(raw.data(), raw.size());
    const std::unique_ptr<char, decltype(&g_free)> text(
        g_base64_encode(reinterpret_cast<const guchar*>(raw.data()), raw.size()), g_free);
    std::string out;
    for (const char* p = text.get(); *p && *p != '='; p++)
        out += *p == '+' ? '-' : *p == '/' ? '_' : *p;
    return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.size(); i++)
        difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

std::string hash_password(std::string_view password) {
    const std::unique_ptr<char, CFree> setting(crypt_gensalt_ra("$y$", 0, nullptr, 0));
    if (!setting || password.size() > max_password_bytes)
        return {};
    const auto data = std::make_unique<crypt_data>();
    const char* hash = crypt_rn(std::string(password).c_str(), setting.get(), data.get(), sizeof *data);
    return hash ? hash : std::string();
}

bool verify_password(std::string_view password, const std::string& hash) {
    // crypt(3) would stop at a NUL and so compare less than was sent.
    if (password.size() > max_password_bytes || password.find('\0') != std::string_view::npos)
        return false;
    const auto data = std::make_unique<crypt_data>();
    const char* got = crypt_rn(std::string(password).c_str(), hash.c_str(), data.get(), sizeof *data);
    return got && got[0] != '*' && equal_constant_time(got, hash);
}

Result<Credentials> Credentials::load(const std::string& path) {
    // O_NONBLOCK: a FIFO in place of the file would hang whoever opens it, for ever.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const std::unique_ptr<FILE, int (*)(FILE*)> file(fd < 0 ? nullptr : fdopen(fd, "r"), std::fclose);
    if (!file) {
        const int error = errno;
        return Error{error == ENOENT ? ErrorKind::missing_file : ErrorKind::bad_config,
                     path + ": cannot be read: " + g_strerror(error)};
    }
    if (struct stat info{}; fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return Error{ErrorKind::bad_config, path + ": cannot be read: it is no regular file"};
    std::string text(max_file_bytes + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()))
        return Error{ErrorKind::bad_config, path + ": cannot be read: " + g_strerror(errno)};
    if (text.size() > max_file_bytes)
        return Error{ErrorKind::bad_config, path + ": larger than 1 MiB, which a credentials file may not be"};
    return parse(text, path);
}

Result<Credentials> Credentials::parse(std::string_view text, const std::string& name) {
    Credentials out;
    unsigned line_number = 0;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        line_number++;
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        if (line.empty() || line.front() == '#')
            continue;
        // The line itself is never repeated: it may hold a password that somebody forgot to hash.
        const auto bad = [&](const std::string& what) {
            return Error{ErrorKind::bad_config, name + ":" + std::to_string(line_number) + ": " + what};
        };
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return bad("not of the form user:hash");
        const std::string user(line.substr(0, colon));
        std::string hash(line.substr(colon + 1));
        const int kind =
            hash.empty() || hash.find('\0') != std::string::npos ? CRYPT_SALT_INVALID : crypt_checksalt(hash.c_str());
        if (kind != CRYPT_SALT_OK && kind != CRYPT_SALT_TOO_CHEAP)
            return bad("user \"" + user +
                       "\" has no hash that is supported; allowed are those of crypt(5): yescrypt "
                       "($y$), bcrypt ($2b$, $2y$), SHA-512 ($6$), SHA-256 ($5$)");
        if (!out.hashes_.emplace(user, std::move(hash)).second)
            return bad("user \"" + user + "\" is there twice");
    }
    return out;
}

std::vector<std::string> Credentials::revoked_since(const Credentials& before) const {
    std::vector<std::string> out;
    for (const auto& [user, hash] : before.hashes_)
        if (const auto it = hashes_.find(user); it == hashes_.end() || it->second != hash)
            out.push_back(user);
    return out;
}

bool Credentials::verify(std::string_view user, std::string_view password) const {
    const auto it = hashes_.find(user);
    if (it != hashes_.end())
        return verify_password(password, it->second);
    // As slow as for a user that exists, so that the time does not tell which do.
    verify_password(password, hashes_.empty() ? nobody() : hashes_.begin()->second);
    return false;
}

std::optional<BasicCredentials> parse_basic(std::string_view header) {
    constexpr std::string_view scheme = "basic";
    constexpr size_t max_header = 8192;
    if (header.size() < scheme.size() + 2 || header.size() > max_header ||
        g_ascii_strncasecmp(header.data(), scheme.data(), scheme.size()) != 0 || header[scheme.size()] != ' ')
        return std::nullopt;
    std::string_view coded = header.substr(scheme.size());
    coded.remove_prefix(std::min(coded.find_first_not_of(' '), coded.size()));
    while (!coded.empty() && coded.back() == ' ')
        coded.remove_suffix(1);
    // GLib skips what is not base64; a credential must not have two spellings.
    const size_t body = coded.find_last_not_of('=') + 1;
    for (size_t i = 0; i < body; i++)
        if (!g_ascii_isalnum(coded[i]) && coded[i] != '+' && coded[i] != '/')
            return std::nullopt;
    if (coded.empty() || coded.size() % 4 != 0 || coded.size() - body > 2)
        return std::nullopt;
    gsize size = 0;
    const std::unique_ptr<guchar, decltype(&g_free)> raw(g_base64_decode(std::string(coded).c_str(), &size), g_free);
    const std::string_view text(reinterpret_cast<const char*>(raw.get()), size);
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    return BasicCredentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

CredentialCache::CredentialCache(size_t max_entries, std::chrono::seconds lifetime)
    : max_entries_(max_entries), lifetime_(lifetime), key_(32, '\0') {
    random_bytes(key_.data(), key_.size());
}

std::string CredentialCache::digest(std::string_view user, std::string_view password) const {
    // The length in front keeps ("ab", "c") and ("a", "bc") apart.
    std::string text = std::to_string(user.size()) + ":";
    text.append(user).append(password);
    const std::unique_ptr<char, decltype(&g_free)> hex(
        g_compute_hmac_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(key_.data()), key_.size(),
                                reinterpret_cast<const guchar*>(text.data()), text.size()),
        g_free);
    explicit_bzero(text.data(), text.size());
    return hex.get();
}

void CredentialCache::expire(Time now) {
    while (!by_age_.empty() && by_age_.front().expires <= now) {
        entries_.erase(by_age_.front().digest);
        by_age_.pop_front();
    }
}

bool CredentialCache::contains(std::string_view user, std::string_view password, Time now) {
    const std::string d = digest(user, password);
    const std::lock_guard lock(mutex_);
    expire(now);
    return entries_.find(d) != entries_.end();
}

void CredentialCache::remember(std::string_view user, std::string_view password, Time now) {
    std::string d = digest(user, password);
    const std::lock_guard lock(mutex_);
    expire(now);
    if (const auto it = entries_.find(d); it != entries_.end()) {
        by_age_.erase(it->second);
        entries_.erase(it);
    }
    while (!by_age_.empty() && by_age_.size() >= max_entries_) {
        entries_.erase(by_age_.front().digest);
        by_age_.pop_front();
    }
    by_age_.push_back({d, now + lifetime_});
    entries_.emplace(std::move(d), std::prev(by_age_.end()));
}

void CredentialCache::clear() {
    const std::lock_guard lock(mutex_);
    by_age_.clear();
    entries_.clear();
}

size_t CredentialCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

} // namespace sluice
