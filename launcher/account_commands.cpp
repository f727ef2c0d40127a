// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/account_commands.hpp"

#include "launcher/auth/accounts.hpp"
#include "launcher/config/config_parser.hpp"
#include "launcher/config/secret.hpp"
#include "launcher/log.hpp"

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iostream>

namespace sluice {

namespace {

using Verb = AccountVerb;

Result<Secret> new_password(const Options& options) {
    if (options.password_file) {
        Result<Secret> read = secret_from_file(SecretSource::real(), *options.password_file);
        if (!read)
            return Error{read.error().kind, *options.password_file + ": " + read.error().text};
        return read;
    }
    const bool terminal = isatty(STDIN_FILENO);
    char* typed = terminal ? getpass("New password: ") : nullptr;
    std::string line = typed ? typed : "";
    if (!terminal && !std::getline(std::cin, line))
        return Error{ErrorKind::usage, "no password on standard input"};
    if (terminal && line != getpass("Once more: "))
        return Error{ErrorKind::usage, "the two are not the same; nothing is changed"};
    return Secret(line);
}

// "view, snapshot on front-*; operate on yard"
std::string in_words(const Rights& rights) {
    std::string out;
    for (const Grant& grant : rights.grants()) {
        std::string actions;
        for (const Action action : grant.actions)
            actions.append(actions.empty() ? "" : ", ").append(to_string(action));
        out += (out.empty() ? "" : "; ") + actions + " on " + grant.cameras;
    }
    return out;
}

std::string end_of(const Token& token, int64_t now) {
    if (token.expires == 0)
        return "never ends";
    char text[32];
    const time_t at = token.expires;
    tm utc{};
    gmtime_r(&at, &utc);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return (token.expired(now) ? "ended " : "ends ") + std::string(text);
}

template <typename List, typename Text> int print_list(const List& list, const Text& text) {
    size_t width = 0;
    for (const auto& entry : list)
        width = std::max(width, entry.first.size());
    for (const auto& [name, entry] : list)
        std::printf("%-*s  %s\n", static_cast<int>(width), name.c_str(), text(entry).c_str());
    return 0;
}

// Files from elsewhere may hold names that we would not give: they can be removed, but not made.
Result<bool> check_name(const AccountOptions& o) {
    if (o.verb == Verb::create_token && !o.name.empty() && !is_config_name(o.name))
        return Error{ErrorKind::usage, std::string("the name of a token is ") + config_name_allowed};
    if ((o.verb == Verb::add || o.verb == Verb::set_password) && !is_account_name(o.name))
        return Error{ErrorKind::usage, std::string("the name of an account: allowed: ") + account_name_allowed};
    return true;
}

int set_password(Accounts& accounts, const Options& options, std::optional<Rights> rights) {
    const std::string& name = options.account.name;
    if (rights && name == first_account)
        return fail({ErrorKind::usage, "the account admin has all rights, always"});
    const Result<Secret> password = new_password(options);
    if (!password)
        return fail(password.error());
    if (const Result<bool> set = accounts.set_password(name, password->reveal(), std::move(rights)); !set)
        return fail(set.error());
    std::printf("the password of %s is set\n", name.c_str());
    return 0;
}

int create_token(Accounts& accounts, const AccountOptions& o, const std::optional<Rights>& rights, int64_t lifetime) {
    std::string name = o.name;
    while (name.empty() || (o.name.empty() && accounts.tokens().count(name)))
        name = "token-" + std::to_string(g_random_int_range(100000, 1000000));
    const int64_t expires = lifetime ? std::time(nullptr) + lifetime : 0;
    const Token token{{}, expires, rights.value_or(Rights::watching())};
    const Result<std::string> made = accounts.add_token(name, token.rights, token.expires);
    if (!made)
        return fail(made.error());
    // Standard output has the token alone, for scripts.
    std::fprintf(stderr, "%s: %s, %s; it is shown only now\n", name.c_str(), in_words(token.rights).c_str(),
                 end_of(token, std::time(nullptr)).c_str());
    std::printf("%s\n", made.value().c_str());
    return 0;
}

int done(const Result<bool>& result, const std::string& text) {
    if (!result)
        return fail(result.error());
    std::printf("%s\n", text.c_str());
    return 0;
}

} // namespace

int account_command(const Options& options) {
    const AccountOptions& o = options.account;
    const Result<std::optional<Rights>> rights = rights_of(o);
    if (!rights)
        return fail(rights.error());
    if (const Result<bool> named = check_name(o); !named)
        return fail(named.error());
    const Result<int64_t> lifetime = parse_lifetime(o.expires.value_or("never"));
    if (!lifetime)
        return fail(lifetime.error());
    const auto path = options.state ? options.state : StateDirectory::default_path();
    if (!path)
        return fail({ErrorKind::bad_config, "no state directory: give one with --state"});
    const Result<StateDirectory> state = StateDirectory::open(*path, false); // beside a launcher that is running
    if (!state)
        return fail(state.error());
    Accounts accounts(state.value());
    if (const Result<bool> loaded = accounts.load(); !loaded)
        return fail(loaded.error());
    for (const std::string& warning : accounts.warnings())
        std::fprintf(stderr, "sluice: %s\n", warning.c_str());
    const int64_t now = std::time(nullptr);
    switch (o.verb) {
    case Verb::set_password:
    case Verb::add: return set_password(accounts, options, rights.value());
    case Verb::rights:
        return done(accounts.set_rights(o.name, *rights.value(), o.also), "the rights of " + o.name + " are set");
    case Verb::remove: return done(accounts.remove_account(o.name), "the account " + o.name + " is removed");
    case Verb::list: return print_list(accounts.accounts(), [](const Account& a) { return in_words(a.rights); });
    case Verb::create_token: return create_token(accounts, o, rights.value(), lifetime.value());
    case Verb::revoke_token: return done(accounts.revoke_token(o.name), "the token " + o.name + " is revoked");
    case Verb::list_tokens:
        return print_list(accounts.tokens(),
                          [&](const Token& t) { return in_words(t.rights) + ", " + end_of(t, now); });
    }
    return 0;
}

} // namespace sluice
