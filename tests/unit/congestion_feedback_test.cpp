// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/transport_feedback.hpp"
#include "tests/support/transport_report.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

using namespace test;

constexpr GstClockTime ms = GST_MSECOND;
constexpr GstClockTime period = (GstClockTime{1} << 24) * 64 * ms;

struct Feedback : testing::Test {
    TransportFeedback feedback;
    uint8_t report = 0;

    // So many packets, one each millisecond from `from` on, each a byte longer than the one before.
    void send(unsigned count, GstClockTime from = 0, uint32_t bytes = 1000) {
        for (unsigned i = 0; i < count; ++i)
            feedback.number(bytes + i, from + i * ms);
    }
    std::vector<PacketResult> read(uint16_t first, const Arrivals& arrivals, Chunks chunks = Chunks::two_bits) {
        return feedback.read(transport_report(first, report++, arrivals, chunks));
    }
};

TEST_F(Feedback, NumbersGoOnFromZeroAndWrap) {
    for (unsigned i = 0; i < 70000; ++i)
        ASSERT_EQ(feedback.number(100, i * ms), static_cast<uint16_t>(i));
}

TEST_F(Feedback, TellsWhatBecameOfEachPacket) {
    send(10, 100 * ms);
    for (const Chunks chunks : {Chunks::runs, Chunks::one_bit, Chunks::two_bits}) {
        const auto r = read(7, {5000 * ms, std::nullopt, 5004 * ms}, chunks);
        ASSERT_EQ(r.size(), 3u);
        EXPECT_EQ(r[0].sent, 107 * ms);
        EXPECT_EQ(r[0].bytes, 1007 + TransportFeedback::overhead);
        EXPECT_FALSE(r[0].lost);
        EXPECT_TRUE(r[1].lost);
        EXPECT_EQ(r[1].bytes, 1008 + TransportFeedback::overhead);
        EXPECT_EQ(r[1].seq, r[0].seq + 1);
        EXPECT_FALSE(r[2].lost);
        EXPECT_EQ(r[2].seq, r[0].seq + 2);
        EXPECT_EQ(r[2].arrived - r[0].arrived, 4 * ms);
    }
}

TEST_F(Feedback, EveryFormTellsTheSame) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        TransportFeedback sender;
        const unsigned count = 1 + random() % 100;
        for (unsigned i = 0; i < count; ++i)
            sender.number(500 + i, i * ms);
        Arrivals arrivals;
        GstClockTime at = 1000 * ms + random() % 1000 * ms;
        const bool wild = round % 2;
        for (unsigned i = 0; i < count; ++i) {
            if (i > 0 && random() % 4 == 0) {
                arrivals.push_back(std::nullopt);
                continue;
            }
            at = wild ? at + random() % 200 * ms - 90 * ms : at + random() % 50 * ms;
            arrivals.push_back(at);
        }
        for (const Chunks chunks : {Chunks::runs, Chunks::one_bit, Chunks::two_bits}) {
            if (chunks == Chunks::one_bit && wild)
                continue;
            const auto r = sender.read(transport_report(0, 0, arrivals, chunks));
            ASSERT_EQ(r.size(), count);
            for (unsigned i = 0; i < count; ++i) {
                ASSERT_EQ(r[i].lost, !arrivals[i]) << i;
                ASSERT_EQ(r[i].sent, i * ms);
                if (arrivals[i]) {
                    ASSERT_EQ(static_cast<int64_t>(r[i].arrived - r[0].arrived),
                              static_cast<int64_t>(*arrivals[i] - *arrivals[0]));
                }
            }
        }
    }
}

TEST_F(Feedback, PacketsThatAreNotKnownAreLeftOut) {
    EXPECT_TRUE(read(0, {10 * ms}).empty()) << "nothing was sent";
    send(3);
    auto r = read(0xfffe, Arrivals(10, 10 * ms));
    ASSERT_EQ(r.size(), 3u) << "before the first, and what is not sent yet";
    EXPECT_EQ(r[0].sent, 0u);
    send(1, 11 * GST_SECOND);
    r = read(0, Arrivals(4, 10 * ms));
    ASSERT_EQ(r.size(), 1u) << "of long ago";
    EXPECT_EQ(r[0].sent, 11 * GST_SECOND);
    for (unsigned i = 0; i < 5000; ++i)
        feedback.number(1, 12 * GST_SECOND);
    EXPECT_EQ(read(0, Arrivals(6000, 10 * ms)).size(), TransportFeedback::most_known);
}

TEST_F(Feedback, SequenceNumbersGoOnBeyondTheirWrap) {
    uint64_t last = 0;
    for (unsigned i = 0; i < 4 * 65536; ++i) {
        feedback.number(100, i * ms);
        if (i % 7)
            continue;
        const auto r = read(static_cast<uint16_t>(i), {i * ms});
        ASSERT_EQ(r.back().sent, i * ms);
        if (last != 0) {
            ASSERT_EQ(r.back().seq, last + 7);
        }
        last = r.back().seq;
    }
}

