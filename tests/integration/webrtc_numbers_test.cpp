// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport-wide numbers on their way through webrtcbin's elements, and what GStreamer's RTP session reports of them when it receives.
#include "plugins/core/channel_access.hpp"
#include "plugins/webrtc/rtp_source.hpp"
#include "plugins/webrtc/rtp_writer.hpp"
#include "plugins/webrtc/sdp_offer.hpp"
#include "plugins/webrtc/transport_numbers.hpp"
#include "plugins/webrtc/viewer_rtcp.hpp"
#include "tests/support/rtp_packet.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace sluice {
namespace {

using namespace test;

constexpr uint32_t ssrc = 0x1234, rtx_ssrc = 0x5678;
constexpr uint8_t payload_type = 96, rtx_payload_type = 97, id = 5;

// A writer's packets through rtprtxsend and the sender's rtpsession, as they are in webrtcbin, to one that receives.
struct Numbers : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/main");
    Producer producer{channel, 1000 * GST_SECOND};
    std::unique_ptr<Channel::Reader> reader = channel->attach(Channel::Start::cached_gop, true, false);
    RtpWriter writer{{.ssrc = ssrc, .payload_type = payload_type, .first_seq = 100, .extension_id = id}};
    std::shared_ptr<TransportNumbers> numbers = std::make_shared<TransportNumbers>(id);
    Ref<GstElement> pipeline = sink(gst_pipeline_new(nullptr)), source, rtx, session, receiver;

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<RtpPacket> sent; // in order
    std::vector<gsize> sizes;    // of them
    std::vector<PacketResult> reported;
    bool lose = false; // what leaves does not arrive

