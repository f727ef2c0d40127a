// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/stream_chooser.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice {

namespace {

constexpr size_t none = SIZE_MAX;
constexpr GstClockTime fresh = 5 * GST_SECOND; // what was shown longer ago is history
// A burst needs so much more than the stream at least, in halves of its rate.
constexpr uint64_t room_for_burst = 5;
constexpr GstClockTime soon = 300 * GST_MSECOND;
constexpr GstClockTime very_soon = 100 * GST_MSECOND;
constexpr GstClockTime settles = GST_SECOND; // a machine that was busy with a viewer's first moments

std::string rate_text(uint64_t bitrate) {
    char text[32];
    if (bitrate < 95'000)
        std::snprintf(text, sizeof text, "%.0f kbit/s", static_cast<double>(bitrate) / 1e3);
    else
        std::snprintf(text, sizeof text, "%.1f Mbit/s", static_cast<double>(bitrate) / 1e6);
    return text;
}

} // namespace

// Streams are named by their place in the list, best first.
struct StreamChooser::View {
    const std::vector<Stream>& streams;
    const PathState& path;
    const GstClockTime sender_queue, now;
    size_t current = none;

    bool playable(size_t i) const { return i < streams.size() && streams[i].playable; }
    uint64_t rate(size_t i) const { return streams[i].bitrate != 0 ? streams[i].bitrate : assumed_bitrate; }
    // For a switch to it. A peak of one second may queue a little, so it counts for no more than a quarter.
    uint64_t need(size_t i) const {
        const uint64_t r = rate(i), peak = streams[i].peak;
        return peak == 0 ? r + r / 5 : std::clamp(peak + peak / 20, r + r * 3 / 20, r + r / 4);
    }
    uint64_t burst(size_t i) const { return std::max(room_for_burst * rate(i) / 2, streams[i].burst); }
    size_t best() const { return step(none, +1); }
    size_t smallest() const { return step(streams.size(), -1); }
    size_t better() const { return current == none ? none : step(current, -1); }
    size_t smaller() const { return current == none ? none : step(current, +1); }
    size_t find(const std::string& name) const {
        for (size_t i = 0; i < streams.size(); ++i)
            if (streams[i].name == name)
                return i;
        return none;
    }
    // The best playable one that is better than the current one and fits.
    size_t fitting(uint64_t capacity) const {
        for (size_t i = 0; i < std::min(current, streams.size()); ++i)
            if (playable(i) && need(i) <= capacity)
                return i;
        return none;
    }
    uint64_t shown_lately() const {
        const bool probed = path.probed_at != 0 && now <= path.probed_at + fresh;
        return path.feedback ? std::max(path.estimate, probed ? path.probed : 0) : 0;
    }
    std::string text(size_t i) const {
        return streams[i].name + (streams[i].bitrate != 0 ? " (" + rate_text(streams[i].bitrate) + ")" : "");
    }

private:
    size_t step(size_t from, int way) const {
        for (size_t i = from + static_cast<size_t>(way); i < streams.size(); i += static_cast<size_t>(way))
            if (playable(i))
                return i;
        return none;
    }
};

StreamChooser::Decision StreamChooser::observe(const std::vector<Stream>& streams, const PathState& path,
                                               GstClockTime sender_queue, GstClockTime now) {
    View v{streams, path, sender_queue, now};
    v.current = v.find(current_);
    learn(v);
    choose(v);
    // There is more room than was known when the switch was decided: nobody waits for a key unit.
    if (const size_t to = v.find(current_); waits_ && !flight_ && to != none && v.shown_lately() >= v.burst(to))
        burst_ = true;
    v.current = v.find(current_);
    Decision d;
    probe(v, d);
    d.stream = current_;
    d.reason =
        quality_ == "auto" || quality_ == current_ ? reason_ : quality_ + " is asked for and does not play; " + reason_;
    d.burst = burst_;
    d.flight = flight_;
    d.keep = keep(v);
    d.look_again = next_look(v);
    return d;
}

void StreamChooser::learn(const View& v) {
    heard_ |= v.path.feedback && v.path.received != 0; // at first it is only hoped for
    dead_since_ = v.playable(v.current) ? 0 : dead_since_ != 0 ? dead_since_ : v.now;
    played_ |= dead_since_ == 0 && started_;
    if (v.current == none || !started_)
        return;
    evidence_ = trouble_.look(v.path, v.sender_queue, v.rate(v.current), v.now);
    limited_ |= evidence_ != PathTrouble::Kind::none;
    if (v.path.feedback) {
        if (evidence_ != PathTrouble::Kind::none)
            carries_ = v.path.estimate;
        carries_ = std::max(carries_, v.path.estimate);
    }
    if (const size_t best = v.best(); best != none) {
        margin_.observe(v.path, v.sender_queue, v.rate(best));
        if (v.path.feedback && v.path.estimate >= PathMargin::times * v.rate(best))
            margin_.shown(v.path.estimate, v.rate(best), v.now);
    }
    if (const auto shown = rise_plan_.result(v.path, v.now))
        judge(v, *shown);
    // Key units tell, too, though not how much more.
    else if (v.path.probed_at != 0)
        rise_plan_.hint(v.path.probed, v.path.probed_at, v.now);
    if (const auto shown = margin_plan_.result(v.path, v.now); shown && v.current == v.best()) {
        margin_.shown(*shown, v.rate(v.current), v.now);
        carries_ = std::max(carries_, *shown);
        if (!margin_.known())
            margin_plan_.failed(*shown, v.now);
        hurry(v);
    }
    if (up_at_ != 0 && v.now >= up_at_ + success) {
        hold_ = first_hold;
        up_at_ = 0;
    }
}

// A probe came to its end; shown: 0, nothing came back.
void StreamChooser::judge(const View& v, uint64_t shown) {
    if (!troubled_)
        shown = std::max(shown, v.path.estimate);
    shown_ = shown;
    shown_at_ = v.now;
    if (v.fitting(shown) != none) {
        ++proofs_;
        carries_ = std::max(carries_, shown);
        if (const size_t best = v.best(); shown >= PathMargin::times * v.rate(best))
            margin_.shown(shown, v.rate(best), v.now);
        rise_plan_.again_at(v.now + soon);
        return;
    }
    proofs_ = 0;
    const size_t next = v.better();
    if (next == none)
        return;
    // A viewer that has just begun to play answers late or badly; who watches over a LAN must not pay for it with seconds.
    const bool begins = v.now < *started_ + silence;
    if (begins && rise_plan_.failures() < 2 && !troubled_ && (shown == 0 || shown >= v.need(next) / 2)) {
        rise_plan_.failed(shown, v.now);
        rise_plan_.again_at(v.now + soon);
        return;
    }
    const bool first = !std::exchange(troubled_, true);
    if (begins && first) {
        rise_plan_.forget();
        rise_plan_.again_at(v.now + settles);
    } else {
        rise_plan_.failed(shown, v.now);
    }
    carries_ = std::max(shown, v.path.estimate);
    reason_ = rate_text(carries_) + " do not carry " + v.text(next);
}

void StreamChooser::choose(const View& v) {
    if (v.streams.empty()) {
        reason_ = "the camera has no stream";
        return;
    }
    if (quality_ != "auto" && choose_pinned(v))
        return;
    if (quality_ == "auto" && v.streams.size() == 1) {
        if (v.current != 0)
            go(v, 0, "", false);
        reason_ = "the only stream";
        return;
    }
    const bool anew = std::exchange(anew_, false) && remembered_ != 0 && !troubled_;
    if (v.current == none || !started_ || (!played_ && dead_since_ != 0) || anew)
        begin(v);
    else if (!leave_dead(v) && !fall(v) && !come_back(v))
        rise(v);
}

// The picture went with what was lost. The smallest stream is there at once, from its cache; the better one at its key unit, or when it may
// be switched again.
bool StreamChooser::come_back(const View& v) {
    const size_t to = v.smallest();
    if (!std::exchange(returned_, false) || to == none || to == v.current || !v.streams[to].cached ||
        budget_.left(v.now) == 0)
        return false;
    go(v, to, "nothing came through for a while");
    return true;
}

// True: no more to choose.
bool StreamChooser::choose_pinned(const View& v) {
    const size_t pinned = v.find(quality_);
    if (pinned != none && (v.playable(pinned) || (pinned == v.current && v.now < dead_since_ + dead))) {
        if (pinned != v.current)
            go(v, pinned, "", false);
        reason_ = quality_ + " is asked for";
        return true;
    }
    return false;
}

// The first choice: what is known to fit, else the smallest, rather with a key unit at hand than without.
void StreamChooser::begin(const View& v) {
    size_t chosen = none;
    for (const int wanted : {2, 1, 0}) {
        for (size_t i = 0; i < v.streams.size(); ++i) {
            if (int{v.streams[i].playable} + int{v.streams[i].playable && v.streams[i].cached} < wanted)
                continue;
            chosen = i;
            if (remembered_ != 0 && v.need(i) <= remembered_)
                break;
        }
        if (chosen != none)
            break;
    }
    if (chosen != v.current)
        go(v, chosen, "", false);
    if (!v.playable(chosen))
        reason_ = "no stream plays yet";
    else if (!why_.empty())
        reason_ = why_;
    else if (remembered_ != 0)
        reason_ = rate_text(remembered_) + " are remembered of this network";
    else
        reason_ = "what the path carries is not known yet";
}

bool StreamChooser::leave_dead(const View& v) {
    if (dead_since_ == 0)
        return false;
    size_t to = v.smallest();
    for (size_t i = 0; carries_ != 0 && i < v.streams.size(); ++i) {
        if (v.playable(i) && v.need(i) <= carries_) {
            to = i;
            break;
        }
    }
    if (to != none && v.now >= dead_since_ + dead)
        go(v, to, v.streams[v.current].name + " does not play");
    return true;
}

bool StreamChooser::fall(const View& v) {
    using Kind = PathTrouble::Kind;
    if (evidence_ == Kind::none)
        return false;
    margin_.fell();
    troubled_ = true;
    proofs_ = 0;
    const std::string& name = v.streams[v.current].name;
    std::string why = rate_text(v.path.estimate) + " do not carry " + v.text(v.current);
    if (evidence_ == Kind::sender)
        why = name + " waits here: the path does not take it";
    else if (evidence_ == Kind::reports || evidence_ == Kind::loss)
        why = "too much of " + name + " is lost";
    size_t to = v.smaller();
    if (to == none) {
        reason_ = why + ", and there is nothing smaller";
        return true;
    }
    const size_t smallest = v.smallest();
    while (to != smallest && ((v.path.feedback && v.rate(to) > v.path.estimate * 9 / 10) || !v.playable(to) ||
                              !budget_.may_fall_between(v.now)))
        ++to;
    if (up_at_ != 0 && v.now < up_at_ + trial)
        hold_ = std::min(2 * hold_, longest_hold);
    hold_until_ = v.now + hold_;
    go(v, to, why);
    flight_ = true;
    up_at_ = 0;
    return true;
}

void StreamChooser::rise(const View& v) {
    if (v.better() == none)
        return;
    if (!v.path.feedback) {
        rise_unheard(v);
        return;
    }
    if (!trouble_.calm(v.path, v.sender_queue))
        return;
    uint64_t capacity = 0;
    if (v.now <= shown_at_ + fresh && proofs_ >= (troubled_ ? 2 : 1))
        capacity = shown_;
    if (!troubled_) {
        capacity = std::max(capacity, v.path.estimate);
        if (v.path.probed_at != 0 && v.now <= v.path.probed_at + fresh)
            capacity = std::max(capacity, v.path.probed);
    }
    const size_t to = v.fitting(capacity);
    if (to == none)
        return;
    const bool burst = capacity >= v.burst(to);
    // The first probe tells in a moment whether there is room for a burst, and then nobody waits for a key unit.
    if (!burst && !troubled_ && proofs_ == 0 && v.now < *started_ + silence)
        return;
    if (!may_rise(v, to, rate_text(capacity) + " carry "))
        return;
    go(v, to, rate_text(capacity) + " carry " + v.text(to));
    burst_ = burst;
    hurry(v);
}

// Who waits for a key unit for want of room for a burst may wait for nothing: a viewer that has just joined tells little.
void StreamChooser::hurry(const View& v) {
    if (waits_ && !burst_ && !troubled_ && hurried_++ < most_hurried)
        margin_plan_.again_at(v.now + very_soon);
}

// A viewer that only reports what it loses: nothing tells whether more would arrive but sending it.
void StreamChooser::rise_unheard(const View& v) {
    if (heard_ || !answers_ || v.now < *started_ + silence || trouble_.bad_reports() > 0)
        return;
    const size_t to = troubled_ ? v.better() : v.best();
    if (may_rise(v, to, ""))
        go(v, to, "the viewer does not tell what the path carries");
}

bool StreamChooser::may_rise(const View& v, size_t to, const std::string& proof) {
    const bool held = v.now < hold_until_, often = !budget_.may_rise(v.now);
    if (held || often)
        reason_ = (proof.empty() ? "" : proof + v.text(to) + ", but ") +
                  (held ? "it did not last lately" : "it was switched often lately");
    return !held && !often;
}

void StreamChooser::go(const View& v, size_t to, const std::string& why, bool counts) {
    burst_ = true;
    flight_ = false;
    const bool up = v.current != none && to < v.current;
    current_ = v.streams[to].name;
    reason_ = why;
    dead_since_ = v.playable(to) ? 0 : v.now;
    played_ = dead_since_ == 0 && started_;
    evidence_ = PathTrouble::Kind::none;
    shown_at_ = shown_ = proofs_ = 0;
    rise_plan_.forget();
    margin_plan_.forget();
    margin_plan_.again_at(v.now + fresh);
    hurried_ = 0;
    if (!started_)
        return;
    waits_ = true;
    trouble_.switched(v.now);
    if (counts)
        budget_.switched(v.now);
    if (counts && up)
        up_at_ = v.now;
}

void StreamChooser::probe(const View& v, Decision& d) {
    if (v.current == none || !started_ || quality_ != "auto" || !v.path.feedback || v.sender_queue > 0 ||
        !trouble_.calm(v.path, v.sender_queue) || evidence_ != PathTrouble::Kind::none || !v.playable(v.current) ||
        v.streams.size() < 2)
        return;
    const bool at_best = v.better() == none;
    ProbePlan& plan = at_best ? margin_plan_ : rise_plan_;
    if (!plan.due(v.now) || (at_best && margin_.known() && !hurries()))
        return;
    if (!at_best && (v.now < hold_until_ || !budget_.may_rise(v.now)))
        return;
    uint64_t target = 0;
    if (at_best || !troubled_) {
        // Straight to the best, and to its margin, as long as nothing speaks against it: on a LAN nobody is to see the way up.
        target = PathMargin::times * v.rate(v.best()) * 11 / 10;
        if (hurries())
            target = std::max(target, std::min(v.burst(v.current) * 11 / 10, 4 * v.shown_lately()));
    } else {
        target = v.need(v.better()) * 13 / 10;
    }
    d.probe_bitrate = target;
    // One that is to confirm another is longer: jitter must not pass for capacity twice. Nor must it hide what is nearly proven.
    const bool close = proofs_ > 0 || (!at_best && troubled_ && v.now <= shown_at_ + 3 * fresh &&
                                       shown_ >= v.need(v.better()) * 3 / 4);
    d.probe_time = close ? ProbePlan::longest : ProbePlan::time_for(target);
    plan.asked(v.now, d.probe_time, v.path.rtt);
}

std::vector<std::string> StreamChooser::keep(const View& v) const {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (!name.empty() && v.find(name) != none && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    };
    add(current_);
    if (quality_ != "auto")
        add(quality_);
    if (v.streams.empty() || v.playable(v.find(quality_)))
        return names;
    add(v.streams.front().name);
    if (!margin_.wide(v.now) || v.current != v.best())
        add(v.streams.back().name);
    // One in between runs only for who can use it: it may be the work of an encoder.
    for (size_t i = 1; i < std::min(v.current, v.streams.size()); ++i)
        if (v.streams[i].bitrate != 0 && shown_at_ != 0 && v.need(i) <= shown_ && v.now <= shown_at_ + 3 * fresh)
            add(v.streams[i].name);
    return names;
}

GstClockTime StreamChooser::next_look(const View& v) const {
    GstClockTime at = v.now + GST_SECOND;
    const auto consider = [&](GstClockTime t) {
        if (t > v.now)
            at = std::min(at, t);
    };
    if (started_)
        consider(*started_ + silence);
    consider(trouble_.decides_at()); // what has stood for long may stand for ever
    consider(hold_until_);
    consider(budget_.more_at(v.now));
    consider(v.better() == none ? margin_plan_.next() : rise_plan_.next());
    if (dead_since_ != 0)
        consider(dead_since_ + dead);
    return at;
}

} // namespace sluice
