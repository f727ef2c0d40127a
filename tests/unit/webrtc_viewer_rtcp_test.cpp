// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/refs.hpp"
#include "plugins/webrtc/viewer_rtcp.hpp"

#include <gst/rtp/gstrtcpbuffer.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

constexpr uint32_t picture = 0x1234abcd, sound = 0x99;

struct Block {
    uint32_t about;
    uint8_t fraction;
    uint32_t highest;
};

// A packet of its own for each list of blocks, SR or RR by turns, behind a PLI.
Ref<GstBuffer> rtcp(const std::vector<std::vector<Block>>& packets) {
    auto buffer = adopt(gst_rtcp_buffer_new(1400));
    GstRTCPBuffer map = GST_RTCP_BUFFER_INIT;
    gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &map);
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&map, GST_RTCP_TYPE_PSFB, &packet);
    gst_rtcp_packet_fb_set_type(&packet, GST_RTCP_PSFB_TYPE_PLI);
    bool rr = true;
    for (const auto& blocks : packets) {
        gst_rtcp_buffer_add_packet(&map, rr ? GST_RTCP_TYPE_RR : GST_RTCP_TYPE_SR, &packet);
        if (rr)
            gst_rtcp_packet_rr_set_ssrc(&packet, 1);
        else
            gst_rtcp_packet_sr_set_sender_info(&packet, 1, 2, 3, 4, 5);
        for (const Block& b : blocks)
            gst_rtcp_packet_add_rb(&packet, b.about, b.fraction, 1000, b.highest, 7, 8, 9);
        rr = !rr;
    }
    gst_rtcp_buffer_unmap(&map);
    return buffer;
}

std::optional<ReceiverReport> report_in(GstBuffer* rtcp, uint32_t ssrc) {
    return read_viewer_rtcp(rtcp, ssrc, [](auto) { ADD_FAILURE() << "there is none"; }).report;
}
std::optional<ReceiverReport> read(const std::vector<std::vector<Block>>& packets) {
    const auto buffer = rtcp(packets);
    return report_in(buffer.get(), picture);
}

TEST(ReceiverReports, TellOfThePicture) {
    const auto report = read({{{sound, 255, 5}, {picture, 64, 0x3fffe}}});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->highest, 0xfffe);
    EXPECT_EQ(report->fraction_lost, 0.25);
}

TEST(ReceiverReports, MayStandInAnyPacketOfTheCompound) {
    const auto report = read({{}, {{sound, 0, 5}}, {{picture, 0, 17}}});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->highest, 17);
    EXPECT_TRUE(read({{}, {{sound, 0, 5}, {picture, 0, 17}}})) << "who sends, too";
}

TEST(ReceiverReports, OfOthersAreNone) {
    EXPECT_FALSE(read({}));
    EXPECT_FALSE(read({{{sound, 0, 5}}, {{sound, 0, 6}}}));
}

TEST(ReceiverReports, BrokenOnesAreNone) {
    const auto whole = rtcp({{{sound, 0, 5}, {picture, 0, 17}}});
    const gsize size = gst_buffer_get_size(whole.get());
    for (gsize n = 0; n < size; ++n) {
        const auto part = adopt(gst_buffer_copy_region(whole.get(), GST_BUFFER_COPY_ALL, 0, n));
        EXPECT_FALSE(report_in(part.get(), picture)) << n;
    }
    EXPECT_TRUE(report_in(whole.get(), picture));
    constexpr gsize pli = 12;
    gst_buffer_memset(whole.get(), pli, 0x9f, 1); // more blocks than there is room for
    EXPECT_FALSE(report_in(whole.get(), 0)) << "what is not there is about nobody";
    EXPECT_TRUE(report_in(whole.get(), picture));
}

// FCI of whole words, each in an RTPFB of its own.
Ref<GstBuffer> feedback(const std::vector<std::vector<uint8_t>>& all, bool pli = false) {
    auto buffer = adopt(gst_rtcp_buffer_new(1400));
    GstRTCPBuffer map = GST_RTCP_BUFFER_INIT;
    gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &map);
    GstRTCPPacket packet;
    for (const auto& fci : all) {
        gst_rtcp_buffer_add_packet(&map, GST_RTCP_TYPE_RTPFB, &packet);
        gst_rtcp_packet_fb_set_type(&packet, GST_RTCP_RTPFB_TYPE_TWCC);
        gst_rtcp_packet_fb_set_fci_length(&packet, static_cast<guint16>(fci.size() / 4));
        if (!fci.empty())
            std::copy(fci.begin(), fci.end(), gst_rtcp_packet_fb_get_fci(&packet));
    }
    if (pli) {
        gst_rtcp_buffer_add_packet(&map, GST_RTCP_TYPE_PSFB, &packet);
        gst_rtcp_packet_fb_set_type(&packet, GST_RTCP_PSFB_TYPE_PLI);
    }
    gst_rtcp_buffer_unmap(&map);
    return buffer;
}

TEST(TransportFeedbacks, AreHandedOn) {
    const std::vector<std::vector<uint8_t>> sent{{1, 2, 3, 4, 5, 6, 7, 8}, {9, 10, 11, 12}, {}};
    for (const bool pli : {false, true}) {
        std::vector<std::vector<uint8_t>> got;
        const auto rtcp = feedback(sent, pli);
        const auto found =
            read_viewer_rtcp(rtcp.get(), picture, [&](auto fci) { got.emplace_back(fci.begin(), fci.end()); });
        EXPECT_EQ(got, sent);
        EXPECT_EQ(found.only_feedback, !pli) << "the RTP session has to see the rest";
        EXPECT_FALSE(found.report);
    }
}

TEST(TransportFeedbacks, ReportsAreForTheRtpSession) {
    const auto rtcp_of_reports = rtcp({{{picture, 0, 17}}});
    EXPECT_FALSE(read_viewer_rtcp(rtcp_of_reports.get(), picture, [](auto) {}).only_feedback);
    const auto empty = adopt(gst_buffer_new());
    EXPECT_FALSE(read_viewer_rtcp(empty.get(), picture, [](auto) {}).only_feedback);
}

} // namespace
} // namespace sluice
