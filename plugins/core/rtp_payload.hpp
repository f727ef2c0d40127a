// SPDX-License-Identifier: LGPL-2.1-or-later
// RTP payloads of one access unit, made once and shared by all RTP readers (WebRTC and RTSP alike). A reader puts its own
// RTP header (RFC 3550 section 5.1) and the payload's prefix into a small memory of its own in front of the shared body.
#pragma once

#include "plugins/core/api.hpp"
#include "plugins/core/codec.hpp"
#include "plugins/core/nal.hpp"
#include "plugins/core/refs.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace sluice {

// Largest payload, prefix included: a VPN with a path MTU of 1280 carries it with RTP, SRTP, RTX and UDP/IP headers unfragmented.
constexpr uint32_t rtp_max_payload = 1180;

struct RtpPayload {
    std::array<uint8_t, 3> prefix{}; // FU indicator and header (RFC 6184 5.8: 2 bytes; RFC 7798 4.4.3: 3 bytes)
    uint8_t prefix_size = 0;
    bool marker = false; // the RTP marker bit: last packet of a picture; never for audio (RFC 3551 4.1: no talkspurts)
    Ref<GstMemory> body; // shares the access unit's memory, or owns an aggregation packet
    uint32_t body_size = 0;
    uint32_t ticks = 0; // how much later than its unit it begins, in ticks of the RTP clock: pieces of G.711
};

// H.264: RFC 6184 packetization-mode 1, single NAL, STAP-A (consecutive small NAL units, in order), FU-A.
// H.265: RFC 7798 single NAL, AP, FU. Fragments of one NAL unit are of equal size (+-1 byte). Left out: delimiters, and
// NAL units of the types that RTP uses itself (H.264: 0, 24-31; H.265: 48-63).
// Opus: one payload, the whole packet, however large; G.711 (one byte is one sample) is cut into pieces of 20 ms, the last one
// 10 to 30 ms, so that whoever loses one loses little. JPEG, AAC: nothing, no reader takes them.
// Empty when there is nothing to send or the memory cannot be read.
// max_payload: bytes, 16 to 65535; others are clamped. `memory` holds the whole access unit; bodies keep it alive.
SLUICE_API std::vector<RtpPayload> make_rtp_payloads(Codec codec, GstMemory* memory, const std::vector<NalUnit>& nals,
                                                     uint32_t max_payload = rtp_max_payload);

} // namespace sluice
