// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/accounts.hpp"

#include "launcher/auth/session_store.hpp"
#include "launcher/config/secret.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace sluice {

namespace {

constexpr const char* accounts_file = "accounts";
constexpr const char* tokens_file = "tokens";
constexpr size_t max_password = 256; // more makes hashing slow without making it safer
constexpr std::chrono::seconds lock_deadline{10};
constexpr int64_t keep_expired_seconds = 7 * 24 * 3600; // so long `token list` shows that it has expired

std::string octal(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
    return text;
}

Error no_account(const std::string& user) { return {ErrorKind::not_found, "there is no account \"" + user + "\""}; }

Rights with(const Rights& before, const Rights& more) {
    std::vector<Grant> grants = before.grants();
    for (const Grant& grant : more.grants())
        if (std::find(grants.begin(), grants.end(), grant) == grants.end())
            grants.push_back(grant);
    return Rights(std::move(grants));
}

// What the difference of two lists means for those who came in by the older one.
template <typename List>
void compare(const List& before, const List& now, const std::string& prefix, Accounts::Changes& out) {
    for (const auto& [name, old] : before) {
        const auto it = now.find(name);
        if (it == now.end() || it->second.hash != old.hash || !it->second.rights.covers(old.rights))
            out.revoked.push_back(prefix + name);
        else if (it->second.rights != old.rights)
            out.widened.push_back(prefix + name);
    }
    for (const auto& [name, entry] : now)
        if (before.find(name) == before.end())
            out.added.push_back(prefix + name);
}

} // namespace

Result<std::string> Accounts::read(const char* name, std::vector<std::string>& warnings) const {
    const std::string path = directory_.file(name);
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) // it would look empty: as before the first start
        return Error{ErrorKind::bad_config, path + ": cannot be read: it is no regular file"};
    if (info.st_mode & 022)
        return Error{ErrorKind::bad_config,
                     path + ": found the mode " + octal(info.st_mode) +
                         ": others may write to it, so it is not trusted; allowed: 0600 (chmod 600 " + path + ")"};
    if (info.st_mode & 044)
        warnings.push_back(path + ": found the mode " + octal(info.st_mode) +
                           ": others may read the hashes in it; better: chmod 600 " + path);
    Result<std::string> text = read_small_file(path, max_accounts_bytes);
    if (!text && text.error().kind == ErrorKind::missing_file)
        return std::string();
    if (!text)
        return Error{ErrorKind::bad_config, path + ": cannot be read: " + text.error().text};
    return text;
}

Result<bool> Accounts::write(const char* name, const std::string& text) const {
    if (text.size() > max_accounts_bytes)
        return Error{ErrorKind::bad_config, directory_.file(name) + ": would be larger than 1 MiB, the most it may be; "
                                                                    "remove what is not used any more"};
    return directory_.write(name, text);
}

Result<bool> Accounts::load() {
    const FileStamp accounts_stamp = FileStamp::of(directory_.file(accounts_file)),
                    tokens_stamp = FileStamp::of(directory_.file(tokens_file));
    std::vector<std::string> warnings;
    const auto accounts_text = read(accounts_file, warnings);
    if (!accounts_text)
        return accounts_text.error();
    const auto tokens_text = read(tokens_file, warnings);
    if (!tokens_text)
        return tokens_text.error();
    auto accounts = parse_accounts(accounts_text.value(), directory_.file(accounts_file));
    if (!accounts)
        return accounts.error();
    auto tokens = parse_tokens(tokens_text.value(), directory_.file(tokens_file));
    if (!tokens)
        return tokens.error();
    std::string lines;
    for (const auto& [name, account] : accounts.value())
        lines += name + ":" + account.hash + "\n";
    Result<Credentials> credentials = Credentials::parse(lines, directory_.file(accounts_file));
    if (!credentials)
        return credentials.error();
    credentials_ = std::make_shared<Credentials>(std::move(credentials).value());
    accounts_ = std::move(accounts).value();
    tokens_ = std::move(tokens).value();
    by_hash_.clear();
    for (const auto& [name, token] : tokens_)
        by_hash_[token.hash] = name;
    warnings_ = std::move(warnings);
    accounts_stamp_ = accounts_stamp;
    tokens_stamp_ = tokens_stamp;
    return true;
}

Accounts::Changes Accounts::refresh(std::string& error) {
    const FileStamp accounts_now = FileStamp::of(directory_.file(accounts_file));
    const FileStamp tokens_now = FileStamp::of(directory_.file(tokens_file));
    if (accounts_now == accounts_stamp_ && tokens_now == tokens_stamp_)
        return {};
    const AccountList accounts_before = accounts_;
    const TokenList tokens_before = tokens_;
    if (const Result<bool> loaded = load(); !loaded) {
        // Tried again the next time: it may have been a moment without descriptors.
        if (loaded.error().text != std::exchange(reported_, loaded.error().text))
            error = reported_;
        return {};
    }
    reported_.clear();
    Changes out;
    out.accounts = accounts_before != accounts_;
    compare(accounts_before, accounts_, "", out);
    compare(tokens_before, tokens_, "token:", out);
    // Who came in before has an end written down that is too late now.
    for (const auto& [name, old] : tokens_before)
        if (const auto it = tokens_.find(name);
            it != tokens_.end() && it->second.expires != 0 && (old.expires == 0 || it->second.expires < old.expires) &&
            std::find(out.revoked.begin(), out.revoked.end(), "token:" + name) == out.revoked.end())
            out.revoked.push_back("token:" + name);
    return out;
}

