// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/api.hpp"

#include <gst/gst.h>

#include <cstdint>

namespace sluice {

// jpeg: motion JPEG, each picture by itself. aac: MPEG-4 AAC as raw access units, the configuration in the caps (codec_data). No
// browser takes these two over RTP.
enum class Codec : uint8_t { h264, h265, jpeg, pcmu, pcma, opus, aac, other };

constexpr bool is_video(Codec c) { return c == Codec::h264 || c == Codec::h265 || c == Codec::jpeg; }
// Whether RTP payloads are made of it (make_rtp_payloads); no session can be negotiated for the others.
constexpr bool has_rtp_payloads(Codec c) { return c != Codec::jpeg && c != Codec::aac && c != Codec::other; }
// RTP clock rate in Hz (RFC 6184, 7798, 3551, 7587).
constexpr unsigned rtp_clock_rate(Codec c) {
    switch (c) {
    case Codec::pcmu:
    case Codec::pcma: return 8000;
    case Codec::opus: return 48000;
    default: return 90000;
    }
}
SLUICE_API const char* codec_name(Codec c);            // "H264", "PCMU"...: the RTP encoding name
SLUICE_API Codec codec_from_caps(const GstCaps* caps); // video/x-h264, audio/x-mulaw...

} // namespace sluice
