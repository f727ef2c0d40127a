// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace sluice {

// What a cluster of packets sent fast shows: the lower of the rates it left and arrived with. Where the path jitters as much as
// the cluster is long, one alone proves little: then the lower of two that follow each other counts. Pure.
class ProbeEstimator {
public:
    struct Result {
        uint64_t rate = 0;
        bool full = false; // it arrived slower than it left: this is all the path carries
    };

    static constexpr size_t max_open = 8;
    static constexpr unsigned min_packets = 5;
    static constexpr GstClockTime min_time = 8 * GST_MSECOND;

    void expect(const Probe& probe); // before its first packet leaves; again with the same `from` moves its end
    // Each packet that arrived. True if it belongs to a short probe: its delay is the probe's own doing.
    bool add(const PacketResult& packet);
    void lost(const PacketResult& packet);
    // Results of probes whose packets were all reported; `now` also gives up those of which nothing comes.
    std::optional<Result> take(GstClockTime now, double jitter_ms);

private:
    // collecting: its packets are being reported; draining: evaluated, but its queue may still delay others
    enum class State { idle, collecting, complete, draining };
    struct Cluster {
        Probe probe;
        GstClockTime first_sent = 0, last_sent = 0, first_arrived = 0, last_arrived = 0;
        uint64_t bytes = 0;
        uint32_t first_bytes = 0, last_bytes = 0;
        unsigned packets = 0, lost = 0;
        State state = State::idle;
        bool ended = false; // its last packet has arrived
    };
    std::optional<Result> evaluate(const Cluster& cluster, double jitter_ms, GstClockTime now);

    std::array<Cluster, max_open> clusters_{};
    size_t next_ = 0;
    Result doubtful_; // one cluster on a path that jitters
    GstClockTime doubtful_until_ = 0;
};

} // namespace sluice
