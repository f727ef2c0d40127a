// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_room.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

struct TranscodeRoom::State : std::enable_shared_from_this<State> {
    State(const Limits& l, WorkerLoad w, Later la) : limits(l), load(std::move(w)), later(std::move(la)) {}
    const Limits limits;
    WorkerLoad load;
    const Later later;
    unsigned running = 0;
    std::map<uint64_t, std::function<void()>> waiting; // by the order in which they came
    uint64_t numbers = 0;
    bool telling = false; // tell() will come
    bool calling = false; // who is called

    // Empty: there is room for one more.
    std::string full() const;
    void tell_later();
    void tell();
};

std::string TranscodeRoom::State::full() const {
    if (running >= limits.at_once)
        return "all " + std::to_string(limits.at_once) + " transcodes that may run at once are running";
    const double used = load.all(), more = load.one_more();
    if (used + more <= limits.cpu_percent)
        return "";
    const auto percent = [](double value) { return std::to_string(std::lround(value)) + " %"; };
    return "transcodes use " + percent(used) + " of the machine and one more takes about " + percent(more) +
           ", allowed are " + std::to_string(limits.cpu_percent) + " %";
}

// Not at once: who gives back is in the middle of something.
void TranscodeRoom::State::tell_later() {
    if (waiting.empty() || std::exchange(telling, true))
        return;
    later([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->telling = false;
            self->tell();
        }
    });
}

// As many as there is room for, if each takes it; of what they use nobody knows yet, so that is one.
void TranscodeRoom::State::tell() {
    if (!full().empty())
        return;
    const size_t most = load.one_more() > 0 ? 1 : limits.at_once - running;
    std::vector<uint64_t> called;
    for (const auto& [number, call] : waiting)
        if (called.size() < most)
            called.push_back(number);
    calling = true;
    for (const uint64_t number : called)
        if (auto found = waiting.extract(number))
            found.mapped()(); // waits anew if it wants to
    calling = false;
}

TranscodeRoom::TranscodeRoom(const Limits& limits, WorkerLoad load, Later later)
    : state_(std::make_shared<State>(limits, std::move(load), std::move(later))) {}

TranscodeRoom::Permit::Permit(std::shared_ptr<State> state) : state_(std::move(state)) { ++state_->running; }

TranscodeRoom::Permit::~Permit() {
    --state_->running;
    if (pid_)
        state_->load.remove(pid_);
    state_->tell_later();
}

void TranscodeRoom::Permit::runs(pid_t pid, Time now) {
    pid_ = pid;
    state_->load.add(pid, now);
}

void TranscodeRoom::Permit::look(Time now) {
    state_->load.look(now);
    state_->tell_later();
}

Result<std::unique_ptr<TranscodeRoom::Permit>> TranscodeRoom::request(Time now) {
    state_->load.look(now);
    if (std::string why = state_->full(); !why.empty())
        return Error{ErrorKind::too_many, std::move(why)};
    return std::make_unique<Permit>(state_);
}

std::unique_ptr<TranscodeRoom::Waiting> TranscodeRoom::wait(std::function<void()> room) {
    const uint64_t number = state_->numbers++;
    state_->waiting.emplace(number, std::move(room));
    if (!state_->calling && state_->full().empty()) // one has ended since it was refused, and told nobody
        state_->tell_later();
    return std::make_unique<Waiting>(state_, number);
}

TranscodeRoom::Waiting::~Waiting() {
    if (const auto state = state_.lock())
        state->waiting.erase(number_);
}

} // namespace sluice
