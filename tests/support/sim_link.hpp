// SPDX-License-Identifier: LGPL-2.1-or-later
// A path of packets for tests: drop-tail queue -> rate -> loss -> delay and smooth jitter that keeps the order.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <random>

namespace sluice::test {

struct SimPath {
    double rate = 0;                            // bit/s; 0: nothing passes, packets wait
    double queue_ms = 300, delay_ms = 20;       // one way
    double jitter_ms = 0, jitter_time_ms = 100; // standard deviation, time scale
    double loss = 0, burst = 1;                 // share, mean length in packets
    double cross = 0;                           // bit/s that others send through the same queue
    bool hole = false;                          // everything is lost
    bool deaf = false;                          // nothing comes back
};

// netlab's profile of a bad VPN
inline SimPath flaky_path() {
    return {.rate = 2e6, .queue_ms = 300, .delay_ms = 60, .jitter_ms = 20, .loss = 0.03, .burst = 4};
}

class SimLink {
public:
    struct Packet {
        uint64_t seq = 0;
        unsigned flow = 0; // one of several that share the path
        uint32_t bytes = 0;
        GstClockTime sent = 0, arrived = 0;
        bool lost = false, foreign = false;
    };

    explicit SimLink(const SimPath& path, unsigned seed) : path_(path), random_(seed) {}

    void set(const SimPath& path) { path_ = path; }
    // What is in the queue waits, and some of what comes.
    void stop() { path_.rate = 0; }
    const SimPath& path() const { return path_; }
    double queue_ms() const { return path_.rate > 0 ? queued_ / path_.rate * 1e3 : 0; }

    void push(Packet packet, GstClockTime now) {
        if (path_.rate > 0)
            room_ = path_.rate / 1e3 * path_.queue_ms;
        if (path_.hole || queued_ > room_)
            packet.lost = true;
        if (packet.lost) {
            if (!packet.foreign)
                out_.push_back(packet); // its loss is known with what follows it
            return;
        }
        queued_ += packet.bytes * 8.0;
        queue_.push_back(packet);
    }

    // Serves the queue until `now`; called at least each millisecond.
    void advance(GstClockTime now) {
        const double step = static_cast<double>(now - now_);
        if (path_.cross > 0) {
            foreign_ += path_.cross * step / 1e9;
            for (; foreign_ >= 12'000; foreign_ -= 12'000)
                push({.bytes = 1500, .foreign = true}, now);
        }
        credit_ = queue_.empty() ? 0 : credit_ + path_.rate * step / 1e9;
        while (!queue_.empty() && credit_ >= queue_.front().bytes * 8.0) {
            Packet p = queue_.front();
            queue_.pop_front();
            credit_ -= p.bytes * 8.0;
            queued_ -= p.bytes * 8.0;
            // The moment within the step at which its last bit was out.
            const GstClockTime out = now - static_cast<GstClockTime>(credit_ / path_.rate * 1e9);
            if (!p.foreign)
                leave(p, std::min(out, now));
        }
        if (queue_.empty())
            credit_ = 0;
        now_ = now;
    }

    // What arrived or was lost until `now`, in order.
    bool pop(GstClockTime now, Packet& packet) {
        if (out_.empty() || (!out_.front().lost && out_.front().arrived > now))
            return false;
        packet = out_.front();
        out_.pop_front();
        return true;
    }

private:
    void leave(Packet& p, GstClockTime out) {
        p.lost = path_.hole || unlucky();
        if (!p.lost) {
            const double ms = std::max(0.0, path_.delay_ms + jitter(out));
            last_arrival_ = std::max(last_arrival_, out + static_cast<GstClockTime>(ms * 1e6));
            p.arrived = last_arrival_;
        }
        out_.push_back(p);
    }
    bool unlucky() {
        if (path_.loss <= 0)
            return false;
        std::uniform_real_distribution<double> dice;
        const double end = 1 / path_.burst;
        const double begin = path_.loss * end / (1 - path_.loss);
        losing_ = dice(random_) < (losing_ ? 1 - end : begin);
        return losing_;
    }
    // Between random points one time scale apart, of constant variance.
    double jitter(GstClockTime t) {
        if (path_.jitter_ms <= 0)
            return 0;
        const auto scale = static_cast<GstClockTime>(path_.jitter_time_ms * 1e6);
        std::normal_distribution<double> normal;
        while (t >= segment_ + scale) {
            from_ = to_;
            to_ = normal(random_);
            segment_ = t >= segment_ + 2 * scale ? t : segment_ + scale;
        }
        const double u = static_cast<double>(t - segment_) / static_cast<double>(scale) * M_PI / 2;
        return path_.jitter_ms * (from_ * std::cos(u) + to_ * std::sin(u));
    }

    SimPath path_;
    std::mt19937 random_;
    std::deque<Packet> queue_, out_;
    double room_ = 0, queued_ = 0, credit_ = 0, foreign_ = 0;
    GstClockTime now_ = 0, last_arrival_ = 0, segment_ = 0;
    double from_ = 0, to_ = 0;
    bool losing_ = false;
};

} // namespace sluice::test
