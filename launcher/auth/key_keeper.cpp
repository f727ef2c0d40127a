// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/key_keeper.hpp"

#include <algorithm>

namespace sluice {

void KeyKeeper::tick() {
    if (!asking_ && (!next_ || now_() >= *next_))
        begin();
}

const JwkSet* KeyKeeper::keys() const { return keys_ && now_() - heard_ < times_.trust ? &*keys_ : nullptr; }

bool KeyKeeper::look_again(std::function<void()> done) {
    if (waiting_.size() >= times_.max_waiting)
        return false;
    if (!asking_ && began_ && now_() - *began_ < times_.between)
        return false;
    waiting_.push_back(std::move(done));
    if (!asking_)
        begin();
    return true;
}

void KeyKeeper::begin() {
    asking_ = true;
    began_ = now_();
    fetch_([this, alive = std::weak_ptr(alive_)](const Answer& answer) {
        if (!alive.expired())
            settle(answer);
    });
}

void KeyKeeper::settle(const Answer& answer) {
    asking_ = false;
    const Time now = now_();
    std::string problem;
    std::vector<std::string> ignored;
    if (!answer) {
        problem = answer.error().text;
    } else {
        if (answer.value()) {
            Result<JwkSet> set = JwkSet::parse(*answer.value(), ignored);
            content_problem_ = set ? "" : set.error().text;
            if (set)
                keys_ = std::move(set).value();
        }
        problem = content_problem_; // a text that was no good and has not changed is no better now
    }
    if (problem.empty()) {
        heard_ = now;
        retry_ = std::chrono::seconds(0);
        next_ = now + times_.refresh;
    } else {
        retry_ = std::clamp(retry_ * 2, times_.retry, times_.longest_retry);
        next_ = now + retry_;
    }
    if (problem != problem_) {
        if (problem.empty())
            log_("the keys are there again");
        else
            log_(problem + (keys() ? "; the keys stay as they were" : "; tokens are refused until there are keys"));
    }
    if (problem.empty())
        for (const std::string& line : ignored)
            log_("a key is not used: " + line);
    problem_ = problem;
    // They may wait again, or end this.
    for (const auto& done : std::exchange(waiting_, {}))
        done();
}

} // namespace sluice
