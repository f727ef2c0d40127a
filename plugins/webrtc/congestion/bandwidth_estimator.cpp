// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

constexpr GstClockTime outage_after = 750 * GST_MSECOND;
constexpr GstClockTime no_feedback_after = 3 * GST_SECOND;
constexpr double least_trust = 0.25;
constexpr GstClockTime clean_time = 200 * GST_MSECOND; // after an outage, until the path is trusted as before
constexpr GstClockTime rate_memory = GST_SECOND;
constexpr GstClockTime longest_rtt = 30 * GST_SECOND;
constexpr GstClockTime rtt_memory = 2 * GST_SECOND;
// A queue that jitter does not explain: 60 ms and twice the mean deviation.
constexpr double standing_ms = 60, waiting_ms = 25, swing_ms = 10;
constexpr double much_less = 0.65;
constexpr double chance = 3; // mean deviations by which one of many round trips differs from most
constexpr GstClockTime in_vain_after = 1200 * GST_MSECOND, in_vain_with_loss = 8 * GST_SECOND;
// What was found out with so much patience is not doubted at once.
constexpr GstClockTime in_vain_rest = GST_SECOND;
constexpr GstClockTime hidden_for = 100 * GST_MSECOND;
constexpr double longest_hidden_ms = 1000;
// What SRTP, UDP and IP add to a packet.
constexpr uint64_t header_part = 32;
// The receiver's clock was set.
constexpr GstClockTime arrival_jump = 60 * GST_SECOND;

GstClockTime distance(GstClockTime a, GstClockTime b) { return a > b ? a - b : b - a; }

} // namespace

BandwidthEstimator::BandwidthEstimator(uint64_t start) : rate_(start) {}

void BandwidthEstimator::on_sent(uint64_t bytes, GstClockTime now, Numbered numbered) {
    if (first_sent_ == GST_CLOCK_TIME_NONE)
        first_sent_ = now;
    if (unanswered_ == GST_CLOCK_TIME_NONE && numbered != Numbered::none)
        unanswered_ = now;
    handed_out_.add(now, bytes);
    if (numbered != Numbered::all)
        between_.left(bytes + bytes / header_part);
    if (numbered != Numbered::none)
        between_.close(now);
}

bool BandwidthEstimator::by_feedback(GstClockTime now) const {
    if (heard_ != GST_CLOCK_TIME_NONE)
        // Reports that go on while the feedback has ended are better than nothing.
        return reported_ == GST_CLOCK_TIME_NONE || reported_ < heard_ || reported_ - heard_ < no_feedback_after;
    return first_sent_ == GST_CLOCK_TIME_NONE || now < first_sent_ + no_feedback_after;
}

double BandwidthEstimator::outage_factor(GstClockTime now) const {
    if (unanswered_ == GST_CLOCK_TIME_NONE || now <= unanswered_ + outage_after)
        return trust_;
    if (heard_ == GST_CLOCK_TIME_NONE && reported_ == GST_CLOCK_TIME_NONE)
        return trust_; // has never answered: it may only be slow to begin
    const double seconds = static_cast<double>(now - unanswered_ - outage_after) / 1e9;
    return trust_ * std::exp2(-std::min(seconds, 30.0));
}

void BandwidthEstimator::back_from_outage(GstClockTime now) {
    const double factor = outage_factor(now);
    if (factor >= trust_)
        return;
    // However long it was: with less not even the smallest stream would come back.
    trust_ = std::max(factor, std::min(trust_, least_trust));
    back_ = now;
    // What was measured before has an end, and the hole is no rate and no delay.
    sent_.reset();
    received_.reset();
    trend_.reset();
    groups_.reset();
    loss_.forget_recent();
}

