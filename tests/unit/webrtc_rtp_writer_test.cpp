// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/rtp_writer.hpp"
#include "tests/support/rtp_packet.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

constexpr RtpWriter::Identity identity{
    .ssrc = 0xdeadbeef, .payload_type = 102, .clock_rate = 90000, .first_seq = 1000, .timestamp_offset = 7};

// Writes into a channel and takes the units out again: only a channel makes whole ones.
struct RtpWriterTest : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/main");
    Producer producer{channel, 1000 * GST_SECOND};
    std::unique_ptr<Channel::Reader> reader = channel->attach(Channel::Start::cached_gop, true, false);

    RtpWriterTest() { key(); } // nothing comes before the first key unit

    AccessUnitPtr key(size_t size = 40) {
        producer.key(size);
        return reader->next().unit;
    }
    AccessUnitPtr delta(size_t size = 20) {
        producer.delta(size);
        return reader->next().unit;
    }
    // The slice of a unit that is nothing else, without its start code.
    static Bytes nal_of(const AccessUnitPtr& unit) {
        const Bytes all = bytes_of(unit);
        return {all.begin() + 4, all.end()};
    }
    static std::vector<RtpPacket> packets(const Ref<GstBufferList>& list) { return rtp_packets(list.get()); }
};

TEST_F(RtpWriterTest, WritesTheHeaderOfRfc3550) {
    RtpWriter w(identity);
    const auto unit = delta();
    const auto list = w.write(*unit);
    const auto all = packets(list);
    ASSERT_EQ(all.size(), 1u);
    const RtpPacket& p = all[0];
    EXPECT_EQ(p.version, 2);
    EXPECT_FALSE(p.padding || p.extension);
    EXPECT_EQ(p.csrc_count, 0);
    EXPECT_TRUE(p.marker);
    EXPECT_EQ(p.payload_type, 102);
    EXPECT_EQ(p.seq, 1000);
    EXPECT_EQ(p.ssrc, 0xdeadbeefu);
    EXPECT_EQ(p.timestamp, 7 + static_cast<uint32_t>(unit->time * 9 / 100000));
    EXPECT_EQ(p.payload, nal_of(unit));
}

// What is not to be numbered has no place for it.
TEST_F(RtpWriterTest, NumbersOnlyTheLastPacketOfAUnitIfToldSo) {
    auto with = identity;
    with.extension_id = 5;
    RtpWriter w(with);
    w.set_numbered(Numbered::last);
    for (const auto& unit : {key(5000), delta()}) {
        const auto list = w.write(*unit);
        const auto all = packets(list);
        for (const RtpPacket& p : all)
            EXPECT_EQ(p.extension, p.marker);
        EXPECT_TRUE(all.back().marker);
        EXPECT_EQ(all.back().extension_data, (Bytes{0x51, 0, 0, 0}));
    }
    w.set_numbered(Numbered::none);
    EXPECT_FALSE(packets(w.write(*delta()))[0].extension);
    w.set_numbered(Numbered::all);
    for (const RtpPacket& p : packets(w.write(*key(5000))))
        EXPECT_TRUE(p.extension);
    with.delay_extension_id = 1;
    RtpWriter both(with);
    both.set_numbered(Numbered::last);
    for (const RtpPacket& p : packets(both.write(*key(5000), RtpWriter::Delay{})))
        EXPECT_EQ(p.extension_data.size(), p.marker ? 8u : 4u) << "what else is told is told";
}

