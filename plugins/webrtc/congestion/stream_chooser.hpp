// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/path_margin.hpp"
#include "plugins/webrtc/congestion/path_trouble.hpp"
#include "plugins/webrtc/congestion/probe_plan.hpp"
#include "plugins/webrtc/congestion/switch_budget.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

// Which stream of the scene one viewer gets, why, and when to find out whether the path carries a better one. The policy is
// written down in docs/design/thin-link.md. Pure: no clock, no I/O, no threads.
class StreamChooser {
public:
    // What a stream is taken to need as long as nobody knows.
    static constexpr uint64_t assumed_bitrate = 6'000'000;
    static constexpr GstClockTime first_hold = 5 * GST_SECOND, longest_hold = 120 * GST_SECOND;
    static constexpr GstClockTime trial = 10 * GST_SECOND;   // who falls sooner after a rise should not have risen
    static constexpr GstClockTime success = 30 * GST_SECOND; // who stays so long should have
    static constexpr GstClockTime silence = 3 * GST_SECOND;  // from the start without feedback: there will be none
    static constexpr GstClockTime dead = GST_SECOND; // without a producer: it is left (a camera reconnects sooner)

    struct Stream {
        std::string name;
        uint64_t bitrate = 0;  // bit/s with the RTP overhead, mean of lately; 0: unknown
        uint64_t peak = 0;     // of one second; 0: unknown
        bool playable = false; // a producer is there, of the session's codec, not reordered
        bool cached = false;   // a key unit is in the cache: a switch is instant
        uint64_t burst = 0;    // bit/s that bring its past from the cache soon enough; 0: unknown
    };
    struct Decision {
        std::string stream; // to be sent, see burst
        std::string reason; // for people
        // The cached GOP may go out at once. Else the switch waits for the stream's next key unit: the path has no room for more
        // than the stream itself, and what piles up behind a burst looks like a path that does not carry it.
        bool burst = true;
        // Nothing more of the stream before: the path does not carry it.
        bool flight = false;
        // To be sent now: packets at this rate for this long. Told once; only when nothing waits to leave.
        std::optional<uint64_t> probe_bitrate;
        GstClockTime probe_time = 0;
        GstClockTime look_again = 0;   // observe again by then, if no feedback comes before
        std::vector<std::string> keep; // to stay attached to, so that their sources run; `stream` is among them
    };

    // remembered: what the path to this viewer's network carried not long ago; 0: nothing known.
    // why: where that is from, for people; empty: it is remembered.
    explicit StreamChooser(uint64_t remembered = 0, std::string why = {})
        : remembered_(remembered), why_(std::move(why)) {}

    // "auto" or a stream's name. A pin wins, whatever the path carries.
    void pin(const std::string& quality) {
        anew_ = quality == "auto" && quality_ != "auto";
        quality_ = quality;
    }
    const std::string& quality() const { return quality_; }
    // Media may flow from now on. What is chosen before is chosen anew at each observation.
    void start(GstClockTime now) {
        if (started_)
            return;
        started_ = now;
        trouble_.switched(now);
    }
    // The first packets of the chosen stream leave now.
    void switched(GstClockTime now) {
        trouble_.switched(now);
        up_at_ = up_at_ != 0 ? now : 0;
        waits_ = false;
    }
    // The pacer gave pictures up because they had waited too long; to be observed at once.
    void dropped() { trouble_.dropped(); }
    // Something was heard of the viewer. Who has never been may have gone.
    void answered() { answers_ = true; }
    bool answers() const { return answers_; }
    // For a while nothing came through, now it does; the current stream's next key unit is not near.
    void returned() { returned_ = true; }
    // streams: best first. sender_queue: the time that the packets waiting in our pacer need to leave.
    Decision observe(const std::vector<Stream>& streams, const PathState& path, GstClockTime sender_queue,
                     GstClockTime now);

    // What the path carries as far as was shown and not refuted since; for the memory and for people. 0: unknown.
    uint64_t carries() const { return carries_; }
    // It has shown once that it does not take whatever is sent: from then on the estimate is about the path.
    bool limited() const { return limited_; }
    GstClockTime hold() const { return hold_; }

private:
    struct View; // what is observed, made handy

    void choose(const View& v);
    bool choose_pinned(const View& v);
    bool leave_dead(const View& v);
    void begin(const View& v);
    bool fall(const View& v);
    bool come_back(const View& v);
    void rise(const View& v);
    static constexpr unsigned most_hurried = 3;
    bool hurries() const { return waits_ && !burst_ && hurried_ > 0 && hurried_ <= most_hurried; }
    void hurry(const View& v);
    void rise_unheard(const View& v);
    bool may_rise(const View& v, size_t to, const std::string& proof);
    void learn(const View& v);
    void judge(const View& v, uint64_t shown);
    void probe(const View& v, Decision& d);
    void go(const View& v, size_t to, const std::string& why, bool counts = true);
    std::vector<std::string> keep(const View& v) const;
    GstClockTime next_look(const View& v) const;

    const uint64_t remembered_;
    const std::string why_;
    std::string quality_ = "auto";
    std::string current_, reason_;
    std::optional<GstClockTime> started_;
    bool burst_ = true, flight_ = false;
    bool waits_ = false;          // the chosen stream's first packets have not left yet
    bool played_ = false;         // the current stream was playable since it was chosen
    GstClockTime dead_since_ = 0; // 0: it is playable

    SwitchBudget budget_;
    PathTrouble trouble_;
    PathMargin margin_;
    PathTrouble::Kind evidence_ = PathTrouble::Kind::none;
    GstClockTime hold_ = first_hold, hold_until_ = 0;
    GstClockTime up_at_ = 0; // 0: it has fallen since, or proved itself

    ProbePlan rise_plan_{{.first = 5 * GST_SECOND, .most = 10 * GST_SECOND, .news = GST_SECOND}};
    ProbePlan margin_plan_{{.first = 60 * GST_SECOND, .most = 600 * GST_SECOND}};
    unsigned hurried_ =
        0; // probes of the margin since the stream was chosen, to have it sooner; one more: that was all
    bool troubled_ = false; // it fell, or a probe failed: one proof is not enough any more
    bool returned_ = false;
    bool anew_ = false;   // a pin has ended: what was known at the start counts again
    unsigned proofs_ = 0; // probes in a row that have shown enough for a better stream
    uint64_t shown_ = 0;  // by the last probe
    GstClockTime shown_at_ = 0;
    bool heard_ = false; // transport-wide feedback came
    bool answers_ = false;
    uint64_t carries_ = 0;
    bool limited_ = false;
};

} // namespace sluice
