// SPDX-License-Identifier: LGPL-2.1-or-later
// RTP packets read by hand (RFC 3550 section 5.1), so that what writes them is not judged by itself.
#pragma once

#include "tests/support/units.hpp"

namespace sluice::test {

struct RtpPacket {
    int version = 0, csrc_count = 0, payload_type = 0;
    bool padding = false, extension = false, marker = false;
    uint16_t seq = 0;
    uint32_t timestamp = 0, ssrc = 0;
    uint32_t extension_profile = 0;
    Bytes extension_data;
    Bytes payload;
};

inline RtpPacket rtp_packet(GstBuffer* buffer) {
    const Bytes b = bytes_of(buffer);
    RtpPacket p;
    if (b.size() < 12)
        return p;
    const auto be = [&](size_t at, size_t n) {
        uint32_t v = 0;
        for (size_t i = 0; i < n; ++i)
            v = v << 8 | b[at + i];
        return v;
    };
    p.version = b[0] >> 6;
    p.padding = b[0] & 0x20;
    p.extension = b[0] & 0x10;
    p.csrc_count = b[0] & 0x0f;
    p.marker = b[1] & 0x80;
    p.payload_type = b[1] & 0x7f;
    p.seq = static_cast<uint16_t>(be(2, 2));
    p.timestamp = be(4, 4);
    p.ssrc = be(8, 4);
    size_t at = 12;
    if (p.extension && b.size() >= 16) {
        p.extension_profile = be(12, 2);
        at = 16 + 4 * be(14, 2);
        p.extension_data.assign(b.begin() + 16, b.begin() + static_cast<long>(std::min(at, b.size())));
    }
    p.payload.assign(b.begin() + static_cast<long>(std::min(at, b.size())), b.end());
    return p;
}

inline std::vector<RtpPacket> rtp_packets(GstBufferList* list) {
    std::vector<RtpPacket> out;
    for (guint i = 0; list && i < gst_buffer_list_length(list); ++i)
        out.push_back(rtp_packet(gst_buffer_list_get(list, i)));
    return out;
}

} // namespace sluice::test
