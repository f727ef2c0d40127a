// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/feedback_reader.hpp"
#include "tests/support/twcc_event.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using test::TwccPacket;

constexpr GstClockTime ms = GST_MSECOND;
constexpr GstClockTime period = (GstClockTime{1} << 24) * 64 * ms;

std::vector<PacketResult> read(FeedbackReader& reader, const std::vector<TwccPacket>& packets) {
    GstStructure* s = test::twcc_structure(packets);
    const std::vector<PacketResult> results = reader.read(s);
    gst_structure_free(s);
    return results;
}

TEST(FeedbackReader, TellsWhatBecameOfEachPacket) {
    FeedbackReader reader;
    const auto r = read(
        reader,
        {{7, 100 * ms, 5000 * ms, 1000}, {8, 101 * ms, GST_CLOCK_TIME_NONE, 1100, true}, {9, 102 * ms, 5004 * ms, 0}});
    ASSERT_EQ(r.size(), 3u);
    EXPECT_EQ(r[0].sent, 100 * ms);
    EXPECT_EQ(r[0].bytes, 1000 + FeedbackReader::usual_overhead);
    EXPECT_FALSE(r[0].lost);
    EXPECT_TRUE(r[1].lost);
    EXPECT_EQ(r[1].bytes, 1100 + FeedbackReader::usual_overhead);
    EXPECT_EQ(r[1].seq, r[0].seq + 1);
    EXPECT_EQ(r[2].seq, r[0].seq + 2);
    EXPECT_EQ(r[2].arrived - r[0].arrived, 4 * ms);
}

TEST(FeedbackReader, PacketsThatAreNotKnownAnyMoreAreLeftOut) {
    FeedbackReader reader;
    const auto r = read(reader, {{1, GST_CLOCK_TIME_NONE, 10 * ms, 0},
                                 {2, 5 * ms, 11 * ms, 900},
                                 {3, 5 * ms, GST_CLOCK_TIME_NONE, 900},
                                 {70000, 5 * ms, 12 * ms, 900}});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].sent, 5 * ms);
}

TEST(FeedbackReader, SequenceNumbersGoOnBeyondTheirWrap) {
    FeedbackReader reader;
    uint64_t last = 0;
    for (unsigned i = 65000; i < 65000 + 4 * 65536; i += 7) {
        const auto r = read(reader, {{i & 0xffff, i * ms, i * ms, 100}});
        ASSERT_EQ(r.size(), 1u);
        if (last != 0) {
            ASSERT_EQ(r[0].seq, last + 7);
        }
        last = r[0].seq;
    }
}

TEST(FeedbackReader, OneFeedbackAcrossTheWrapIsInOrder) {
    FeedbackReader reader;
    auto r =
        read(reader,
             {{65534, 1 * ms, 1 * ms, 1}, {65535, 2 * ms, 2 * ms, 1}, {0, 3 * ms, 3 * ms, 1}, {1, 4 * ms, 4 * ms, 1}});
    ASSERT_EQ(r.size(), 4u);
    for (size_t i = 1; i < 4; ++i)
        EXPECT_EQ(r[i].seq, r[0].seq + i);
    // and one from before the wrap, late
    const uint64_t first = r[0].seq;
    r = read(reader, {{65530, 1 * ms, 1 * ms, 1}});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].seq, first - 4);
}

TEST(FeedbackReader, TheReceiversClockWraps) {
    FeedbackReader reader;
    const auto a = read(reader, {{1, 1 * ms, period - 20 * ms, 1}});
    const auto b = read(reader, {{2, 2 * ms, 30 * ms, 1}});
    const auto late = read(reader, {{0, 1 * ms, period - 25 * ms, 1}});
    const auto beyond = read(reader, {{3, 3 * ms, period + 40 * ms, 1}}); // base and deltas of one report
    EXPECT_EQ(b[0].arrived - a[0].arrived, 50 * ms);
    EXPECT_EQ(a[0].arrived - late[0].arrived, 5 * ms);
    EXPECT_EQ(beyond[0].arrived - b[0].arrived, 10 * ms);
}

TEST(FeedbackReader, AFirstReportMayBeTheLaterOne) {
    FeedbackReader reader;
    const auto b = read(reader, {{0, 2 * ms, 5 * ms, 1}});
    const auto a = read(reader, {{65535, 1 * ms, period - 5 * ms, 1}});
    EXPECT_EQ(b[0].arrived - a[0].arrived, 10 * ms);
    EXPECT_EQ(b[0].seq - a[0].seq, 1u);
}

TEST(FeedbackReader, OtherStructuresAreNone) {
    FeedbackReader reader;
    EXPECT_TRUE(reader.read(nullptr).empty());
    GstStructure* s = gst_structure_new("RTPTWCCPackets", "packets", G_TYPE_UINT, 3, nullptr);
    EXPECT_TRUE(reader.read(s).empty());
    gst_structure_free(s);
    s = gst_structure_new_empty("RTPTWCCPackets");
    EXPECT_TRUE(reader.read(s).empty());
    gst_structure_set_name(s, "Other");
    EXPECT_TRUE(reader.read(s).empty());
    gst_structure_free(s);
}

TEST(FeedbackReader, HugeReportsAreCut) {
    FeedbackReader reader;
    std::vector<TwccPacket> packets;
    for (unsigned i = 0; i < 20000; ++i)
        packets.push_back({i, i * ms, i * ms, 10});
    EXPECT_EQ(read(reader, packets).size(), FeedbackReader::max_packets);
}

TEST(TraceLine, SaysItAll) {
    EXPECT_EQ(trace_line({{5, 1000000, 2250000, 1200, false}, {6, 1004000, 0, 800, true}}, 9 * ms),
              "feedback 9000 5:1000:2250:1200 6:1004:lost:800");
    EXPECT_EQ(trace_line(Probe{5 * ms, 9 * ms, 700000}), "probe 5000 9000 700000");
}

} // namespace
} // namespace sluice
