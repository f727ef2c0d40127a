// SPDX-License-Identifier: LGPL-2.1-or-later
// Our RTP payloads through GStreamer's depayloaders: what comes out is what went in, byte for byte.
#include "plugins/core/nal.hpp"
#include "plugins/core/rtp_payload.hpp"

#include <gst/check/gstharness.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

using namespace sluice;

namespace {

using Bytes = std::vector<uint8_t>;

struct HarnessFree {
    void operator()(GstHarness* h) const { gst_harness_teardown(h); }
};
using Harness = std::unique_ptr<GstHarness, HarnessFree>;

Harness depayloader(Codec codec) {
    const bool h265 = codec == Codec::h265;
    Harness h(gst_harness_new(h265 ? "rtph265depay" : "rtph264depay"));
    std::string caps = std::string("application/x-rtp,media=video,clock-rate=90000,payload=96,encoding-name=") +
                       codec_name(codec) + (h265 ? "" : ",packetization-mode=(string)1");
    gst_harness_set_caps_str(h.get(), caps.c_str(),
                             h265 ? "video/x-h265,stream-format=byte-stream,alignment=au"
                                  : "video/x-h264,stream-format=byte-stream,alignment=au");
    return h;
}

// The header a reader writes: RTP header and prefix in one memory, the shared body behind it.
GstBuffer* packet(const RtpPayload& p, uint16_t seq, uint32_t timestamp) {
    GstBuffer* buffer = gst_rtp_buffer_new_allocate(p.prefix_size, 0, 0);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    EXPECT_TRUE(gst_rtp_buffer_map(buffer, GST_MAP_WRITE, &rtp));
    gst_rtp_buffer_set_payload_type(&rtp, 96);
    gst_rtp_buffer_set_ssrc(&rtp, 0x12345678);
    gst_rtp_buffer_set_seq(&rtp, seq);
    gst_rtp_buffer_set_timestamp(&rtp, timestamp);
    gst_rtp_buffer_set_marker(&rtp, p.marker);
    std::copy_n(p.prefix.begin(), p.prefix_size, static_cast<uint8_t*>(gst_rtp_buffer_get_payload(&rtp)));
    gst_rtp_buffer_unmap(&rtp);
    Ref<GstMemory> body = p.body;
    gst_buffer_append_memory(buffer, body.release());
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(timestamp, GST_SECOND, 90000);
    return buffer;
}

Bytes bytes_of(GstBuffer* buffer) {
    Bytes out(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, out.data(), out.size());
    return out;
}

Ref<GstMemory> memory_of(const Bytes& data) {
    auto memory = adopt(gst_allocator_alloc(nullptr, data.size(), nullptr));
    GstMapInfo map;
    EXPECT_TRUE(gst_memory_map(memory.get(), &map, GST_MAP_WRITE));
    std::copy(data.begin(), data.end(), map.data);
    gst_memory_unmap(memory.get(), &map);
    return memory;
}

class Depay : public testing::TestWithParam<Codec> {};

TEST_P(Depay, AccessUnitsComeOutAsTheyWentIn) {
    const Codec codec = GetParam();
    const bool h265 = codec == Codec::h265;
    std::mt19937 random(3);
    auto nal = [&](unsigned type, size_t size) {
        Bytes n(size);
        // No zeros: random bytes must not make start codes.
        for (auto& b : n)
            b = static_cast<uint8_t>(1 + random() % 255);
        n[0] = static_cast<uint8_t>(h265 ? type << 1 : 0x60 | type);
        if (h265)
            n[1] = 1;
        return n;
    };
    const unsigned sps = h265 ? 33 : 7, pps = h265 ? 34 : 8, sei = h265 ? 39 : 6, idr = h265 ? 19 : 5, slice = 1;

    Harness h = depayloader(codec);
    uint16_t seq = 65500; // wraps on the way
    for (uint32_t picture = 0; picture < 60; picture++) {
        std::vector<Bytes> nals;
        if (picture % 10 == 0) {
            if (h265)
                nals.push_back(nal(32, 24));
            nals.push_back(nal(sps, 30));
            nals.push_back(nal(pps, 6));
            nals.push_back(nal(sei, 3 + random() % 900));
        }
        for (unsigned i = 0, count = 1 + random() % 4; i < count; i++) {
            nals.push_back(nal(picture % 10 ? slice : idr, 3 + random() % (picture % 10 ? 3000 : 100000)));
            // Only a picture's first slice begins with a one bit (first_mb_in_slice 0, first_slice_segment_in_pic_flag).
            nals.back()[h265 ? 2 : 1] = i ? 0x5a : 0x9a;
        }

        Bytes unit;
        for (const Bytes& n : nals) {
            unit.insert(unit.end(), {0, 0, 0, 1});
            unit.insert(unit.end(), n.begin(), n.end());
        }
        auto memory = memory_of(unit);
        auto payloads = make_rtp_payloads(codec, memory.get(), split_annex_b(unit, codec));
        ASSERT_FALSE(payloads.empty());
        for (const RtpPayload& p : payloads)
            ASSERT_EQ(gst_harness_push(h.get(), packet(p, seq++, picture * 3600)), GST_FLOW_OK);
        ASSERT_EQ(gst_harness_buffers_in_queue(h.get()), 1u) << "picture " << picture;
        auto out = adopt(gst_harness_pull(h.get()));
        EXPECT_EQ(bytes_of(out.get()), unit) << "picture " << picture;
        EXPECT_EQ(!GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT), picture % 10 == 0);
    }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Depay, testing::Values(Codec::h264, Codec::h265),
                         [](const auto& row) { return std::string(codec_name(row.param)); });

} // namespace
