// SPDX-License-Identifier: LGPL-2.1-or-later
// What somebody may do with which cameras. Pure.
#pragma once

#include "plugins/core/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// view: live pictures and sound. snapshot: single pictures. playback: recordings. publish: send media to a camera's name.
// operate: change cameras, see and close their viewers. admin: all of these, and accounts.
enum class Action : uint8_t { view, snapshot, playback, publish, operate, admin };

inline constexpr std::array all_actions{Action::view,    Action::snapshot, Action::playback,
                                        Action::publish, Action::operate,  Action::admin};

std::string_view to_string(Action action);
std::optional<Action> parse_action(std::string_view word);

// '*' stands for any characters, also none; '?' for one.
bool matches_pattern(std::string_view pattern, std::string_view name);

struct Grant {
    std::vector<Action> actions;
    std::string cameras; // a pattern
    bool operator==(const Grant&) const = default;
};

class Rights {
public:
    Rights() = default; // none
    explicit Rights(std::vector<Grant> grants) : grants_(std::move(grants)) {}
    static Rights everything() { return Rights({{{Action::admin}, "*"}}); }
    // What an account or a token has for which nothing else was said: looks, changes nothing.
    static Rights watching() { return Rights({{{Action::view, Action::snapshot, Action::playback}, "*"}}); }

    bool allows(Action action, std::string_view camera) const;
    // With all cameras, also those to come: what concerns the server as a whole asks for this.
    bool allows_everywhere(Action action) const;
    bool sees(std::string_view camera) const; // may do anything with it: it may be in a list
    // Certainly allows all that `other` does. What only a comparison of patterns could tell counts as "no".
    bool covers(const Rights& other) const;
    bool empty() const { return grants_.empty(); }
    const std::vector<Grant>& grants() const { return grants_; }
    bool operator==(const Rights&) const = default;

private:
    std::vector<Grant> grants_;
};

// As it stands in files: "view,snapshot@front-*;operate@yard".
std::string to_string(const Rights& rights);
// Error (bad_config): what was found and what is allowed.
Result<Rights> parse_rights(std::string_view text);
// All these actions on all these cameras. Error (usage).
Result<Rights> make_rights(const std::vector<std::string>& actions, const std::vector<std::string>& cameras);

} // namespace sluice
