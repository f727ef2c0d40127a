// SPDX-License-Identifier: LGPL-2.1-or-later
// The words that all parts share: tracks and access units. Data only.
#pragma once

#include "plugins/core/codec.hpp"
#include "plugins/core/nal.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/rtp_payload.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sluice {

// Nanoseconds of the channel's clock (GstSystemClock, monotonic, unless a test gives another).
using ChannelTime = GstClockTime;

// One track of a generation: replaced, never changed, when its caps change.
struct Track {
    unsigned index = 0; // sink_%u
    Codec codec = Codec::other;
    Ref<GstCaps> caps;
};
using TrackPtr = std::shared_ptr<const Track>;

// One whole access unit (video) or packet (audio). Immutable after it was written to a channel.
class SLUICE_API AccessUnit {
public:
    Ref<GstBuffer> buffer;     // one memory: Annex B without delimiters, a JPEG, or the audio packet; no timestamps
    std::vector<NalUnit> nals; // empty for JPEG and audio
    TrackPtr track;
    uint64_t seq = 0;           // position in the channel; the first ever is 0
    uint64_t generation = 0;    // the producer's life that it belongs to
    ChannelTime time = 0;       // when to show it
    bool key = false;           // a reader may start here
    bool discont = false;       // first of its generation and track, or something before it was lost
    uint32_t bytes = 0;         // what it holds of memory
    uint32_t ticks = 0;         // sound: how long it lasts, in ticks of the codec's clock (sound_packet.hpp); video: 0
    uint64_t videos_before = 0; // units of video in the channel before it, ever
    // When it was captured by the camera's wall clock, ns since 1970 UTC; nothing: the camera has not said (yet).
    std::optional<GstClockTime> capture_time;

    // Made when the first RTP reader asks, then shared by all of them. Any thread.
    const std::vector<RtpPayload>& payloads() const;

private:
    mutable std::once_flag payloads_once_;
    mutable std::vector<RtpPayload> payloads_;
};
using AccessUnitPtr = std::shared_ptr<const AccessUnit>;

} // namespace sluice
