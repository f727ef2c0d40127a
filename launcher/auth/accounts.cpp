// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/accounts.hpp"

#include "launcher/auth/session_store.hpp"
#include "launcher/config/secret.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

constexpr const char* accounts_file = "accounts";
constexpr const char* tokens_file = "tokens";
constexpr size_t max_file_bytes = 1 << 20;
constexpr size_t max_password = 256; // more makes hashing slow without making it safer

bool is_hash(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(),
                                            [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

Accounts::Stamp Accounts::stamp(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0)
        return {};
    return {info.st_ino, info.st_size, info.st_mtim};
}

Result<std::map<std::string, std::string>> Accounts::read_lines(const char* name) const {
    const std::string path = directory_.file(name);
    const Result<std::string> text = read_small_file(path, max_file_bytes);
    if (!text && text.error().kind == ErrorKind::missing_file)
        return std::map<std::string, std::string>();
    if (!text)
        return Error{ErrorKind::bad_config, path + ": cannot be read: " + text.error().text};
    std::map<std::string, std::string> out;
    std::string_view rest = text.value();
    for (unsigned number = 1; !rest.empty(); number++) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.empty() || line.front() == '#')
            continue;
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return Error{ErrorKind::bad_config, path + ":" + std::to_string(number) + ": not of the form name:hash"};
        out[std::string(line.substr(0, colon))] = line.substr(colon + 1);
    }
    return out;
}

Result<bool> Accounts::write_lines(const char* name, const std::map<std::string, std::string>& lines) {
    std::string text;
    for (const auto& [key, value] : lines)
        text.append(key).append(":").append(value).append("\n");
    return directory_.write(name, text);
}

Result<bool> Accounts::load() {
    const std::string path = directory_.file(accounts_file);
    const Stamp accounts_stamp = stamp(path), tokens_stamp = stamp(directory_.file(tokens_file));
    Result<Credentials> credentials = Credentials::load(path);
    if (!credentials && credentials.error().kind != ErrorKind::missing_file)
        return credentials.error();
    const auto tokens = read_lines(tokens_file);
    if (!tokens)
        return tokens.error();
    std::map<std::string, std::string, std::less<>> by_hash;
    for (const auto& [name, hash] : tokens.value()) {
        if (!is_hash(hash))
            return Error{ErrorKind::bad_config, directory_.file(tokens_file) + ": token \"" + name +
                                                    "\" has no SHA-256 hash; make tokens with `sluice token`"};
        by_hash[hash] = name;
    }
    credentials_ = std::make_shared<Credentials>(credentials ? std::move(credentials).value() : Credentials());
    tokens_ = std::move(by_hash);
    accounts_stamp_ = accounts_stamp;
    tokens_stamp_ = tokens_stamp;
    return true;
}

Accounts::Changes Accounts::refresh(std::string& error) {
    const Stamp accounts_now = stamp(directory_.file(accounts_file));
    const Stamp tokens_now = stamp(directory_.file(tokens_file));
    if (accounts_now == accounts_stamp_ && tokens_now == tokens_stamp_)
        return {};
    Changes out;
    out.accounts = !(accounts_now == accounts_stamp_);
    const auto before = credentials_;
    const auto tokens_before = tokens_;
    if (const Result<bool> loaded = load(); !loaded) {
        // Tried again the next time: it may have been a moment without descriptors.
        if (loaded.error().text != std::exchange(reported_, loaded.error().text))
            error = reported_;
        return {};
    }
    reported_.clear();
    out.revoked = credentials_->revoked_since(*before);
    for (const auto& [hash, name] : tokens_before)
        if (!tokens_.count(hash))
            out.revoked.push_back("token:" + name);
    return out;
}

Result<bool> Accounts::set_password(const std::string& user, std::string_view password) {
    if (password.size() < min_password_length || password.size() > max_password ||
        password.find('\0') != std::string_view::npos)
        return Error{ErrorKind::bad_config, "the password of " + user + " is not allowed: it must have 8 to 256 bytes"};
    auto lines = read_lines(accounts_file);
    if (!lines)
        return lines.error();
    const std::string hash = hash_password(password);
    if (hash.empty())
        return Error{ErrorKind::internal, "the password cannot be hashed: libcrypt has no yescrypt"};
    lines.value()[user] = hash;
    if (const Result<bool> written = write_lines(accounts_file, lines.value()); !written)
        return written.error();
    return load();
}

Result<std::string> Accounts::add_token(const std::string& name) {
    auto lines = read_lines(tokens_file);
    if (!lines)
        return lines.error();
    const std::string token = random_token();
    lines.value()[name] = sha256_hex(token);
    if (const Result<bool> written = write_lines(tokens_file, lines.value()); !written)
        return written.error();
    return token;
}

std::optional<std::string> Accounts::find_token(std::string_view token) const {
    const auto it = tokens_.find(sha256_hex(token));
    return it == tokens_.end() ? std::nullopt : std::optional("token:" + it->second);
}

} // namespace sluice
