// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/rtp_writer.hpp"

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {
constexpr uint32_t header_size = 12;       // no CSRC
constexpr uint32_t longest_extension = 12; // elements of two and of three bytes, an id each, padded to a word
constexpr uint32_t longest_delay = 0xfff;  // 12 bits

void put16(uint8_t* p, uint16_t v) {
    p[0] = static_cast<uint8_t>(v >> 8);
    p[1] = static_cast<uint8_t>(v);
}
void put32(uint8_t* p, uint32_t v) {
    put16(p, static_cast<uint16_t>(v >> 16));
    put16(p + 2, static_cast<uint16_t>(v));
}
} // namespace

// RFC 8285 section 4.2: the one byte form. The bytes written, 0: there is nothing to be told.
uint32_t RtpWriter::write_extension(uint8_t* to, const Header& h) const {
    uint32_t size = 4;
    if (id_.extension_id && (numbered_ == Numbered::all || (numbered_ == Numbered::last && h.marker))) {
        to[size] = static_cast<uint8_t>(id_.extension_id << 4 | 1); // the number is filled in later
        size += 3;
    }
    if (h.delay && id_.delay_extension_id) {
        const auto units = [](GstClockTime t) {
            return static_cast<uint32_t>(std::min<GstClockTime>(t / (10 * GST_MSECOND), longest_delay));
        };
        put32(to + size, static_cast<uint32_t>(id_.delay_extension_id << 4 | 2) << 24 | units(h.delay->least) << 12 |
                             units(h.delay->most));
        size += 4;
    }
    if (size == 4)
        return 0;
    size = (size + 3) / 4 * 4;
    put32(to, 0xbede0000 | (size / 4 - 1));
    return size;
}

Ref<GstMemory> RtpWriter::header(const Header& h, const uint8_t* prefix, uint8_t prefix_size) {
    uint8_t extension[longest_extension] = {};
    const uint32_t extension_size = write_extension(extension, h);
    const uint32_t before = header_size + extension_size;
    auto memory = adopt(gst_allocator_alloc(nullptr, before + prefix_size, nullptr));
    GstMapInfo map;
    gst_memory_map(memory.get(), &map, GST_MAP_WRITE);
    map.data[0] = static_cast<uint8_t>(0x80 | (extension_size ? 0x10 : 0)); // version 2
    map.data[1] = static_cast<uint8_t>(id_.payload_type | (h.marker ? 0x80 : 0));
    put16(map.data + 2, seq_++);
    put32(map.data + 4, h.timestamp);
    put32(map.data + 8, id_.ssrc);
    if (extension_size)
        std::memcpy(map.data + header_size, extension, extension_size);
    if (prefix_size)
        std::memcpy(map.data + before, prefix, prefix_size);
    gst_memory_unmap(memory.get(), &map);
    ++packets_;
    bytes_ += before + prefix_size;
    return memory;
}

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

void RtpWriter::hide(ChannelTime until, ChannelTime seen) {
    hidden_until_ = std::min(until, last_time_);
    past_ = std::min(seen, last_time_);
    past_ -= std::min(past_, past_room);
}

ChannelTime RtpWriter::stamp(const AccessUnit& unit) {
    const ChannelTime tick = GST_SECOND / id_.clock_rate + 1;
    if (hidden_until_ && unit.time <= hidden_until_ && past_ + tick < last_time_)
        return past_ += tick;
    hidden_until_ = 0;
    // A repeated or skipped-back unit is older than what went out already: it is put one clock tick behind that. A burst of
    // some hundred units so takes a few milliseconds of RTP time and the live edge keeps its own time.
    return started_ ? std::max(unit.time, last_time_ + tick) : unit.time;
}

Ref<GstBufferList> RtpWriter::write(const AccessUnit& unit, const std::optional<Delay>& delay) {
    const auto& payloads = unit.payloads();
    const ChannelTime time = stamp(unit);
    uint64_t ticks = gst_util_uint64_scale(time, id_.clock_rate, GST_SECOND);
    if (!is_video(unit.track->codec))
        ticks = sound_ticks(unit, ticks);
    started_ = true;
    last_time_ = std::max(last_time_, time);
    const uint32_t timestamp = id_.timestamp_offset + static_cast<uint32_t>(ticks);

    auto list = adopt(gst_buffer_list_new_sized(static_cast<guint>(payloads.size())));
    for (const RtpPayload& p : payloads) {
        GstBuffer* packet = gst_buffer_new();
        gst_buffer_append_memory(
            packet, header({.marker = p.marker, .timestamp = timestamp + p.ticks, .delay = delay ? &*delay : nullptr},
                           p.prefix.data(), p.prefix_size)
                        .release());
        gst_buffer_append_memory(packet, gst_memory_ref(p.body.get()));
        GST_BUFFER_PTS(packet) = time + gst_util_uint64_scale(p.ticks, GST_SECOND, id_.clock_rate);
        if (p.marker)
            GST_BUFFER_FLAG_SET(packet, GST_BUFFER_FLAG_MARKER);
        gst_buffer_list_add(list.get(), packet);
        bytes_ += p.body_size;
    }
    return list;
}

void RtpWriter::take_back(GstBufferList* packets, guint first) {
    const guint all = gst_buffer_list_length(packets);
    for (guint i = first; i < all; ++i)
        bytes_ -= gst_buffer_get_size(gst_buffer_list_get(packets, i));
    packets_ -= all - first;
    seq_ = static_cast<uint16_t>(seq_ - (all - first));
}

} // namespace sluice
