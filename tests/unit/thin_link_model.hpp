// SPDX-License-Identifier: LGPL-2.1-or-later
// A path with a queue, a sender with a pacer and a plain estimator, in steps of 20 ms: enough to close the loop around the choice
// of the stream. It is no test of the estimator.
#pragma once

#include "plugins/webrtc/congestion/stream_chooser.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <utility>

namespace sluice {

class ThinLinkModel {
public:
    static constexpr GstClockTime begin = 1000 * GST_SECOND, tick = 20 * GST_MSECOND, report = 100 * GST_MSECOND;

    struct Path {
        std::function<double(double)> capacity; // bit/s at a second since the beginning; 0: outage
        double rtt = 0.04, loss = 0, longest_queue = 0.8;
        bool feedback = true;
    };

    ThinLinkModel(Path path, std::vector<StreamChooser::Stream> streams, uint64_t remembered = 0, unsigned seed = 1)
        : path_(std::move(path)), streams_(std::move(streams)), chooser_(remembered), random_(seed) {
        estimate_ = static_cast<double>(remembered);
        decision_ = chooser_.observe(streams_, {}, 0, begin);
        chooser_.start(begin);
        chooser_.answered();
        change();
    }

    void run_until(double second) {
        while (seconds() < second)
            step();
    }

    struct Switch {
        double at;
        std::string to, reason;
    };
    std::vector<Switch> switches;
    std::vector<std::pair<double, uint64_t>> probes; // when, how fast
    double seconds_of(const std::string& stream) { return on_[stream]; }
    std::vector<std::pair<double, std::string>> sent; // what was really sent, from when on
    unsigned drops = 0;
    double longest_delay = 0; // of a picture, seconds; since it was set to 0
    const std::string& chosen() const { return decision_.stream; }
    const StreamChooser::Decision& decision() const { return decision_; }
    StreamChooser& chooser() { return chooser_; }
    std::vector<StreamChooser::Stream>& streams() { return streams_; }
    double seconds() const { return static_cast<double>(now_ - begin) / 1e9; }
    double first_on(const std::string& stream, double from = 0) const {
        for (const auto& [at, name] : sent)
            if (name == stream && at >= from)
                return at;
        return 1e9;
    }
    // The most switches in any minute.
    size_t most_in_a_minute() const {
        size_t most = 0;
        for (size_t i = 0; i < switches.size(); ++i) {
            size_t j = i;
            while (j < switches.size() && switches[j].at <= switches[i].at + 60)
                ++j;
            most = std::max(most, j - i);
        }
        return most;
    }

private:
    using Stream = StreamChooser::Stream;
    // Key units come every 2 s and are an eighth of the bits; each stream has them at another time.
    static constexpr double gop = 2, key_part = 0.12;

    const Stream& find(const std::string& name) const {
        return *std::find_if(streams_.begin(), streams_.end(), [&](auto& s) { return s.name == name; });
    }
    double second_of_gop(const Stream& s) const {
        return std::fmod(seconds() + static_cast<double>(s.name[0] % 7) / 5, gop);
    }

    void change() {
        sending_ = decision_.stream;
        sent.emplace_back(seconds(), sending_);
        const Stream& s = find(sending_);
        muted_ = false;
        sent_since_ = seconds();
        // The cached GOP up to now.
        waiting_ = static_cast<double>(s.bitrate) * (gop * key_part + second_of_gop(s) * (1 - key_part));
        chooser_.switched(now_);
    }

    double noise(double part) { return std::uniform_real_distribution<double>(1 - part, 1 + part)(random_); }

    void step() {
        const double dt = 0.02, capacity = std::max(path_.capacity(seconds()), 1.0);
        // The sender: what the camera gave, as fast as twice the estimate; what would wait too long is dropped.
        const Stream& stream = find(sending_);
        const bool key = second_of_gop(stream) < dt;
        if (key && std::exchange(muted_, false))
            waiting_ = 0;
        if (!muted_)
            waiting_ +=
                static_cast<double>(stream.bitrate) * (dt * (1 - key_part) + (key ? gop * key_part : 0)) * noise(0.1);
        const double pace = std::max(2 * (estimate_ > 0 ? estimate_ : 4e6), 500e3);
        const double leaves = std::min(waiting_, pace * dt);
        waiting_ -= leaves;
        if (waiting_ / pace > 0.5 && seconds() > sent_since_ + 2) {
            muted_ = true; // until the next key unit
            waiting_ = 0;
            ++drops;
            chooser_.dropped();
            look_at_ = now_;
        }
        // The path: a queue that drops at its end.
        const double survives = std::max(0.0, 1 - path_.loss * noise(1));
        queue_ += leaves * survives;
        double dropped = leaves * (1 - survives);
        const double room = path_.longest_queue * std::max(capacity, 200e3);
        if (queue_ > room) {
            dropped += queue_ - room;
            queue_ = room;
        }
        const double arrives = std::min(queue_, capacity * dt);
        queue_ -= arrives;
        delay_ = queue_ / capacity;
        longest_delay = std::max(longest_delay, delay_ + waiting_ / pace);
        history_.push_back({arrives, leaves, dropped});
        lately_ += history_.back();
        if (history_.size() > 25) {
            lately_ -= history_.front();
            history_.pop_front();
        }
        now_ += tick;
        on_[sending_] += dt;
        if (sending_ != decision_.stream && (decision_.burst || second_of_gop(find(decision_.stream)) < dt))
            change();
        if ((now_ - begin) % report == 0 && path_.feedback && capacity > 1e3)
            estimate(capacity);
        while (!on_the_way_.empty() && on_the_way_.front().first <= now_) {
            state_ = on_the_way_.front().second;
            look_at_ = now_;
            on_the_way_.pop_front();
        }
        if (now_ >= look_at_)
            observe(pace, capacity);
    }