void BandwidthEstimator::take(const PacketResult& packet, GstClockTime now) {
    const PacketLedger::News news = ledger_.add(packet.seq, packet.lost);
    if (news == PacketLedger::News::none)
        return;
    loss_.add(news, packet.bytes);
    // Alone, or with those before it of which nothing is said.
    const uint64_t with_others = between_.until(packet.sent);
    const uint64_t bytes = std::max<uint64_t>(packet.bytes, with_others);
    if (news != PacketLedger::News::arrived_after_all)
        sent_.add_spread(with_others ? last_sent_ : packet.sent, packet.sent, bytes);
    last_sent_ = packet.sent;
    if (packet.lost) {
        probes_.lost(packet);
        return;
    }
    if (arrived_ != 0 && distance(arrived_, packet.arrived) > arrival_jump) {
        received_.reset();
        trend_.reset();
        groups_.reset();
        queue_.reset();
        arrived_ = 0;
    }
    received_.add_spread(with_others && arrived_ ? arrived_ : packet.arrived, packet.arrived, bytes);
    arrived_ = std::max(arrived_, packet.arrived);
    const bool probe = probes_.add(packet);
    PacketGroup group;
    if (!groups_.add(packet.sent, packet.arrived, group))
        return;
    queue_.add(group, probe);
    if (!probe)
        trend_.add(group);
}

void BandwidthEstimator::measure_rtt(const std::vector<PacketResult>& packets, GstClockTime now) {
    // The feedback leaves right behind the last packet it tells of.
    GstClockTime newest = 0;
    for (const PacketResult& p : packets)
        if (!p.lost)
            newest = std::max(newest, p.sent);
    if (newest == 0 || newest > now || now - newest > longest_rtt)
        return;
    const GstClockTime rtt = now - newest;
    if (rtt_ == 0 || rtt <= rtt_ || now < rtt_at_ || now - rtt_at_ > rtt_memory) {
        rtt_ = rtt;
        rtt_at_ = now;
    }
}

void BandwidthEstimator::on_feedback(const std::vector<PacketResult>& packets, GstClockTime now) {
    if (packets.empty())
        return;
    back_from_outage(now);
    heard_ = now;
    unanswered_ = GST_CLOCK_TIME_NONE;
    for (const PacketResult& packet : packets)
        take(packet, now);
    measure_rtt(packets, now);
    decide(now);
}

void BandwidthEstimator::decide(GstClockTime now) {
    const double noise = queue_.jitter_ms();
    RateControl::Observation seen;
    seen.signal = trend_.signal();
    seen.steep = trend_.steep();
    const bool falls = seen.signal == Trendline::Signal::under;
    // Jitter swings up, too, and a key frame makes a queue, but neither lasts.
    if (seen.signal == Trendline::Signal::over && !seen.steep && queue_.held_ms() < swing_ms + 2 * noise)
        seen.signal = Trendline::Signal::normal;
    seen.standing = queue_.standing_ms() > standing_ms + 2 * noise && !falls;
    seen.waiting = queue_.standing_ms() > waiting_ms + noise;
    seen.sent = sent_.rate();
    seen.received = received_.rate();
    seen.received_now = received_.rate(RateWindow::longest / 2);
    seen.rtt = rtt_;
    const bool overflows = loss_.overflows();
    if (overflows && queue_.rebased() && now >= in_vain_ + in_vain_rest)
        queue_.take_back();
    find_hidden_queue(now);
    const bool full = seen.waiting || seen.signal == Trendline::Signal::over || queue_.rebased();
    loss_.step(now, seen.sent, full);
    seen.congestion = loss_.congestion(seen.sent);

    overuse_ = seen.signal == Trendline::Signal::over || seen.standing;
    if (trust_ < 1 && back_ != GST_CLOCK_TIME_NONE && now >= back_ + clean_time &&
        seen.signal != Trendline::Signal::over && !seen.standing)
        trust_ = 1;
    if (!seen.waiting)
        standing_from_ = 0;
    else if (seen.standing)
        seen.standing = !judge_standing_queue(seen.sent, now);
    if (rate_.update(seen, now) == RateControl::Step::down)
        trust_ = 1; // this is measured
    if (const auto probe = probes_.take(now, noise)) {
        rate_.probed(probe->rate, probe->full, now);
        probed_ = probe->rate;
        probed_at_ = now;
        if (!seen.standing)
            trust_ = 1;
    }
}

// How much more a round trip takes than the shortest one in the network.
double BandwidthEstimator::longer_ms() const {
    return least_rtt_ != 0 && rtt_ > least_rtt_ ? static_cast<double>(rtt_ - least_rtt_) / 1e6 : 0;
}

