// SPDX-License-Identifier: LGPL-2.1-or-later
// A sender, a simulated path, a receiver that reports like a browser, and the estimator, in steps of a millisecond.
#pragma once

#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"
#include "tests/support/sim_link.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice::test {

struct RigSettings {
    SimPath path;
    unsigned seed = 1;
    unsigned feedback_ms = 100; // 0: a report for each packet
    double feedback_loss = 0;
    double feedback_jitter_ms = 0; // standard deviation
    double drift = 0;              // of the receiver's clock
    GstClockTime receiver_offset = 5000 * GST_SECOND;
    uint64_t start = 0; // remembered estimate
    double pace = 2;    // of the estimate; pictures leave at most so fast
    unsigned flow = 0;
};

class CongestionRig {
public:
    static constexpr GstClockTime begin = 1000 * GST_SECOND;
    static constexpr uint32_t packet_bytes = 1200;

    struct Sample {
        double at; // s
        PathState state;
        double queue_ms; // of the path
    };

    explicit CongestionRig(const RigSettings& settings)
        : CongestionRig(settings, std::make_shared<SimLink>(settings.path, settings.seed)) {
        link().advance(begin);
    }
    // One of several on the same path; see run_together().
    CongestionRig(const RigSettings& settings, std::shared_ptr<SimLink> link)
        : settings_(settings), link_(std::move(link)), estimator_(settings.start), random_(settings.seed + 77) {}

    // Media rate in bit/s; a function of the state, so that it may follow the estimate.
    std::function<double(const PathState&)> source = [](const PathState&) { return 0.5e6; };
    std::function<void(GstClockTime)> each_ms = [](GstClockTime) {};
    std::function<void(const std::vector<PacketResult>&, GstClockTime)> each_feedback = [](const auto&, GstClockTime) {
    };
    bool reports_only = false; // no transport-wide feedback, a receiver report each second
    bool duplicate_feedback = false;

    SimLink& link() { return *link_; }
    BandwidthEstimator& estimator() { return estimator_; }
    PathState state() const { return estimator_.state(now_); }
    GstClockTime now() const { return now_; }
    double seconds() const { return static_cast<double>(now_ - begin) / 1e9; }
    const std::vector<Sample>& samples() const { return samples_; }

    // Packets at `bitrate` for `length`, on top of the media.
    void probe(double bitrate, GstClockTime length) {
        estimator_.expect({now_, now_ + length, static_cast<uint64_t>(bitrate), true});
        probe_end_ = now_ + length;
        probe_rate_ = bitrate;
        probe_credit_ = packet_bytes * 8.0;
    }

    void run(double seconds) {
        const GstClockTime end = now_ + static_cast<GstClockTime>(seconds * 1e9);
        while (now_ < end) {
            send_step();
            link().advance(now_);
            SimLink::Packet p;
            while (link().pop(now_, p))
                receive(p);
            report_step();
        }
    }

    // The rigs' paths are one.
    static void run_together(std::vector<std::unique_ptr<CongestionRig>>& rigs, double seconds) {
        const GstClockTime end = rigs[0]->now_ + static_cast<GstClockTime>(seconds * 1e9);
        while (rigs[0]->now_ < end) {
            for (auto& rig : rigs)
                rig->send_step();
            SimLink& shared = rigs[0]->link();
            shared.advance(rigs[0]->now_);
            SimLink::Packet p;
            while (shared.pop(rigs[0]->now_, p))
                rigs[p.flow]->receive(p);
            for (auto& rig : rigs)
                rig->report_step();
        }
    }

    double least(double from, double to) const {
        return over(from, to, [](double a, double b) { return std::min(a, b); });
    }
    double most(double from, double to) const {
        return over(from, to, [](double a, double b) { return std::max(a, b); });
    }
    double median(double from, double to) const {
        std::vector<double> values;
        for (const Sample& s : samples_)
            if (s.at >= from && s.at <= to)
                values.push_back(static_cast<double>(s.state.estimate));
        if (values.empty())
            return 0;
        std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
        return values[values.size() / 2];
    }
    // First moment from `from` on at which the estimate is within; -1: never.
    double first(double from, double low, double high) const {
        for (const Sample& s : samples_)
            if (s.at >= from && static_cast<double>(s.state.estimate) >= low &&
                static_cast<double>(s.state.estimate) <= high)
                return s.at;
        return -1;
    }
    void print(const char* title, double every = 1) const {
        std::printf("%s\n     s  estimate  received  loss   rtt queue  (real) over\n", title);
        double next = 0;
        for (const Sample& s : samples_) {
            if (s.at < next)
                continue;
            next = s.at + every;
            std::printf("%6.1f %9.0f %9.0f %5.1f%% %4.0f %5.0f %8.0f %s\n", s.at,
                        static_cast<double>(s.state.estimate) / 1e3, static_cast<double>(s.state.received) / 1e3,
                        s.state.loss * 100, static_cast<double>(s.state.rtt) / 1e6,
                        static_cast<double>(s.state.queue_delay) / 1e6, s.queue_ms, s.state.overuse ? "over" : "");
        }
    }

private:
    template <typename F> double over(double from, double to, F better) const {
        double found = -1;
        for (const Sample& s : samples_)
            if (s.at >= from && s.at <= to)
                found = found < 0 ? static_cast<double>(s.state.estimate)
                                  : better(found, static_cast<double>(s.state.estimate));
        return found;
    }

