// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace sluice {

// What a viewer tells of one of our SSRCs in a report block (RFC 3550 section 6.4.1).
struct ReceiverReport {
    uint16_t highest = 0;     // the highest sequence number that has arrived, its lower half
    double fraction_lost = 0; // 0..1, since the report before
};

// What was found in a compound packet of RTCP.
struct ViewerRtcp {
    std::optional<ReceiverReport> report; // the first one about that SSRC
    bool only_feedback = false;           // on packets with transport-wide numbers, and nothing else
};
// feedback: called with the feedback control information of each transport-wide feedback (RTPFB 15). Broken packets: nothing is found.
ViewerRtcp read_viewer_rtcp(GstBuffer* rtcp, uint32_t ssrc,
                            const std::function<void(std::span<const uint8_t>)>& feedback);

} // namespace sluice