TEST_F(Feedback, OneReportAcrossTheWrapIsInOrder) {
    for (unsigned i = 0; i < 65540; ++i)
        feedback.number(100, i * ms);
    auto r = read(65534, Arrivals(4, 1 * ms));
    ASSERT_EQ(r.size(), 4u);
    for (size_t i = 1; i < 4; ++i)
        EXPECT_EQ(r[i].seq, r[0].seq + i);
    // and one from before the wrap, late
    const uint64_t first = r[0].seq;
    r = read(65530, {1 * ms});
    ASSERT_EQ(r.size(), 1u);
    EXPECT_EQ(r[0].seq, first - 4);
}

TEST_F(Feedback, TheReceiversClockWraps) {
    send(10);
    const auto a = read(1, {period - 20 * ms});
    const auto b = read(2, {30 * ms});
    const auto late = read(0, {period - 25 * ms});
    const auto across = read(3, {period - 1 * ms, period + 40 * ms}); // base and deltas of one report
    EXPECT_EQ(b[0].arrived - a[0].arrived, 50 * ms);
    EXPECT_EQ(a[0].arrived - late[0].arrived, 5 * ms);
    EXPECT_EQ(across[1].arrived - b[0].arrived, 10 * ms);
    EXPECT_EQ(across[1].arrived - across[0].arrived, 41 * ms);
}

TEST_F(Feedback, AFirstReportMayBeTheLaterOne) {
    send(2);
    const auto b = read(1, {5 * ms});
    const auto a = read(0, {period - 5 * ms});
    EXPECT_EQ(b[0].arrived - a[0].arrived, 10 * ms);
    EXPECT_EQ(b[0].seq - a[0].seq, 1u);
}

TEST_F(Feedback, WhatTwoReportsInARowLeaveOutIsLost) {
    send(40);
    EXPECT_EQ(read(3, Arrivals(5, 1 * ms)).size(), 5u) << "nothing is known of those before the first report";
    auto r = read(10, Arrivals(2, 2 * ms));
    ASSERT_EQ(r.size(), 4u);
    EXPECT_TRUE(r[0].lost && r[1].lost && !r[2].lost && !r[3].lost);
    EXPECT_EQ(r[0].sent, 8 * ms);
    ++report; // one that does not come: what is told by it may be well
    EXPECT_EQ(read(20, {3 * ms}).size(), 1u);
    EXPECT_EQ(read(21, {3 * ms}).size(), 1u);
    report -= 3;
    EXPECT_EQ(read(15, {3 * ms}).size(), 1u) << "it comes after all";
    report += 2;
    EXPECT_EQ(read(23, {3 * ms}).size(), 2u);
    EXPECT_EQ(read(20, {3 * ms}).size(), 1u) << "told again";
}

TEST_F(Feedback, ManyReportsThatAreLostMakeNothingLost) {
    for (const unsigned lost : {1u, 127u, 128u, 160u, 255u, 600u}) {
        TransportFeedback sender;
        uint16_t next = 0;
        uint8_t count = 0;
        GstClockTime now = 0;
        const auto told = [&](bool comes) {
            now += 50 * ms;
            for (int i = 0; i < 20; ++i)
                sender.number(1000, now);
            const auto fci = transport_report(next, count++, Arrivals(20, now));
            next += 20;
            return comes ? sender.read(fci).size() : 20;
        };
        EXPECT_EQ(told(true), 20u);
        for (unsigned i = 0; i < lost; ++i)
            told(false);
        for (unsigned i = 0; i < 300; ++i)
            ASSERT_EQ(told(true), 20u) << i << " after " << lost;
    }
}

TEST_F(Feedback, BrokenReportsSayNothing) {
    send(100);
    Arrivals arrivals(60, 100 * ms);
    arrivals[7] = std::nullopt;
    arrivals[30] = 90 * ms;
    for (const Chunks chunks : {Chunks::runs, Chunks::two_bits}) {
        const Fci whole = transport_report(0, 0, arrivals, chunks);
        size_t end = whole.size();
        while (whole[end - 1] == 0) // it may be padding
            --end;
        for (size_t n = 0; n < end; ++n)
            EXPECT_TRUE(feedback.read(std::span(whole).first(n)).empty()) << n;
    }
    Fci reserved = transport_report(0, 0, arrivals, Chunks::runs);
    reserved[8] |= 0x60;
    EXPECT_TRUE(feedback.read(reserved).empty());
    Fci endless{0, 0, 0x1f, 0xff, 0, 0, 1, 0}; // runs of nothing
    endless.resize(4000);
    EXPECT_TRUE(feedback.read(endless).empty());
    Fci huge{0, 0, 0xff, 0xff, 0, 0, 1, 0};
    for (int i = 0; i < 8; ++i)
        huge.insert(huge.end(), {0x1f, 0xff});
    huge.insert(huge.end(), {0x00, 0x07, 0, 0});
    EXPECT_TRUE(feedback.read(huge).empty());
    huge[2] = 0x1f; // of 8191
    EXPECT_EQ(feedback.read(huge).size(), 100u);
    EXPECT_TRUE(feedback.read(Fci{0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}).empty());
}

TEST(TraceLine, SaysItAll) {
    EXPECT_EQ(trace_line({{5, 1000000, 2250000, 1200, false}, {6, 1004000, 0, 800, true}}, 9 * ms),
              "feedback 9000 5:1000:2250:1200 6:1004:lost:800");
    EXPECT_EQ(trace_line(Probe{5 * ms, 9 * ms, 700000}), "probe 5000 9000 700000");
}

} // namespace
} // namespace sluice