    void send_step() {
        now_ += GST_MSECOND;
        each_ms(now_);
        media(state());
    }
    void report_step() {
        report_when_due();
        for (; !reports_.empty() && reports_.front().at <= now_; reports_.pop_front()) {
            each_feedback(reports_.front().packets, now_);
            estimator_.on_feedback(reports_.front().packets, now_);
            if (duplicate_feedback)
                estimator_.on_feedback(reports_.front().packets, now_);
        }
        if (ms() % 200 == 0)
            estimator_.tick(now_);
        if (ms() % 20 == 0)
            samples_.push_back({seconds(), state(), link_->queue_ms()});
    }
    uint64_t ms() const { return (now_ - begin) / GST_MSECOND; }

    // 25 pictures a second, each 50th a key unit of six times the size; paced.
    void media(const PathState& s) {
        if (ms() % 40 == 0) {
            const double mean = source(s) / 25 * 50 / 55;
            backlog_ += mean * (picture_++ % 50 == 0 ? 6 : 1);
        }
        const double rate = std::max(source(s) * 1.2, settings_.pace * static_cast<double>(s.estimate));
        credit_ = std::min(credit_ + rate / 1000, packet_bytes * 8.0 + rate / 1000);
        while (backlog_ >= packet_bytes * 8.0 && credit_ >= packet_bytes * 8.0) {
            backlog_ -= packet_bytes * 8.0;
            credit_ -= packet_bytes * 8.0;
            send();
        }
        if (now_ <= probe_end_) {
            for (probe_credit_ += probe_rate_ / 1000; probe_credit_ >= packet_bytes * 8.0;
                 probe_credit_ -= packet_bytes * 8.0)
                send();
        }
    }
    void send() {
        estimator_.on_sent(packet_bytes, now_);
        ++sent_;
        link().push({.seq = seq_++, .flow = settings_.flow, .bytes = packet_bytes, .sent = now_, .arrived = 0}, now_);
    }
    GstClockTime remote(GstClockTime t) const { // in steps of 250 us
        const double run = static_cast<double>(t - begin) * (1 + settings_.drift);
        return (settings_.receiver_offset + static_cast<GstClockTime>(run)) / (250 * GST_USECOND) * 250 * GST_USECOND;
    }
    void receive(const SimLink::Packet& p) {
        if (p.lost) {
            ++lost_;
            waiting_.push_back({p.seq, p.sent, 0, p.bytes, true});
            return;
        }
        waiting_.push_back({p.seq, p.sent, remote(p.arrived), p.bytes, false});
        if (settings_.feedback_ms == 0)
            report();
    }
    void report_when_due() {
        if (settings_.feedback_ms != 0 && ms() % settings_.feedback_ms == 0)
            report();
        if (reports_only && ms() % 1000 == 0 && sent_ != 0) {
            const auto back = static_cast<GstClockTime>((2 * link_->path().delay_ms + link_->queue_ms()) * 1e6);
            estimator_.on_report(static_cast<double>(lost_) / static_cast<double>(sent_), back, now_);
            sent_ = lost_ = 0;
        }
    }
    void report() {
        // Losses are known only with a packet that arrived behind them.
        size_t count = waiting_.size();
        while (count > 0 && waiting_[count - 1].lost)
            --count;
        if (count == 0)
            return;
        const double back = link_->path().delay_ms + settings_.feedback_jitter_ms * swing_(random_);
        newest_report_ = std::max(newest_report_, now_ + static_cast<GstClockTime>(std::max(back, 0.0) * 1e6));
        Report r{newest_report_, {waiting_.begin(), waiting_.begin() + static_cast<long>(count)}};
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
        std::sort(r.packets.begin(), r.packets.end(), [](const auto& a, const auto& b) { return a.seq < b.seq; });
        std::uniform_real_distribution<double> dice;
        if (!reports_only && !link_->path().hole && dice(random_) >= settings_.feedback_loss)
            reports_.push_back(std::move(r));
    }

    struct Report {
        GstClockTime at;
        std::vector<PacketResult> packets;
    };
    RigSettings settings_;
    std::shared_ptr<SimLink> link_;
    BandwidthEstimator estimator_;
    std::mt19937 random_;
    std::normal_distribution<double> swing_;
    GstClockTime now_ = begin;
    uint64_t seq_ = 65536 + 65000; // soon a wrap, for who cares
    unsigned picture_ = 0, sent_ = 0, lost_ = 0;
    double backlog_ = 0, credit_ = 0, probe_rate_ = 0, probe_credit_ = 0;
    GstClockTime probe_end_ = 0, newest_report_ = 0;
    std::vector<PacketResult> waiting_;
    std::deque<Report> reports_;
    std::vector<Sample> samples_;
};

} // namespace sluice::test
