// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_rtcp.hpp"

#include <gst/rtp/gstrtcpbuffer.h>

#include <algorithm>

namespace sluice {
namespace {

std::optional<ReceiverReport> block_about(GstRTCPPacket& packet, uint32_t ssrc) {
    const GstRTCPType type = gst_rtcp_packet_get_type(&packet);
    if (type != GST_RTCP_TYPE_RR && type != GST_RTCP_TYPE_SR)
        return std::nullopt;
    // RFC 3550 sections 6.4.1 and 6.4.2: in words behind the first one. The count may promise more than there is.
    const guint before = type == GST_RTCP_TYPE_SR ? 6 : 1, block = 6;
    const guint length = gst_rtcp_packet_get_length(&packet), there = length < before ? 0 : (length - before) / block;
    for (guint i = 0; i < std::min(gst_rtcp_packet_get_rb_count(&packet), there); ++i) {
        guint32 about = 0, highest = 0, jitter = 0, last_report = 0, since = 0;
        guint8 fraction = 0;
        gint32 lost = 0;
        gst_rtcp_packet_get_rb(&packet, i, &about, &fraction, &lost, &highest, &jitter, &last_report, &since);
        if (about == ssrc)
            return ReceiverReport{static_cast<uint16_t>(highest), fraction / 256.0};
    }
    return std::nullopt;
}

bool is_transport_feedback(GstRTCPPacket& packet) {
    return gst_rtcp_packet_get_type(&packet) == GST_RTCP_TYPE_RTPFB &&
           gst_rtcp_packet_fb_get_type(&packet) == GST_RTCP_RTPFB_TYPE_TWCC;
}

} // namespace

ViewerRtcp read_viewer_rtcp(GstBuffer* rtcp, uint32_t ssrc,
                            const std::function<void(std::span<const uint8_t>)>& feedback) {
    ViewerRtcp found;
    GstRTCPBuffer map = GST_RTCP_BUFFER_INIT;
    if (gst_buffer_get_size(rtcp) == 0 || !gst_rtcp_buffer_validate_reduced(rtcp) ||
        !gst_rtcp_buffer_map(rtcp, GST_MAP_READ, &map))
        return found;
    GstRTCPPacket packet;
    found.only_feedback = true;
    for (bool more = gst_rtcp_buffer_get_first_packet(&map, &packet); more;
         more = gst_rtcp_packet_move_to_next(&packet)) {
        if (is_transport_feedback(packet)) {
            const uint8_t* fci = gst_rtcp_packet_fb_get_fci(&packet);
            feedback({fci, fci ? size_t{4} * gst_rtcp_packet_fb_get_fci_length(&packet) : 0});
            continue;
        }
        found.only_feedback = false;
        if (!found.report)
            found.report = block_about(packet, ssrc);
    }
    gst_rtcp_buffer_unmap(&map);
    return found;
}

} // namespace sluice