// RFC 8285 section 4.2: the one byte form. The number is filled in when the packet leaves.
TEST_F(RtpWriterTest, LeavesRoomForTheTransportWideNumber) {
    auto with = identity;
    with.extension_id = 5;
    RtpWriter w(with);
    const auto unit = key(5000);
    const auto list = w.write(*unit);
    const auto all = packets(list);
    ASSERT_GT(all.size(), 1u);
    for (const RtpPacket& p : all) {
        EXPECT_TRUE(p.extension);
        EXPECT_EQ(p.extension_profile, 0xbedeu);
        EXPECT_EQ(p.extension_data, (Bytes{0x51, 0, 0, 0}));
    }
    EXPECT_EQ(w.bytes(), gst_buffer_list_calculate_size(list.get()));
    RtpWriter without(identity);
    const auto plain = packets(without.write(*unit));
    ASSERT_EQ(plain.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(plain[i].payload, all[i].payload);
    w.leave_extension_out();
    EXPECT_FALSE(packets(w.write(*delta()))[0].extension);
}

// Both elements in one header, padded to a word; 12 bits each, in units of 10 ms.
TEST_F(RtpWriterTest, TellsHowLongToHoldAPictureBack) {
    auto with = identity;
    with.extension_id = 5;
    with.delay_extension_id = 12;
    RtpWriter both(with);
    const RtpWriter::Delay delay{.least = 300 * GST_MSECOND, .most = 10 * GST_SECOND};
    const auto unit = key(5000);
    const auto list = both.write(*unit, delay);
    for (const RtpPacket& p : packets(list)) {
        EXPECT_EQ(p.extension_profile, 0xbedeu);
        EXPECT_EQ(p.extension_data, (Bytes{0x51, 0, 0, 0xc2, 0x01, 0xe3, 0xe8, 0}));
    }
    EXPECT_EQ(both.bytes(), gst_buffer_list_calculate_size(list.get()));
    EXPECT_EQ(packets(both.write(*delta()))[0].extension_data, (Bytes{0x51, 0, 0, 0})) << "nothing is told";

    both.leave_extension_out();
    EXPECT_EQ(packets(both.write(*delta(), delay))[0].extension_data, (Bytes{0xc2, 0x01, 0xe3, 0xe8}));
    EXPECT_FALSE(packets(both.write(*delta()))[0].extension);
    both.leave_delay_out();
    EXPECT_FALSE(packets(both.write(*delta(), delay))[0].extension);
}

TEST_F(RtpWriterTest, ADelayIsAtMostWhatFitsIntoTwelveBits) {
    auto with = identity;
    with.delay_extension_id = 1;
    RtpWriter w(with);
    const auto p = packets(w.write(*delta(), RtpWriter::Delay{.least = 0, .most = 100 * GST_SECOND}))[0];
    EXPECT_EQ(p.extension_data, (Bytes{0x12, 0x00, 0x0f, 0xff}));
}

TEST_F(RtpWriterTest, NumbersThatNeverLeaveAreGivenToOthers) {
    RtpWriter w(identity);
    const auto list = w.write(*key(5000));
    const guint all = gst_buffer_list_length(list.get());
    ASSERT_GT(all, 3u);
    const uint64_t bytes = w.bytes();
    w.take_back(list.get(), 2);
    EXPECT_EQ(w.packets(), 2u);
    EXPECT_LT(w.bytes(), bytes);
    EXPECT_EQ(packets(w.write(*delta()))[0].seq, identity.first_seq + 2);
}

TEST_F(RtpWriterTest, OnlyTheLastPacketOfAPictureHasTheMarker) {
    RtpWriter w(identity);
    const auto all = packets(w.write(*key(5000)));
    ASSERT_GT(all.size(), 4u);
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].marker, i + 1 == all.size()) << i;
        EXPECT_EQ(all[i].timestamp, all[0].timestamp);
        EXPECT_EQ(all[i].seq, 1000 + i);
        EXPECT_LE(all[i].payload.size(), rtp_max_payload);
    }
}

TEST_F(RtpWriterTest, BuffersCarryMarkerFlagAndTime) {
    RtpWriter w(identity);
    const auto unit = key(3000);
    const auto list = w.write(*unit);
    const guint n = gst_buffer_list_length(list.get());
    ASSERT_GT(n, 2u);
    for (guint i = 0; i < n; ++i) {
        GstBuffer* b = gst_buffer_list_get(list.get(), i);
        EXPECT_EQ(GST_BUFFER_PTS(b), unit->time);
        EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(b, GST_BUFFER_FLAG_MARKER), i + 1 == n);
    }
}

