// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/account_files.hpp"

#include <glib.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <vector>

namespace sluice {

namespace {

struct Line {
    std::string place; // "FILE:3: "
    std::vector<std::string> fields;
};

// Without what was found: a field too many or too few, and it is a hash.
constexpr const char* bad_rights = "the rights are not as they should be; allowed: ACTION,ACTION@CAMERAS;... with the "
                                   "actions view, snapshot, playback, publish, operate, admin";

Error bad(const Line& line, const std::string& what) { return {ErrorKind::bad_config, line.place + what}; }

// Calls `take` for each line that says something, until it returns an error.
Result<bool> each_line(std::string_view text, const std::string& path,
                       const std::function<Result<bool>(const Line&)>& take) {
    for (unsigned number = 1; !text.empty(); number++) {
        std::string_view rest = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(rest.size() + 1, text.size()));
        if (!rest.empty() && rest.back() == '\r')
            rest.remove_suffix(1);
        if (rest.empty() || rest.front() == '#')
            continue;
        Line line{path + ":" + std::to_string(number) + ": ", {}};
        for (size_t at = 0; at <= rest.size();) {
            const size_t end = std::min(rest.find(':', at), rest.size());
            line.fields.emplace_back(rest.substr(at, end - at));
            at = end + 1;
        }
        if (line.fields.size() < 2 || line.fields[0].empty())
            return bad(line, "not of the form name:hash");
        if (const Result<bool> taken = take(line); !taken)
            return taken;
    }
    return true;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(),
                                            [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

Result<AccountList> parse_accounts(std::string_view text, const std::string& path) {
    AccountList out;
    const Result<bool> read = each_line(text, path, [&](const Line& line) -> Result<bool> {
        if (line.fields.size() > 3)
            return bad(line, "not of the form name:hash:rights");
        const std::string& name = line.fields[0];
        if (const auto known = Credentials::parse(name + ":" + line.fields[1], ""); !known)
            return bad(
                line, known.error().text.substr(std::min(known.error().text.find(' ') + 1, known.error().text.size())));
        Account account{line.fields[1], Rights::watching()};
        if (line.fields.size() == 3) {
            Result<Rights> rights = parse_rights(line.fields[2]);
            if (!rights)
                return bad(line, bad_rights);
            account.rights = std::move(rights).value();
        }
        if (name == first_account)
            account.rights = Rights::everything();
        if (!out.emplace(name, std::move(account)).second)
            return bad(line, "the account is there twice");
        return true;
    });
    return read ? Result<AccountList>(std::move(out)) : Result<AccountList>(read.error());
}

Result<TokenList> parse_tokens(std::string_view text, const std::string& path) {
    TokenList out;
    const Result<bool> read = each_line(text, path, [&](const Line& line) -> Result<bool> {
        const auto& f = line.fields;
        if (f.size() != 2 && f.size() != 4)
            return bad(line, "not of the form name:hash:expires:rights");
        Token token{f[1], 0, Rights::watching()};
        if (!is_sha256(token.hash))
            return bad(line, "token \"" + f[0] + "\" has no SHA-256 hash; make tokens with `sluice token create`");
        if (f.size() == 4) {
            const char* end = f[2].data() + f[2].size();
            const auto number = std::from_chars(f[2].data(), end, token.expires);
            if (number.ec != std::errc() || number.ptr != end || token.expires < 0)
                return bad(line, "the time at which the token expires is no unix time");
            Result<Rights> rights = parse_rights(f[3]);
            if (!rights)
                return bad(line, bad_rights);
            token.rights = std::move(rights).value();
        }
        if (!out.emplace(f[0], std::move(token)).second)
            return bad(line, "the token is there twice");
        return true;
    });
    return read ? Result<TokenList>(std::move(out)) : Result<TokenList>(read.error());
}

std::string to_text(const AccountList& accounts) {
    std::string out;
    for (const auto& [name, account] : accounts)
        out += name + ":" + account.hash + ":" + to_string(account.rights) + "\n";
    return out;
}

std::string to_text(const TokenList& tokens) {
    std::string out;
    for (const auto& [name, token] : tokens)
        out += name + ":" + token.hash + ":" + std::to_string(token.expires) + ":" + to_string(token.rights) + "\n";
    return out;
}

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && name.front() != '#' && name.front() != ' ' && name.back() != ' ' &&
           g_utf8_validate(name.data(), static_cast<gssize>(name.size()), nullptr) &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace sluice
