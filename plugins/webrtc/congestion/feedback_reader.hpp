// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <string>
#include <vector>

namespace sluice {

// Reads the structure RTPTWCCPackets that GStreamer's RTP session makes of each transport-wide feedback. It has 16-bit sequence
// numbers, a receiver's time that wraps every 12.4 days from an arbitrary start, sizes without headers, and entries for packets
// that it no longer knows. Not thread-safe.
class FeedbackReader {
public:
    // IPv4 20, UDP 8, RTP 12, header extensions 12, authentication tag 10
    static constexpr uint32_t usual_overhead = 62;
    static constexpr size_t max_packets = 4096; // of one feedback: ten seconds of a fast stream

    explicit FeedbackReader(uint32_t overhead = usual_overhead) : overhead_(overhead) {}

    // Valid until the next call. Empty for any other structure. In order of sequence numbers.
    const std::vector<PacketResult>& read(const GstStructure* feedback);

private:
    bool read_packet(const GstStructure* packet, PacketResult& result);
    uint64_t extend(uint16_t seq);
    GstClockTime unwrap(GstClockTime remote);

    uint32_t overhead_;
    uint64_t last_seq_ = 0;
    GstClockTime last_remote_ = GST_CLOCK_TIME_NONE;
    std::vector<PacketResult> results_;
};

// Lines for the log from which tests/support/feedback_trace.py makes a trace.
std::string trace_line(const std::vector<PacketResult>& results, GstClockTime now);
std::string trace_line(const Probe& probe);

} // namespace sluice