    void SetUp() override {
        const auto caps = adopt(gst_caps_new_simple(
            "application/x-rtp", "media", G_TYPE_STRING, "video", "encoding-name", G_TYPE_STRING, "H264", "payload",
            G_TYPE_INT, int{payload_type}, "clock-rate", G_TYPE_INT, 90000, "ssrc", G_TYPE_UINT, ssrc, nullptr));
        source = make_rtp_source(caps.get());
        rtx = ref(gst_element_factory_make("rtprtxsend", nullptr));
        session = ref(gst_element_factory_make("rtpsession", nullptr));
        receiver = ref(gst_element_factory_make("rtpsession", nullptr));
        auto* out = gst_element_factory_make("fakesink", nullptr);
        auto* rtcp = gst_element_factory_make("fakesink", nullptr);
        ASSERT_TRUE(rtx && session && receiver && out && rtcp);
        g_object_set(out, "async", FALSE, "sync", FALSE, nullptr);
        g_object_set(rtcp, "async", FALSE, "sync", FALSE, nullptr);
        GstStructure* types =
            gst_structure_new("application/x-rtp-pt-map", "96", G_TYPE_UINT, rtx_payload_type, nullptr);
        GstStructure* ssrcs = gst_structure_new("application/x-rtp-ssrc-map", std::to_string(ssrc).c_str(), G_TYPE_UINT,
                                                rtx_ssrc, nullptr);
        g_object_set(rtx.get(), "payload-type-map", types, "ssrc-map", ssrcs, nullptr);
        gst_structure_free(types);
        gst_structure_free(ssrcs);
        TransportNumbers::watch(rtx.get(), numbers, {ssrc});
        gst_util_set_object_arg(G_OBJECT(receiver.get()), "rtp-profile", "avpf");
        for (GstElement* e : {source.get(), rtx.get(), session.get(), receiver.get(), out, rtcp})
            gst_bin_add(GST_BIN(pipeline.get()), e);
        ASSERT_TRUE(gst_element_link(source.get(), rtx.get()));
        ASSERT_TRUE(gst_element_link_pads(rtx.get(), "src", session.get(), "send_rtp_sink"));
        ASSERT_TRUE(gst_element_link_pads(session.get(), "send_rtp_src", receiver.get(), "recv_rtp_sink"));
        ASSERT_TRUE(gst_element_link_pads(receiver.get(), "recv_rtp_src", out, "sink"));
        ASSERT_TRUE(gst_element_link_pads(receiver.get(), "send_rtcp_src", rtcp, "sink"));
        const auto in = adopt(gst_element_get_static_pad(receiver.get(), "recv_rtp_sink"));
        gst_pad_add_probe(in.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, add_extension, nullptr, nullptr);
        watch(
            receiver.get(), "recv_rtp_sink", +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
                auto* self = static_cast<Numbers*>(data);
                self->take(info);
                return self->lose ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
            });
        watch(
            rtcp, "sink", +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
                static_cast<Numbers*>(data)->take_rtcp(GST_PAD_PROBE_INFO_BUFFER(info));
                return GST_PAD_PROBE_OK;
            });
        ASSERT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        rtp_source_begin(source.get());
    }
    void TearDown() override { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }

    // The sender's session must not see it, the receiver's has to.
    static GstPadProbeReturn add_extension(GstPad*, GstPadProbeInfo* info, gpointer) {
        GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
        if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
            return GST_PAD_PROBE_OK;
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event, &caps);
        const auto more = adopt(gst_caps_copy(caps));
        gst_caps_set_simple(more.get(), "extmap-5", G_TYPE_STRING, transport_extension_uri, nullptr);
        gst_event_unref(event);
        GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(more.get());
        return GST_PAD_PROBE_OK;
    }
    void watch(GstElement* element, const char* name, GstPadProbeCallback probe) {
        const auto pad = adopt(gst_element_get_static_pad(element, name));
        gst_pad_add_probe(pad.get(),
                          static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                          probe, this, nullptr);
    }
    void take_rtcp(GstBuffer* rtcp) {
        read_viewer_rtcp(rtcp, ssrc, [this](std::span<const uint8_t> fci) {
            const auto news = numbers->feedback().read(fci);
            std::lock_guard lock(mutex);
            reported.insert(reported.end(), news.begin(), news.end());
            changed.notify_all();
        });
    }
    void take(GstPadProbeInfo* info) {
        std::lock_guard lock(mutex);
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
            GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
            for (guint i = 0; i < gst_buffer_list_length(list); ++i)
                add(gst_buffer_list_get(list, i));
        } else {
            add(GST_PAD_PROBE_INFO_BUFFER(info));
        }
        changed.notify_all();
    }
    void add(GstBuffer* packet) {
        sent.push_back(rtp_packet(packet));
        sizes.push_back(gst_buffer_get_size(packet));
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
        numbers->write(list.get(), numbered, channel_now());
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
    // Until a report has come of so many packets.
    bool wait_for(size_t count) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(10), [&] { return reported.size() >= count; });
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

// GStreamer writes one when a picture ends.
TEST_F(Numbers, AreReportedOfTheFewThatHaveThem) {
    for (int i = 0; i < 3; ++i)
        picture(Numbered::last);
    ASSERT_TRUE(wait_for(3));
    const size_t each = sent.size() / 3;
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(reported[i].lost);
        EXPECT_EQ(reported[i].seq, reported[0].seq + i);
        EXPECT_GE(reported[i].arrived, reported[0].arrived);
        EXPECT_EQ(reported[i].bytes, sizes[each * (i + 1) - 1] + TransportFeedback::overhead);
    }
}

TEST_F(Numbers, AreReportedOfEachPacketAndOfThoseThatAreLost) {
    picture(Numbered::all);
    const size_t each = sent.size();
    picture(Numbered::all);
    lose = true;
    picture(Numbered::all);
    lose = false;
    picture(Numbered::all);
    ASSERT_TRUE(wait_for(4 * each));
    ASSERT_EQ(reported.size(), 4 * each);
    for (size_t i = 0; i < reported.size(); ++i) {
        EXPECT_EQ(reported[i].seq, reported[0].seq + i);
        EXPECT_EQ(reported[i].lost, i / each == 2) << i;
        EXPECT_EQ(reported[i].bytes, sizes[i] + TransportFeedback::overhead);
        EXPECT_LE(reported[i].sent, channel_now());
    }
}

} // namespace
} // namespace sluice
