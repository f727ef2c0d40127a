// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/feedback.hpp"

#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice {

// The transport-wide sequence numbers of the packets of one viewer, and what its reports say became of them
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). Thread-safe: packets leave and reports come in threads of their own.
class TransportFeedback {
public:
    // What a packet is longer on the wire: IPv4 20, UDP 8, authentication tag 10.
    static constexpr uint32_t overhead = 38;
    // Of so many packets, and for so long, it is known when they left. A report on others says nothing.
    static constexpr size_t most_known = 4096;
    static constexpr GstClockTime known_for = 10 * GST_SECOND;
    static constexpr size_t most_reported = 2 * most_known; // at once: a few bytes could tell of 65,535

    // The number of the packet of so many bytes that leaves now.
    uint16_t number(uint32_t bytes, GstClockTime now);
    // What a report says, in order of the numbers: its feedback control information (section 3.1), network byte order. Empty if that is
    // broken. Numbers that a lost packet left out between two reports in a row are lost, too.
    std::vector<PacketResult> read(std::span<const uint8_t> fci);

private:
    struct Sent {
        GstClockTime at = 0;
        uint32_t bytes = 0;
    };
    std::optional<PacketResult> result(uint16_t number) const;
    uint64_t extend(uint16_t number) const;
    GstClockTime unwrap(GstClockTime remote);
    void add_missing(uint16_t first, uint16_t count, uint8_t report, std::vector<PacketResult>& to);

    std::mutex mutex_;
    std::deque<Sent> sent_; // the last of them has the number next_ - 1
    uint64_t next_ = 0;
    GstClockTime last_remote_ = GST_CLOCK_TIME_NONE;
    std::optional<uint8_t> next_report_; // reports are counted, too
    uint64_t expected_ = 0;              // the number that it begins with, extended
};

// Lines for the log from which tests/support/feedback_trace.py makes a trace.
std::string trace_line(const std::vector<PacketResult>& results, GstClockTime now);
std::string trace_line(const Probe& probe);

} // namespace sluice
