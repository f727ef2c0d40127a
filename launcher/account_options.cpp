// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/account_options.hpp"

#include "launcher/config/url.hpp"

#include <algorithm>
#include <charconv>

namespace sluice {

const char* const passwd_help =
    "  sluice passwd [NAME]           sets the password (of admin), makes the account if there is none\n"
    "  sluice passwd add NAME         the same, with the rights of --camera and --action\n"
    "  sluice passwd rights NAME      changes rights only; --also adds to those that there are\n"
    "  sluice passwd remove NAME      its sessions and viewers end within seconds\n"
    "  sluice passwd list             names and rights\n\n"
    "Passwords are read from --password-file, or from standard input. A launcher that is running takes changes over\n"
    "within seconds; who used the old password, or has fewer rights now, has to log in again. Without --camera and\n"
    "--action a new account watches all cameras and changes nothing. admin has all rights and cannot be removed.";

const char* const token_help =
    "  sluice token create [NAME]     prints a new token, this once; an older one of that name ends\n"
    "  sluice token revoke NAME       it opens nothing any more, its viewers end within seconds\n"
    "  sluice token list              names, rights and ends\n\n"
    "A tool sends it as `Authorization: Bearer TOKEN`. Example:\n"
    "  sluice token create kiosk --camera 'front-*' --action view --expires 8h";

namespace {

Error usage(const std::string& text) { return {ErrorKind::usage, text}; }

// Of repeated options that may be lists themselves.
std::vector<std::string> flat(const std::vector<std::string>& options) {
    std::vector<std::string> out;
    for (std::string_view rest : options)
        while (true) {
            const size_t end = std::min(rest.find(','), rest.size());
            if (const std::string word(rest.substr(0, end)); std::find(out.begin(), out.end(), word) == out.end())
                out.push_back(word);
            if (end == rest.size())
                break;
            rest.remove_prefix(end + 1);
        }
    return out;
}

struct Verb {
    const char* word;
    AccountVerb verb;
    bool token, needs_name;
};
constexpr Verb verbs[] = {
    {"add", AccountVerb::add, false, true},
    {"rights", AccountVerb::rights, false, true},
    {"remove", AccountVerb::remove, false, true},
    {"list", AccountVerb::list, false, false},
    {"create", AccountVerb::create_token, true, false},
    {"revoke", AccountVerb::revoke_token, true, true},
    {"list", AccountVerb::list_tokens, true, false},
};

Result<bool> only_where_it_counts(const AccountOptions& o) {
    const bool sets_rights =
        o.verb == AccountVerb::add || o.verb == AccountVerb::rights || o.verb == AccountVerb::create_token;
    if (!sets_rights && (!o.cameras.empty() || !o.actions.empty()))
        return usage("--camera and --action go with `passwd add`, `passwd rights` and `token create`");
    if (o.verb == AccountVerb::rights && o.cameras.empty() && o.actions.empty())
        return usage("`passwd rights` needs --camera, --action, or both");
    if (o.also && o.verb != AccountVerb::rights)
        return usage("--also goes with `passwd rights`");
    if (o.expires && o.verb != AccountVerb::create_token)
        return usage("--expires goes with `token create`");
    return true;
}

} // namespace

Result<bool> take_account_words(AccountOptions& options, bool token, const std::vector<std::string>& words) {
    const std::string command = token ? "token" : "passwd";
    const auto verb = std::find_if(std::begin(verbs), std::end(verbs), [&](const Verb& v) {
        return v.token == token && !words.empty() && words[0] == v.word;
    });
    const bool found = verb != std::end(verbs);
    const std::vector<std::string> names(words.begin() + found, words.end());
    options.verb = found ? verb->verb : token ? AccountVerb::create_token : AccountVerb::set_password;
    const bool list = options.verb == AccountVerb::list || options.verb == AccountVerb::list_tokens;
    const std::string allowed =
        "; usage: sluice " + command + (token ? " [create|revoke|list] [NAME]" : " [add|rights|remove|list] [NAME]");
    if (names.size() > (list ? 0 : 1))
        return usage("too many arguments" + allowed);
    if (names.empty() && ((found && verb->needs_name) || (token && !found)))
        return usage("an argument is missing" + allowed);
    options.name = names.empty() ? (options.verb == AccountVerb::set_password ? "admin" : "") : names[0];
    return only_where_it_counts(options);
}

Result<std::optional<Rights>> rights_of(const AccountOptions& options) {
    if (options.cameras.empty() && options.actions.empty())
        return std::optional<Rights>();
    std::vector<std::string> cameras = flat(options.cameras), actions = flat(options.actions);
    if (cameras.empty())
        cameras = {"*"};
    const Rights watching = Rights::watching();
    if (actions.empty())
        for (const Action action : watching.grants().front().actions)
            actions.emplace_back(to_string(action));
    Result<Rights> rights = make_rights(actions, cameras);
    if (!rights)
        return rights.error();
    return std::optional(std::move(rights).value());
}

Result<int64_t> parse_lifetime(std::string_view text) {
    constexpr int64_t longest = int64_t(10) * 366 * 24 * 3600;
    if (text == "never")
        return int64_t(0);
    int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    const std::string_view unit(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
    const int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 24 * 3600 : 0;
    if (parsed.ec != std::errc() || seconds == 0 || number < 1 || number > longest / seconds)
        return usage("--expires: found " + quote_for_message(std::string(text)) +
                     ", allowed: a number with s, m, h or d (90s, 30m, 8h, 7d; at most ten years), or never");
    return number * seconds;
}

} // namespace sluice