TEST_F(RtpWriterTest, TheFragmentsPutTogetherAreTheNalUnit) {
    RtpWriter w(identity);
    const auto unit = delta(4000);
    Bytes nal;
    for (const auto& p : packets(w.write(*unit))) {
        ASSERT_EQ(p.payload[0] & 0x1f, 28); // FU-A
        if (p.payload[1] & 0x80)
            nal.push_back(static_cast<uint8_t>((p.payload[0] & 0xe0) | (p.payload[1] & 0x1f)));
        nal.insert(nal.end(), p.payload.begin() + 2, p.payload.end());
    }
    EXPECT_EQ(nal, nal_of(unit));
}

TEST_F(RtpWriterTest, ThePayloadIsSharedAmongViewersNotCopied) {
    RtpWriter a(identity), b({.ssrc = 2, .payload_type = 96, .first_seq = 5});
    const auto unit = delta(3000);
    const auto first = a.write(*unit), second = b.write(*unit);
    ASSERT_EQ(gst_buffer_list_length(first.get()), gst_buffer_list_length(second.get()));
    for (guint i = 0; i < gst_buffer_list_length(first.get()); ++i) {
        GstBuffer *x = gst_buffer_list_get(first.get(), i), *y = gst_buffer_list_get(second.get(), i);
        ASSERT_EQ(gst_buffer_n_memory(x), 2u);
        ASSERT_EQ(gst_buffer_n_memory(y), 2u);
        EXPECT_NE(gst_buffer_peek_memory(x, 0), gst_buffer_peek_memory(y, 0)) << "the headers are each viewer's own";
        EXPECT_EQ(gst_buffer_peek_memory(x, 1), gst_buffer_peek_memory(y, 1));
    }
    EXPECT_EQ(packets(first)[0].ssrc, 0xdeadbeefu);
    EXPECT_EQ(packets(second)[0].ssrc, 2u);
}

TEST_F(RtpWriterTest, SequenceNumbersHaveNoGapOverTheWrap) {
    auto id = identity;
    id.first_seq = 65530;
    RtpWriter w(id);
    uint16_t expected = 65530;
    const auto send = [&](const AccessUnitPtr& unit) {
        for (const auto& p : packets(w.write(*unit)))
            EXPECT_EQ(p.seq, expected++);
    };
    send(key(6000));
    for (int i = 0; i < 20; ++i)
        send(delta(2000));
    EXPECT_LT(expected, 65530) << "it went over the wrap";
    EXPECT_EQ(w.next_seq(), expected);
}

TEST_F(RtpWriterTest, TimestampsFollowTheChannelsTime) {
    RtpWriter w(identity);
    const auto first = packets(w.write(*key()))[0].timestamp;
    const auto second = packets(w.write(*delta()))[0].timestamp;
    const auto third = packets(w.write(*delta()))[0].timestamp;
    EXPECT_EQ(second - first, 3600u); // 40 ms
    EXPECT_EQ(third - second, 3600u);
}

TEST_F(RtpWriterTest, TimestampsWrapAt32Bits) {
    auto id = identity;
    id.timestamp_offset = UINT32_MAX - static_cast<uint32_t>(producer.now * 9 / 100000);
    RtpWriter w(id);
    EXPECT_EQ(packets(w.write(*key()))[0].timestamp, UINT32_MAX);
    EXPECT_EQ(packets(w.write(*delta()))[0].timestamp, 3599u);
}

TEST_F(RtpWriterTest, ARepeatedGopTakesATickPerUnitAndTheLiveEdgeKeepsItsTime) {
    RtpWriter w(identity);
    std::vector<AccessUnitPtr> gop{key()};
    for (int i = 0; i < 100; ++i)
        gop.push_back(delta());
    uint32_t last = 0;
    for (const auto& u : gop)
        last = packets(w.write(*u))[0].timestamp;
    const uint32_t before = last;
    for (const auto& u : gop) { // the answer to a PLI
        const uint32_t t = packets(w.write(*u))[0].timestamp;
        ASSERT_GE(static_cast<int32_t>(t - last), 1) << "strictly forward";
        last = t;
    }
    EXPECT_LE(last - before, 250u) << "some milliseconds for the whole burst";
    const auto live = delta();
    EXPECT_EQ(packets(w.write(*live))[0].timestamp, 7 + static_cast<uint32_t>(live->time * 9 / 100000));
}

