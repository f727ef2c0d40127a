// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/rights.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr std::string_view names[] = {"view", "snapshot", "playback", "publish", "operate", "admin"};

bool holds(const Grant& grant, Action action) {
    return std::any_of(grant.actions.begin(), grant.actions.end(),
                       [&](Action granted) { return granted == action || granted == Action::admin; });
}

constexpr size_t max_pattern = 64, max_grants = 64;

bool is_pattern(std::string_view text) {
    return !text.empty() && text.size() <= max_pattern && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-*?").find(c) != std::string_view::npos;
    });
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find(separator, at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

std::string allowed_actions() {
    std::string out;
    for (const std::string_view name : names)
        out.append(out.empty() ? "" : ", ").append(name);
    return out;
}

// What was typed may be anything: shown only so far as it is plain.
std::string shown(const std::string& text) {
    std::string out = "\"";
    for (const char c : text.substr(0, max_pattern))
        out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '"' ? '?' : c;
    return out + "\"";
}

Result<Grant> make_grant(const std::vector<std::string>& actions, const std::string& cameras) {
    Grant grant{{}, cameras};
    for (const std::string& word : actions) {
        const auto action = parse_action(word);
        if (!action)
            return Error{ErrorKind::bad_config, "found the action " + shown(word) + ", allowed: " + allowed_actions()};
        if (std::find(grant.actions.begin(), grant.actions.end(), *action) == grant.actions.end())
            grant.actions.push_back(*action);
    }
    if (!is_pattern(cameras))
        return Error{ErrorKind::bad_config,
                     "found the cameras " + shown(cameras) +
                         ", allowed: a name, in which * stands for any characters and ? for one"};
    return grant;
}

} // namespace

std::string_view to_string(Action action) { return names[static_cast<size_t>(action)]; }

std::optional<Action> parse_action(std::string_view word) {
    for (const Action action : all_actions)
        if (to_string(action) == word)
            return action;
    return std::nullopt;
}

// Goes back to the last star only: no pattern costs more than its length times the name's.
bool matches_pattern(std::string_view pattern, std::string_view name) {
    size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
    while (n < name.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == name[n] && pattern[p] != '*'))) {
            p++, n++;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        p++;
    return p == pattern.size();
}

bool Rights::allows(Action action, std::string_view camera) const {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
        return holds(grant, action) && matches_pattern(grant.cameras, camera);
    });
}

bool Rights::allows_everywhere(Action action) const {
    return std::any_of(grants_.begin(), grants_.end(),
                       [&](const Grant& grant) { return grant.cameras == "*" && holds(grant, action); });
}

bool Rights::sees(std::string_view camera) const {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
        return !grant.actions.empty() && matches_pattern(grant.cameras, camera);
    });
}

bool Rights::covers(const Rights& other) const {
    return std::all_of(other.grants_.begin(), other.grants_.end(), [&](const Grant& theirs) {
        return std::all_of(theirs.actions.begin(), theirs.actions.end(), [&](Action action) {
            return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& mine) {
                return (mine.cameras == "*" || mine.cameras == theirs.cameras) && holds(mine, action);
            });
        });
    });
}

std::string to_string(const Rights& rights) {
    std::string out;
    for (const Grant& grant : rights.grants()) {
        std::string actions;
        for (const Action action : grant.actions)
            actions.append(actions.empty() ? "" : ",").append(to_string(action));
        out.append(out.empty() ? "" : ";").append(actions).append("@").append(grant.cameras);
    }
    return out;
}

Result<Rights> parse_rights(std::string_view text) {
    std::vector<Grant> grants;
    for (const std::string& part : split(text, ';')) {
        const size_t at = part.find('@');
        if (at == std::string::npos)
            return Error{ErrorKind::bad_config, "found the rights " + shown(part) + ", allowed: ACTION,ACTION@CAMERAS"};
        Result<Grant> grant = make_grant(split(std::string_view(part).substr(0, at), ','), part.substr(at + 1));
        if (!grant)
            return grant.error();
        grants.push_back(std::move(grant).value());
        if (grants.size() > max_grants)
            return Error{ErrorKind::bad_config, "more than " + std::to_string(max_grants) + " grants"};
    }
    return Rights(std::move(grants));
}

Result<Rights> make_rights(const std::vector<std::string>& actions, const std::vector<std::string>& cameras) {
    std::vector<Grant> grants;
    for (const std::string& pattern : cameras) {
        Result<Grant> grant = make_grant(actions, pattern);
        if (!grant)
            return Error{ErrorKind::usage, grant.error().text};
        grants.push_back(std::move(grant).value());
    }
    if (grants.empty() || actions.empty() || grants.size() > max_grants)
        return Error{ErrorKind::usage, "allowed: 1 to " + std::to_string(max_grants) + " cameras, at least one action"};
    return Rights(std::move(grants));
}

} // namespace sluice