// Read again, changed and written under the lock.
template <typename List>
Result<bool> Accounts::change_file(const char* name, Parse<List> parse, const Change<List>& change) {
    const Result<FileLock> lock = directory_.lock_accounts(lock_deadline);
    if (!lock)
        return lock.error();
    std::vector<std::string> ignored;
    const auto text = read(name, ignored);
    if (!text)
        return text.error();
    auto list = parse(text.value(), directory_.file(name));
    if (!list)
        return list.error();
    if (const Result<bool> changed = change(list.value()); !changed)
        return changed;
    return write(name, to_text(list.value()));
}

Result<bool> Accounts::change_accounts(const Change<AccountList>& change) {
    const Result<bool> changed = change_file<AccountList>(accounts_file, parse_accounts, change);
    return changed ? load() : changed;
}

Result<bool> Accounts::change_tokens(const Change<TokenList>& change) {
    return change_file<TokenList>(tokens_file, parse_tokens, [&](TokenList& list) {
        const int64_t now = std::time(nullptr);
        std::erase_if(list, [&](const auto& entry) { return entry.second.expired(now - keep_expired_seconds); });
        return change(list);
    });
}

Result<bool> Accounts::set_password(const std::string& user, std::string_view password, std::optional<Rights> rights) {
    if (password.size() < min_password_length || password.size() > max_password ||
        password.find('\0') != std::string_view::npos)
        return Error{ErrorKind::bad_config, "the password of " + user + " is not allowed: it must have 8 to 256 bytes"};
    // Outside of the lock: it is slow.
    const std::string hash = hash_password(password);
    if (hash.empty())
        return Error{ErrorKind::internal, "the password cannot be hashed: libcrypt has no yescrypt"};
    return change_accounts([&](AccountList& list) -> Result<bool> {
        const auto it = list.try_emplace(user, Account{{}, Rights::watching()}).first;
        it->second.hash = hash;
        if (rights)
            it->second.rights = *rights;
        if (user == first_account)
            it->second.rights = Rights::everything();
        return true;
    });
}

Result<bool> Accounts::set_rights(const std::string& user, const Rights& rights, bool add) {
    return change_accounts([&](AccountList& list) -> Result<bool> {
        const auto it = list.find(user);
        if (it == list.end())
            return no_account(user);
        if (user == first_account)
            return Error{ErrorKind::bad_config, "the account admin has all rights, always"};
        it->second.rights = add ? with(it->second.rights, rights) : rights;
        return true;
    });
}

Result<bool> Accounts::remove_account(const std::string& user) {
    if (user == first_account)
        return Error{ErrorKind::bad_config,
                     "the account admin cannot be removed; `sluice passwd` changes its password"};
    return change_accounts(
        [&](AccountList& list) { return list.erase(user) ? Result<bool>(true) : Result<bool>(no_account(user)); });
}

Result<std::string> Accounts::add_token(const std::string& name, const Rights& rights, int64_t expires) {
    const std::string token = random_token();
    const Result<bool> changed = change_tokens([&](TokenList& list) {
        list[name] = {sha256_hex(token), expires, rights};
        return Result<bool>(true);
    });
    return changed ? Result<std::string>(token) : Result<std::string>(changed.error());
}

Result<bool> Accounts::revoke_token(const std::string& name) {
    return change_tokens([&](TokenList& list) {
        return list.erase(name) ? Result<bool>(true)
                                : Result<bool>(Error{ErrorKind::not_found, "there is no token \"" + name + "\""});
    });
}

std::optional<Accounts::Found> Accounts::find_token(std::string_view token, int64_t unix_now) const {
    // Looked up by hash: how long that takes says nothing about tokens.
    const auto name = by_hash_.find(sha256_hex(token));
    if (name == by_hash_.end())
        return std::nullopt;
    const Token& found = tokens_.at(name->second);
    return Found{"token:" + name->second, found.rights, found.expires, found.expired(unix_now)};
}

std::optional<Rights> Accounts::rights_of(const std::string& principal) const {
    if (const auto it = accounts_.find(principal); it != accounts_.end())
        return it->second.rights;
    constexpr std::string_view prefix = "token:";
    if (principal.rfind(prefix, 0) == 0)
        if (const auto it = tokens_.find(std::string_view(principal).substr(prefix.size())); it != tokens_.end())
            return it->second.rights;
    return std::nullopt;
}

} // namespace sluice