// Older than what was seen: decoded, but not to be shown.
TEST_F(RtpWriterTest, WhatIsHiddenHasStampsBeforeWhatWasSeen) {
    RtpWriter w(identity);
    std::vector<AccessUnitPtr> gop{key()};
    for (int i = 0; i < 49; ++i)
        gop.push_back(delta());
    std::vector<uint32_t> sent;
    for (const auto& u : gop)
        sent.push_back(packets(w.write(*u))[0].timestamp);
    const auto before = [](uint32_t a, uint32_t b) { return static_cast<int32_t>(b - a); };
    w.hide(gop[49]->time, gop[30]->time);
    uint32_t last = sent[29];
    for (const auto& u : gop) {
        const uint32_t t = packets(w.write(*u))[0].timestamp;
        ASSERT_GE(before(last, t), 1) << "in their order";
        ASSERT_GE(before(t, sent[30]), 90);
        last = t;
    }
    const auto live = delta();
    EXPECT_EQ(packets(w.write(*live))[0].timestamp, 7 + static_cast<uint32_t>(live->time * 9 / 100000));

    w.hide(gop[10]->time, gop[10]->time); // the others had not been seen, and are to be shown
    for (size_t i = 0; i < gop.size(); ++i) {
        const uint32_t t = packets(w.write(*gop[i]))[0].timestamp;
        if (i <= 10)
            EXPECT_GE(before(t, sent[10]), 90);
        else
            EXPECT_GE(before(sent[49], t), 1);
    }
}

// A GOP of minutes: what finds no room before goes forward, as without hiding.
TEST_F(RtpWriterTest, HidingHasRoomForSomeThousandUnits) {
    RtpWriter w(identity);
    const auto first = key(), second = delta();
    (void)w.write(*first);
    const uint32_t seen = packets(w.write(*second))[0].timestamp;
    w.hide(second->time, second->time);
    int hidden = 0;
    uint32_t last = 0;
    for (int i = 0; i < 4000; ++i) {
        const uint32_t t = packets(w.write(*first))[0].timestamp;
        ASSERT_TRUE(i == 0 || static_cast<int32_t>(t - last) >= 1);
        hidden += static_cast<int32_t>(t - seen) < 0;
        last = t;
    }
    EXPECT_GE(hidden, 2000);
    EXPECT_LT(hidden, 4000);
}

TEST_F(RtpWriterTest, AStreamThatLagsBehindTheOneBeforeStillGoesForward) {
    RtpWriter w(identity);
    const auto other = std::make_shared<Channel>("front/sub");
    Producer behind{other, 990 * GST_SECOND}; // 10 s older
    behind.key();
    behind.delta();
    const auto r = other->attach(Channel::Start::cached_gop, true, false);
    const uint32_t main = packets(w.write(*key()))[0].timestamp;
    const uint32_t sub = packets(w.write(*r->next().unit))[0].timestamp;
    const uint32_t next = packets(w.write(*r->next().unit))[0].timestamp;
    EXPECT_GE(static_cast<int32_t>(sub - main), 1);
    EXPECT_GE(static_cast<int32_t>(next - sub), 1);
}

TEST_F(RtpWriterTest, PtsNeverGoesBackEither) {
    RtpWriter w(identity);
    const auto first = key(), second = delta();
    const auto pts = [&](const AccessUnitPtr& u) {
        const auto list = w.write(*u);
        return GST_BUFFER_PTS(gst_buffer_list_get(list.get(), 0));
    };
    pts(first);
    const GstClockTime newest = pts(second);
    EXPECT_GT(pts(first), newest);
}

TEST_F(RtpWriterTest, CountsPacketsAndBytes) {
    RtpWriter w(identity);
    uint64_t bytes = 0, count = 0;
    for (const auto& unit : {key(5000), delta(3000)}) {
        const auto list = w.write(*unit);
        count += gst_buffer_list_length(list.get());
        bytes += gst_buffer_list_calculate_size(list.get());
    }
    EXPECT_EQ(w.packets(), count);
    EXPECT_EQ(w.bytes(), bytes);
}