    void estimate(double capacity) {
        const double lossy = lately_.sent > 1 ? std::clamp(lately_.dropped / lately_.sent, 0.0, 1.0) : 0;
        const double received = lately_.arrived / std::min(seconds(), 0.5);
        const double growth = delay_ - last_delay_;
        overuse_ = delay_ > 0.025 && growth > 0.005;
        last_delay_ = delay_;
        // What arrives while the queue fills is what the path carries; half a second may have begun before that.
        double now_received = 0;
        for (size_t i = history_.size() - std::min<size_t>(history_.size(), 5); i < history_.size(); ++i)
            now_received += history_[i].arrived * 10;
        if (overuse_)
            estimate_ = std::min(estimate_ > 0 ? estimate_ : 1e9, 0.85 * std::max(received, now_received));
        else if (lossy > 0.1)
            estimate_ *= 1 - 0.5 * lossy * 0.1;
        else if (estimate_ > 0)
            estimate_ = std::max(estimate_, std::min(estimate_ * 1.008, 1.5 * received));
        else
            estimate_ = received;
        PathState s;
        if (probe_ && now_ >= probe_->first) {
            const double shown = std::min(probe_->second * noise(0.03), capacity * noise(0.05));
            s.probed = static_cast<uint64_t>(shown);
            probed_ = s.probed;
            probed_at_ = now_;
            if (shown > estimate_)
                estimate_ = shown * 0.95;
            probe_.reset();
        }
        s.estimate = static_cast<uint64_t>(estimate_);
        s.received = static_cast<uint64_t>(received);
        s.loss = lossy;
        s.rtt = static_cast<GstClockTime>((path_.rtt + delay_) * 1e9);
        s.queue_delay = static_cast<GstClockTime>(delay_ * 1e9);
        s.overuse = overuse_;
        s.feedback = true;
        s.probed = probed_;
        s.probed_at = probed_at_;
        on_the_way_.emplace_back(now_ + static_cast<GstClockTime>(path_.rtt / 2 * 1e9), s);
    }

    void observe(double pace, double capacity) {
        const auto was = decision_.stream;
        decision_ = chooser_.observe(streams_, state_, static_cast<GstClockTime>(waiting_ / pace * 1e9), now_);
        look_at_ = decision_.look_again;
        if (!was.empty() && decision_.stream != was)
            switches.push_back({seconds(), decision_.stream, decision_.reason});
        if (decision_.probe_bitrate) {
            const double bits =
                static_cast<double>(*decision_.probe_bitrate) * static_cast<double>(decision_.probe_time) / 1e9;
            probes.emplace_back(seconds(), *decision_.probe_bitrate);
            queue_ += std::max(0.0, bits - capacity * static_cast<double>(decision_.probe_time) / 1e9);
            probe_.emplace(now_ + decision_.probe_time + static_cast<GstClockTime>(path_.rtt / 2 * 1e9),
                           static_cast<double>(*decision_.probe_bitrate));
        }
    }

    struct Moment {
        double arrived = 0, sent = 0, dropped = 0;
        void operator+=(const Moment& m) { arrived += m.arrived, sent += m.sent, dropped += m.dropped; }
        void operator-=(const Moment& m) { arrived -= m.arrived, sent -= m.sent, dropped -= m.dropped; }
    };
    const Path path_;
    std::vector<StreamChooser::Stream> streams_;
    StreamChooser chooser_;
    StreamChooser::Decision decision_;
    std::mt19937 random_;
    GstClockTime now_ = begin, look_at_ = begin;
    std::string sending_;
    bool muted_ = false; // what waits would come too late
    double sent_since_ = 0;
    double waiting_ = 0, queue_ = 0, delay_ = 0, last_delay_ = 0, estimate_ = 0;
    bool overuse_ = false;
    uint64_t probed_ = 0;
    GstClockTime probed_at_ = 0;
    std::optional<std::pair<GstClockTime, double>> probe_;
    std::deque<Moment> history_; // half a second
    Moment lately_;              // its sum
    std::deque<std::pair<GstClockTime, PathState>> on_the_way_;
    PathState state_;
    std::map<std::string, double> on_;
};

} // namespace sluice
