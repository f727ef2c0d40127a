// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/transport_numbers.hpp"

#include "plugins/core/channel_access.hpp"

namespace sluice {
namespace {

// No CSRC, and the number is the first element that RtpWriter writes.
constexpr gsize ssrc_at = 8, profile_at = 12, element_at = 16, number_at = 17, header_size = 19;
constexpr uint8_t extension_bit = 0x10;

struct Watch {
    std::shared_ptr<TransportNumbers> numbers;
    std::set<uint32_t> ssrcs;
};

} // namespace

bool TransportNumbers::has_place(const uint8_t* header) const {
    return (header[0] & extension_bit) && GST_READ_UINT16_BE(header + profile_at) == 0xbede &&
           header[element_at] == (extension_id_ << 4 | 1);
}

uint16_t TransportNumbers::next(GstBuffer* packet, GstClockTime now) {
    return feedback_.number(static_cast<uint32_t>(gst_buffer_get_size(packet)), now);
}

// The header is a memory of its own; that the buffer may have other references matters to nobody.
void TransportNumbers::write(GstBuffer* packet, GstClockTime now) {
    GstMemory* header = gst_buffer_peek_memory(packet, 0);
    GstMapInfo map;
    if (!gst_memory_map(header, &map, static_cast<GstMapFlags>(GST_MAP_READ | GST_MAP_WRITE)))
        return;
    if (map.size >= header_size && has_place(map.data))
        GST_WRITE_UINT16_BE(map.data + number_at, next(packet, now));
    gst_memory_unmap(header, &map);
}

// Here it is in two.
GstBuffer* TransportNumbers::write_again(GstBuffer* packet, const std::set<uint32_t>& ssrcs, GstClockTime now) {
    uint8_t header[header_size] = {};
    if (gst_buffer_extract(packet, 0, header, header_size) < header_size || !has_place(header) ||
        ssrcs.count(GST_READ_UINT32_BE(header + ssrc_at)) != 0)
        return packet;
    packet = gst_buffer_make_writable(packet);
    uint8_t number[2];
    GST_WRITE_UINT16_BE(number, next(packet, now));
    gst_buffer_fill(packet, number_at, number, sizeof number);
    return packet;
}

void TransportNumbers::write(GstBufferList* packets, Numbered numbered, GstClockTime now) {
    const guint count = gst_buffer_list_length(packets);
    if (extension_id_ == 0 || numbered == Numbered::none || count == 0)
        return;
    for (guint i = numbered == Numbered::last ? count - 1 : 0; i < count; ++i)
        write(gst_buffer_list_get(packets, i), now);
}

// Only single packets: media leaves in lists.
void TransportNumbers::watch(GstElement* rtprtxsend, const std::shared_ptr<TransportNumbers>& numbers,
                             const std::set<uint32_t>& ssrcs) {
    if (numbers->extension_id_ == 0)
        return;
    const auto pad = adopt(gst_element_get_static_pad(rtprtxsend, "src"));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
            const auto& watch = *static_cast<Watch*>(data);
            GST_PAD_PROBE_INFO_DATA(info) =
                watch.numbers->write_again(GST_PAD_PROBE_INFO_BUFFER(info), watch.ssrcs, channel_now());
            return GST_PAD_PROBE_OK;
        },
        new Watch{numbers, ssrcs}, +[](gpointer data) { delete static_cast<Watch*>(data); });
}

} // namespace sluice
