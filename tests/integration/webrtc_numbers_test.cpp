// SPDX-License-Identifier: LGPL-2.1-or-later
// Spot checks rely on what GStreamer's RTP session does with packets that have no place for a transport-wide number.
#include "plugins/webrtc/congestion/feedback_reader.hpp"
#include "plugins/webrtc/rtp_source.hpp"
#include "plugins/webrtc/rtp_writer.hpp"
#include "plugins/webrtc/sdp_offer.hpp"
#include "tests/support/rtp_packet.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace sluice {
namespace {

using namespace test;

constexpr uint32_t ssrc = 0x1234, rtx_ssrc = 0x5678;
constexpr uint8_t payload_type = 96, rtx_payload_type = 97, id = 5;

// A writer's packets through rtprtxsend and rtpsession, as they are in webrtcbin.
struct Numbers : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/main");
    Producer producer{channel, 1000 * GST_SECOND};
    std::unique_ptr<Channel::Reader> reader = channel->attach(Channel::Start::cached_gop, true, false);
    RtpWriter writer{{.ssrc = ssrc, .payload_type = payload_type, .first_seq = 100, .extension_id = id}};
    Ref<GstElement> pipeline = sink(gst_pipeline_new(nullptr)), source, rtx, session;
    FeedbackReader feedback_reader;
    std::vector<PacketResult> reported;

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<RtpPacket> sent; // in order

    void SetUp() override {
        const auto caps = adopt(gst_caps_new_simple(
            "application/x-rtp", "media", G_TYPE_STRING, "video", "encoding-name", G_TYPE_STRING, "H264", "payload",
            G_TYPE_INT, int{payload_type}, "clock-rate", G_TYPE_INT, 90000, "ssrc", G_TYPE_UINT, ssrc, "extmap-5",
            G_TYPE_STRING, transport_extension_uri, nullptr));
        source = make_rtp_source(caps.get());
        rtx = ref(gst_element_factory_make("rtprtxsend", nullptr));
        session = ref(gst_element_factory_make("rtpsession", nullptr));
        auto* out = gst_element_factory_make("fakesink", nullptr);
        ASSERT_TRUE(rtx && session && out);
        g_object_set(out, "async", FALSE, "sync", FALSE, nullptr);
        GstStructure* types =
            gst_structure_new("application/x-rtp-pt-map", "96", G_TYPE_UINT, rtx_payload_type, nullptr);
        GstStructure* ssrcs = gst_structure_new("application/x-rtp-ssrc-map", std::to_string(ssrc).c_str(), G_TYPE_UINT,
                                                rtx_ssrc, nullptr);
        g_object_set(rtx.get(), "payload-type-map", types, "ssrc-map", ssrcs, nullptr);
        gst_structure_free(types);
        gst_structure_free(ssrcs);
        for (GstElement* e : {source.get(), rtx.get(), session.get(), out})
            gst_bin_add(GST_BIN(pipeline.get()), e);
        ASSERT_TRUE(gst_element_link(source.get(), rtx.get()));
        ASSERT_TRUE(gst_element_link_pads(rtx.get(), "src", session.get(), "send_rtp_sink"));
        ASSERT_TRUE(gst_element_link_pads(session.get(), "send_rtp_src", out, "sink"));
        const auto pad = adopt(gst_element_get_static_pad(out, "sink"));
        gst_pad_add_probe(
            pad.get(), static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
            +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
                static_cast<Numbers*>(data)->take(info);
                return GST_PAD_PROBE_OK;
            },
            this, nullptr);
        rtp_source_set_feedback_handler(source.get(), [this](const GstStructure* s) {
            const auto& all = feedback_reader.read(s);
            reported.insert(reported.end(), all.begin(), all.end());
        });
        ASSERT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        rtp_source_begin(source.get());
    }
    void TearDown() override {
        gst_element_set_state(pipeline.get(), GST_STATE_NULL);
        rtp_source_set_feedback_handler(source.get(), nullptr);
    }

    void take(GstPadProbeInfo* info) {
        std::lock_guard lock(mutex);
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
            const auto all = rtp_packets(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
            sent.insert(sent.end(), all.begin(), all.end());
        } else {
            sent.push_back(rtp_packet(GST_PAD_PROBE_INFO_BUFFER(info)));
        }
        changed.notify_all();
    }
    // Of so many packets.
    void picture(Numbered numbered) {
        producer.key(5000);
        const auto unit = reader->next().unit;
        ASSERT_TRUE(unit);
        writer.set_numbered(numbered);
        auto list = writer.write(*unit);
        const size_t before = sent.size(), count = gst_buffer_list_length(list.get());
        ASSERT_GE(count, 3u);
        ASSERT_EQ(rtp_source_push(source.get(), std::move(list)), GST_FLOW_OK);
        ASSERT_EQ(sent.size(), before + count);
    }
    // The packet that a request for that one brings.
    RtpPacket again(uint16_t seq) {
        const size_t before = sent.size();
        const auto pad = adopt(gst_element_get_static_pad(rtx.get(), "src"));
        gst_pad_send_event(pad.get(),
                           gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT,
                                                                  guint{seq}, "ssrc", G_TYPE_UINT, ssrc, nullptr)));
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::seconds(10), [&] { return sent.size() > before; });
        return sent.size() > before ? sent.back() : RtpPacket{};
    }
    static std::optional<uint16_t> number(const RtpPacket& p) {
        if (!p.extension || p.extension_data.size() < 3 || p.extension_data[0] != (id << 4 | 1))
            return {};
        return static_cast<uint16_t>(p.extension_data[1] << 8 | p.extension_data[2]);
    }
    // A feedback that says of `count` packets from `first` on that they came, a millisecond one behind the other.
    void report(uint16_t first, uint8_t count) {
        Bytes b{0x8f,           205, 0,     0, 0, 0, 0, 1,    0,    0, 0x12, 0x34, uint8_t(first >> 8),
                uint8_t(first), 0,   count, 0, 0, 1, 0, 0x20, count}; // one run of small deltas
        b.insert(b.end(), count, 4);
        while (b.size() % 4)
            b.push_back(0);
        b[3] = static_cast<uint8_t>(b.size() / 4 - 1);
        auto pad = adopt(gst_element_get_static_pad(session.get(), "recv_rtcp_sink"));
        if (!pad) {
            pad = adopt(gst_element_request_pad_simple(session.get(), "recv_rtcp_sink"));
            const auto caps = adopt(gst_caps_new_empty_simple("application/x-rtcp"));
            GstSegment segment;
            gst_segment_init(&segment, GST_FORMAT_TIME);
            gst_pad_send_event(pad.get(), gst_event_new_stream_start("rtcp"));
            gst_pad_send_event(pad.get(), gst_event_new_caps(caps.get()));
            gst_pad_send_event(pad.get(), gst_event_new_segment(&segment));
        }
        EXPECT_EQ(gst_pad_chain(pad.get(), gst_buffer_new_memdup(b.data(), b.size())), GST_FLOW_OK);
    }
};

