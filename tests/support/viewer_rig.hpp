// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/viewer_stream.hpp"
#include "tests/support/rtp_packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::test {

// Two channels, a viewer and one clock. Units are told apart by their last byte: K7 is key unit 7, d8 delta unit 8.
struct ViewerStreamTest : testing::Test {
    std::shared_ptr<Channel> main = std::make_shared<Channel>("front/main");
    std::shared_ptr<Channel> sub = std::make_shared<Channel>("front/sub");
    Producer main_camera{main}, sub_camera{sub};
    GstClockTime now = 1000 * GST_SECOND;
    std::unique_ptr<ViewerStream> viewer;
    std::vector<RtpPacket> packets;    // all that were sent
    std::vector<GstClockTime> sent_at; // of each unit
    std::shared_ptr<Channel> asked;    // for a key unit
    bool wrong_codec = false;

    void watch(const std::string& stream = "main") {
        viewer = std::make_unique<ViewerStream>(
            ViewerStream::Scene{{"main", main}, {"sub", sub}}, stream, Codec::h264,
            RtpWriter::Identity{.ssrc = 1, .payload_type = 96, .first_seq = 65500, .timestamp_offset = 1u << 31});
        viewer->start();
    }
    void unit(Producer& camera, const Bytes& data) {
        camera.now = now;
        ASSERT_EQ(camera.write(data, now), Channel::Written::ok);
        now += 40 * GST_MSECOND;
    }
    void key(Producer& camera, uint8_t id, size_t size = 40) { unit(camera, sps() + pps() + idr(size, id)); }
    void delta(Producer& camera, uint8_t id, size_t size = 20) { unit(camera, p_slice(size, id)); }
    void gop(Producer& camera, uint8_t from, uint8_t to) {
        key(camera, from);
        for (int id = from + 1; id <= to; ++id)
            delta(camera, static_cast<uint8_t>(id));
    }
    void ask_for(const std::string& stream) {
        auto reader = viewer->reader_for(stream);
        ASSERT_TRUE(reader);
        viewer->request_stream(stream, reader, now);
    }

    // What one step sends: empty if nothing.
    std::string step(GstClockTime* wait_until = nullptr) {
        auto s = viewer->step(now);
        if (wait_until)
            *wait_until = s.wait_until;
        if (s.key_unit_wanted)
            asked = s.key_unit_wanted;
        wrong_codec |= s.wrong_codec;
        if (!s.packets)
            return {};
        const auto fresh = rtp_packets(s.packets.get());
        packets.insert(packets.end(), fresh.begin(), fresh.end());
        sent_at.push_back(now);
        const uint8_t type = fresh[0].payload[0] & 0x1f;
        return (type == 1 || (type == 28 && (fresh[0].payload[1] & 0x1f) == 1) ? "d" : "K") +
               std::to_string(fresh.back().payload.back());
    }
    // As a sender thread does it: until there is nothing left to do, coming back at the deadlines. At most `limit` units.
    std::string send(size_t limit = 10000) {
        std::string out;
        for (size_t i = 0; i < limit;) {
            GstClockTime wait = 0;
            const std::string what = step(&wait);
            if (!what.empty()) {
                out += (out.empty() ? "" : " ") + what;
                ++i;
            } else if (wait) {
                EXPECT_GT(wait, now) << "it would spin";
                now = std::max(now, wait);
            } else {
                break;
            }
        }
        return out;
    }
    void expect_a_sound_stream() const {
        for (size_t i = 1; i < packets.size(); ++i) {
            ASSERT_EQ(packets[i].seq, static_cast<uint16_t>(packets[i - 1].seq + 1)) << "gap at packet " << i;
            const auto step = static_cast<int32_t>(packets[i].timestamp - packets[i - 1].timestamp);
            ASSERT_EQ(step > 0, packets[i - 1].marker) << "at packet " << i;
            ASSERT_GE(step, 0) << "at packet " << i;
        }
    }
};

} // namespace sluice::test
