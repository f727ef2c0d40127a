// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/claim_rights.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace sluice {

namespace {

constexpr size_t max_grants = 64;

std::string unescaped(std::string_view part) {
    std::string out;
    for (size_t i = 0; i < part.size(); i++) {
        const bool escape = part[i] == '~' && i + 1 < part.size();
        out += escape ? (part[++i] == '1' ? '/' : '~') : part[i];
    }
    return out;
}

// A name, or a pointer through objects.
const Json* find_claim(const Json& claims, const std::string& name) {
    if (name.empty() || name.front() != '/') {
        const auto it = claims.find(name);
        return it == claims.end() ? nullptr : &*it;
    }
    const Json* at = &claims;
    for (size_t begin = 1; at && begin <= name.size();) {
        const size_t end = std::min(name.find('/', begin), name.size());
        const auto it =
            at->is_object() ? at->find(unescaped(std::string_view(name).substr(begin, end - begin))) : at->end();
        at = it == at->end() ? nullptr : &*it;
        begin = end + 1;
    }
    return at;
}

// RFC 8693: the value of scope is words.
bool has_word(std::string_view words, const std::string& pattern) {
    for (size_t begin = 0; begin <= words.size();) {
        const size_t end = std::min(words.find(' ', begin), words.size());
        if (end > begin && matches_pattern(pattern, words.substr(begin, end - begin)))
            return true;
        begin = end + 1;
    }
    return false;
}

bool fits(const Json& claim, const ClaimRule& rule) {
    const auto is = [&](const Json& one) {
        return one.is_string() && matches_pattern(rule.value, one.get_ref<const std::string&>());
    };
    if (claim.is_array())
        return std::any_of(claim.begin(), claim.end(), is);
    if (claim.is_string() && (rule.claim == "scope" || rule.claim == "scp"))
        return has_word(claim.get_ref<const std::string&>(), rule.value);
    return is(claim);
}

std::optional<std::vector<Action>> actions_of(const Json& list) {
    std::vector<Action> out;
    if (!list.is_array() || list.empty() || list.size() > all_actions.size())
        return std::nullopt;
    for (const Json& word : list) {
        const auto action = word.is_string() ? parse_action(word.get_ref<const std::string&>()) : std::nullopt;
        if (!action)
            return std::nullopt;
        out.push_back(*action);
    }
    return out;
}

// [{"cameras": "front-*", "actions": ["view"]}]. Nothing: something else.
std::optional<std::vector<Grant>> grants_of(const Json& claim) {
    if (!claim.is_array() || claim.size() > max_grants)
        return std::nullopt;
    std::vector<Grant> out;
    for (const Json& one : claim) {
        if (!one.is_object() || one.size() != 2 || !one.contains("cameras") || !one.contains("actions"))
            return std::nullopt;
        const Json& cameras = one["cameras"];
        auto actions = actions_of(one["actions"]);
        if (!cameras.is_string() || cameras.get_ref<const std::string&>().empty() ||
            cameras.get_ref<const std::string&>().size() > max_pattern || !actions)
            return std::nullopt;
        out.push_back({std::move(*actions), cameras.get<std::string>()});
    }
    return out;
}

} // namespace

Result<Rights> rights_of(const Json& claims, const std::vector<ClaimRule>& rules) {
    std::vector<Grant> all;
    for (const ClaimRule& rule : rules) {
        const Json* claim = find_claim(claims, rule.claim);
        if (!claim)
            continue;
        if (rule.grants) {
            // Not "what can be understood of it": the issuer meant something else.
            auto grants = grants_of(*claim);
            if (!grants)
                return Error{ErrorKind::forbidden, "the token's claim " + rule.claim + " holds no grants"};
            all.insert(all.end(), grants->begin(), grants->end());
        } else if (fits(*claim, rule)) {
            Grant grant{{}, rule.cameras};
            for (const std::string& word : rule.actions)
                if (const auto action = parse_action(word))
                    grant.actions.push_back(*action);
            all.push_back(std::move(grant));
        }
    }
    if (all.empty())
        return Error{ErrorKind::forbidden, "the token gives no right here"};
    return Rights(std::move(all));
}

} // namespace sluice