TEST_F(Numbers, AreGivenOneBehindTheOtherToThePacketsWithAPlaceForThem) {
    for (const Numbered n : {Numbered::all, Numbered::last, Numbered::last, Numbered::none, Numbered::all})
        picture(n);
    uint16_t next = *number(sent.front());
    uint16_t seq = 100;
    unsigned without = 0;
    for (const RtpPacket& p : sent) {
        EXPECT_EQ(p.seq, seq++) << "what is not numbered leaves all the same";
        if (p.extension)
            EXPECT_EQ(*number(p), next++);
        else
            ++without;
    }
    const size_t each = sent.size() / 5;
    EXPECT_EQ(without, 2 * (each - 1) + each);
}

TEST_F(Numbers, ArePacketsSentOnceMoreNumberedAsTheyWere) {
    picture(Numbered::all);
    picture(Numbered::last);
    const uint16_t last = *number(sent.back()), seq = sent.back().seq;
    const RtpPacket bare = again(static_cast<uint16_t>(seq - 1));
    EXPECT_EQ(bare.ssrc, rtx_ssrc);
    EXPECT_FALSE(bare.extension);
    const RtpPacket marker = again(seq);
    EXPECT_EQ(marker.ssrc, rtx_ssrc);
    EXPECT_EQ(number(marker), static_cast<uint16_t>(last + 1));
    EXPECT_EQ(number(again(100)), static_cast<uint16_t>(last + 2));
    picture(Numbered::all);
    EXPECT_EQ(number(sent.back()), static_cast<uint16_t>(last + 2 + (sent.size() - 3) / 3));
}

TEST_F(Numbers, AreReportedOfTheFewThatHaveThem) {
    picture(Numbered::last);
    picture(Numbered::last);
    picture(Numbered::last);
    const uint16_t last = *number(sent.back());
    report(static_cast<uint16_t>(last - 2), 3);
    ASSERT_EQ(reported.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(reported[i].lost);
        EXPECT_EQ(reported[i].seq, reported[0].seq + i);
        EXPECT_EQ(reported[i].arrived, reported[0].arrived + i * GST_MSECOND);
        EXPECT_EQ(reported[i].bytes,
                  sent[sent.size() / 3 * (i + 1) - 1].payload.size() + FeedbackReader::usual_overhead);
    }
}

} // namespace
} // namespace sluice
