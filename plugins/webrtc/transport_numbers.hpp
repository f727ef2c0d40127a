// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/webrtc/congestion/transport_feedback.hpp"

#include <memory>
#include <set>

namespace sluice {

// Writes transport-wide sequence numbers into packets that have a place for them (RtpWriter), as they leave. The RTP session of
// GStreamer could: it makes every packet of the session writable for that, though a retransmitter holds it, too, and a structure of each
// packet that is reported. Thread-safe.
class TransportNumbers {
public:
    // extension_id: of the header extension, RFC 8285, one byte form; 0: the viewer takes none.
    explicit TransportNumbers(uint8_t extension_id) : extension_id_(extension_id) {}

    // The packets leave now. They are the caller's alone, but for references to whole buffers.
    void write(GstBufferList* packets, Numbered numbered, GstClockTime now);
    // What an rtprtxsend sends once more, under SSRCs other than these, bears the number of the first time; it gets one of its own.
    static void watch(GstElement* rtprtxsend, const std::shared_ptr<TransportNumbers>& numbers,
                      const std::set<uint32_t>& ssrcs);

    TransportFeedback& feedback() { return feedback_; }

private:
    bool has_place(const uint8_t* header) const;
    uint16_t next(GstBuffer* packet, GstClockTime now);
    void write(GstBuffer* packet, GstClockTime now);
    GstBuffer* write_again(GstBuffer* packet, const std::set<uint32_t>& ssrcs, GstClockTime now);

    const uint8_t extension_id_;
    TransportFeedback feedback_;
};

} // namespace sluice