// A full path that does not look like one, for its queue was there when this viewer came.
void BandwidthEstimator::find_hidden_queue(GstClockTime now) {
    const double hidden = std::min(longer_ms() - own_longer_ms_, longest_hidden_ms) - queue_.standing_ms();
    if (!loss_.loses_much() || hidden <= standing_ms + chance * queue_.jitter_ms()) {
        hidden_since_ = GST_CLOCK_TIME_NONE;
        return;
    }
    if (hidden_since_ == GST_CLOCK_TIME_NONE || now < hidden_since_)
        hidden_since_ = now;
    if (now - hidden_since_ >= hidden_for) { // a single late report is forgotten with the next one
        queue_.lower(hidden);
        hidden_since_ = GST_CLOCK_TIME_NONE;
    }
}

// True while it is to be seen whether less from us empties the queue.
bool BandwidthEstimator::judge_standing_queue(uint64_t sent, GstClockTime now) {
    const double queue = queue_.standing_ms();
    if (standing_from_ == 0 || queue < 0.8 * standing_before_) {
        standing_from_ = sent;
        standing_before_ = queue;
        less_since_ = GST_CLOCK_TIME_NONE;
        return false;
    }
    if (static_cast<double>(sent) > much_less * static_cast<double>(standing_from_)) {
        less_since_ = GST_CLOCK_TIME_NONE;
        return false;
    }
    if (less_since_ == GST_CLOCK_TIME_NONE || now < less_since_)
        less_since_ = now;
    // Where much is lost, others fill the queue, too. It is theirs as much as ours: who took it for the path's own delay would go on
    // filling it. But if they do not give way for long, it is no viewers' queue, or none at all.
    const bool overflows = loss_.overflows();
    if (now - less_since_ >= (overflows ? in_vain_with_loss : in_vain_after)) {
        standing_from_ = 0;
        queue_.rebase();
        in_vain_ = now;
        own_longer_ms_ = longer_ms();
        if (overflows)
            loss_.forget_usual();
    }
    return true;
}

void BandwidthEstimator::on_report(double fraction_lost, GstClockTime rtt, GstClockTime now) {
    reported_ = now;
    if (rtt > longest_rtt)
        rtt = 0;
    if (rtt != 0) {
        rtt_ = rtt;
        rtt_at_ = now;
    }
    if (by_feedback(now))
        return;
    unanswered_ = GST_CLOCK_TIME_NONE;
    trust_ = 1;
    rate_.update(reports_.report(fraction_lost, rtt, handed_out_.rate()), now);
}

void BandwidthEstimator::tick(GstClockTime now) {
    if (const auto probe = probes_.take(now, queue_.jitter_ms())) {
        rate_.probed(probe->rate, probe->full, now);
        probed_ = probe->rate;
        probed_at_ = now;
    }
}

PathState BandwidthEstimator::state(GstClockTime now) const {
    PathState s;
    const double factor = outage_factor(now);
    s.estimate = rate_.estimate();
    if (s.estimate != 0 && factor < 1)
        s.estimate = std::max(std::min(RateControl::min_estimate, s.estimate),
                              static_cast<uint64_t>(static_cast<double>(s.estimate) * factor));
    s.feedback = by_feedback(now);
    s.rtt = rtt_;
    s.usual_rtt = rtt_ == 0 ? 0 : rtt_ + static_cast<GstClockTime>(chance * queue_.jitter_ms() * 1e6);
    s.probed = probed_;
    s.probed_at = probed_at_;
    if (heard_ == GST_CLOCK_TIME_NONE || !s.feedback) {
        s.loss = reports_.loss();
        s.queue_delay = reports_.queue_delay();
        s.overuse = reports_.over();
        return s;
    }
    s.received = factor < trust_ || now > heard_ + rate_memory ? 0 : received_.rate();
    s.loss = loss_.loss();
    s.queue_delay = static_cast<GstClockTime>(std::min(queue_.now_ms(), 60'000.0) * 1e6);
    s.overuse =
        trend_.signal() == Trendline::Signal::over || queue_.standing_ms() > standing_ms + 2 * queue_.jitter_ms();
    return s;
}

} // namespace sluice