// G.711 at 8 kHz in units of 40 ms.
struct SoundWriterTest : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/main");
    Channel::Token token = channel->open();
    std::unique_ptr<Channel::Reader> reader = channel->attach(Channel::Start::live, false, true);
    RtpWriter w{{.ssrc = 1, .payload_type = 0, .clock_rate = 8000, .first_seq = 1, .timestamp_offset = 77}};

    SoundWriterTest() {
        const auto sound = mulaw_caps();
        channel->set_track(token, 0, sound.get());
    }
    std::vector<RtpPacket> send(GstClockTime time, bool discont = false, size_t samples = 320) {
        const auto buffer = buffer_of(Bytes(samples, 0x55));
        EXPECT_EQ(channel->write(token, 0, buffer.get(), time, time + GST_SECOND, discont), Channel::Written::ok);
        const auto next = reader->next();
        list = w.write(*next.unit);
        return rtp_packets(list.get());
    }
    Ref<GstBufferList> list;
    static constexpr GstClockTime t0 = 1000 * GST_SECOND;
};

TEST_F(SoundWriterTest, PiecesOfAUnitGoOnByTheirSamples) {
    const auto p = send(t0);
    ASSERT_EQ(p.size(), 2u);
    EXPECT_EQ(p[0].timestamp, 77u + 8'000'000);
    EXPECT_EQ(p[1].timestamp, p[0].timestamp + 160);
    EXPECT_EQ(p[1].seq, p[0].seq + 1);
    EXPECT_FALSE(p[0].marker || p[1].marker);
    EXPECT_EQ(GST_BUFFER_PTS(gst_buffer_list_get(list.get(), 0)), t0);
    EXPECT_EQ(GST_BUFFER_PTS(gst_buffer_list_get(list.get(), 1)), t0 + 20 * GST_MSECOND);
}

TEST_F(SoundWriterTest, StampsOfACameraThatJitterAreHeardAsNoGap) {
    uint32_t expected = send(t0)[0].timestamp;
    GstClockTime time = t0;
    for (const int jitter : {1, -1, 7, -7, 18, -18, 0}) {
        time += 40 * GST_MSECOND;
        expected += 320;
        EXPECT_EQ(send(time + jitter * GstClockTimeDiff(GST_MSECOND))[0].timestamp, expected) << jitter;
        EXPECT_EQ(GST_BUFFER_PTS(gst_buffer_list_get(list.get(), 0)), time + jitter * GstClockTimeDiff(GST_MSECOND))
            << "what sender reports are made of is the camera's time";
    }
}

TEST_F(SoundWriterTest, ALossIsAGapOfItsLength) {
    const uint32_t first = send(t0)[0].timestamp;
    EXPECT_EQ(send(t0 + 80 * GST_MSECOND)[0].timestamp, first + 640) << "more than jitter";
    EXPECT_EQ(send(t0 + 140 * GST_MSECOND, true)[0].timestamp, first + 1120) << "the camera says so";
}

TEST_F(SoundWriterTest, ItNeverGoesBackAndDriftIsMadeGoodAtOnce) {
    uint32_t last = send(t0)[0].timestamp;
    GstClockTime time = t0;
    unsigned jumps = 0;
    for (int i = 1; i <= 1000; ++i) { // 40 s of a camera whose clock is 0.5 % slow
        time += 40'200'000;
        const uint32_t now = send(time)[0].timestamp;
        const uint32_t step = now - last;
        jumps += step != 320;
        EXPECT_GE(step, 320u);
        EXPECT_LE(step, 320u + 320);
        last = now;
    }
    EXPECT_EQ(jumps, 5u) << "200 ms, 40 at a time";
    EXPECT_EQ(send(time + 30 * GST_MSECOND, true)[0].timestamp, last + 320) << "a discontinuity backwards is none";
}

} // namespace
} // namespace sluice
