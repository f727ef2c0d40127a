// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/rtp_writer.hpp"

#include <cstring>

namespace sluice {

namespace {
constexpr uint32_t header_size = 12; // no CSRC, no extension

void put16(uint8_t* p, uint16_t v) {
    p[0] = static_cast<uint8_t>(v >> 8);
    p[1] = static_cast<uint8_t>(v);
}
void put32(uint8_t* p, uint32_t v) {
    put16(p, static_cast<uint16_t>(v >> 16));
    put16(p + 2, static_cast<uint16_t>(v));
}
} // namespace

// Sound is counted in its samples: a receiver hears a stamp that is one sample off as a gap. Only when that count and the
// camera's time have drifted apart, or something was lost, it jumps, and never back. Sender reports tell the receiver what the
// remaining difference is.
uint64_t RtpWriter::sound_ticks(const AccessUnit& unit, uint64_t ticks) {
    const auto ahead = static_cast<int64_t>(ticks - next_ticks_);
    const auto limit = static_cast<int64_t>(gst_util_uint64_scale(sound_drift_limit, id_.clock_rate, GST_SECOND));
    if (started_ && (ahead < (unit.discont ? 0 : limit)))
        ticks = next_ticks_;
    next_ticks_ = ticks + unit.ticks;
    return ticks;
}

Ref<GstBufferList> RtpWriter::write(const AccessUnit& unit) {
    const auto& payloads = unit.payloads();
    // A repeated or skipped-back unit is older than what went out already: it is put one clock tick behind that. A burst of
    // some hundred units so takes a few milliseconds of RTP time and the live edge keeps its own time.
    const ChannelTime tick = GST_SECOND / id_.clock_rate + 1;
    ChannelTime time = unit.time;
    if (started_ && time < last_time_ + tick)
        time = last_time_ + tick;
    uint64_t ticks = gst_util_uint64_scale(time, id_.clock_rate, GST_SECOND);
    if (!is_video(unit.track->codec))
        ticks = sound_ticks(unit, ticks);
    started_ = true;
    last_time_ = time;
    const uint32_t timestamp = id_.timestamp_offset + static_cast<uint32_t>(ticks);

    auto list = adopt(gst_buffer_list_new_sized(static_cast<guint>(payloads.size())));
    for (const RtpPayload& p : payloads) {
        const gsize size = header_size + p.prefix_size;
        GstMemory* memory = gst_allocator_alloc(nullptr, size, nullptr);
        GstMapInfo map;
        gst_memory_map(memory, &map, GST_MAP_WRITE);
        map.data[0] = 0x80; // version 2
        map.data[1] = static_cast<uint8_t>(id_.payload_type | (p.marker ? 0x80 : 0));
        put16(map.data + 2, seq_++);
        put32(map.data + 4, timestamp + p.ticks);
        put32(map.data + 8, id_.ssrc);
        std::memcpy(map.data + header_size, p.prefix.data(), p.prefix_size);
        gst_memory_unmap(memory, &map);

        GstBuffer* packet = gst_buffer_new();
        gst_buffer_append_memory(packet, memory);
        gst_buffer_append_memory(packet, gst_memory_ref(p.body.get()));
        GST_BUFFER_PTS(packet) = time + gst_util_uint64_scale(p.ticks, GST_SECOND, id_.clock_rate);
        if (p.marker)
            GST_BUFFER_FLAG_SET(packet, GST_BUFFER_FLAG_MARKER);
        gst_buffer_list_add(list.get(), packet);
        ++packets_;
        bytes_ += size + p.body_size;
    }
    return list;
}

} // namespace sluice
