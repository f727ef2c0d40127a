// SPDX-License-Identifier: LGPL-2.1-or-later
// What the parts of the congestion control tell each other. Data only.
#pragma once

#include <gst/gst.h>

#include <cstdint>

namespace sluice {

// One packet of a transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), sender's and receiver's view.
struct PacketResult {
    uint64_t seq = 0;         // transport-wide sequence number, extended
    GstClockTime sent = 0;    // our clock
    GstClockTime arrived = 0; // the receiver's clock, unwrapped; meaningless if lost
    uint32_t bytes = 0;       // on the wire: IP, UDP, SRTP and RTP headers included
    bool lost = false;
};

// Which packets of those that leave together bear a transport-wide number, and so are reported: with spot checks, the last one, or
// none.
enum class Numbered { all, last, none };

// What was sent in [from, to] on purpose faster than the estimate: what of it arrives in which time shows what the path carries.
struct Probe {
    GstClockTime from = 0, to = 0;
    uint64_t bitrate = 0; // bit/s that it was sent with
    bool extra = false;   // packets that were sent for its sake: a queue that they make says nothing about the rest
};

// What is known of the path to a viewer. Rates in bit/s on the wire.
struct PathState {
    uint64_t estimate = 0;        // what the path carries; 0: nothing known yet
    uint64_t received = 0;        // what arrived lately (0.5 s), 0: unknown
    double loss = 0;              // 0..1, lately
    GstClockTime rtt = 0;         // 0: unknown
    GstClockTime usual_rtt = 0;   // at least so long, if it was not short by chance only; 0: unknown
    GstClockTime queue_delay = 0; // how much longer packets take now than at best lately: a standing queue
    bool overuse = false;         // the delay grows: the queue fills
    bool feedback = false;        // transport-wide feedback comes; else receiver reports only
    uint64_t probed = 0;          // rate that the last successful probe has shown
    GstClockTime probed_at = 0;
};

} // namespace sluice
