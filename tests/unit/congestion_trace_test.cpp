// SPDX-License-Identifier: LGPL-2.1-or-later
// Replays each trace in tests/data/congestion; what must come out stands in its head (tests/support/congestion_trace.hpp).
#include "tests/support/congestion_trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sluice {
namespace {

using test::CongestionTrace;

struct Sample {
    double at, kbit;
};

std::vector<Sample> replay(const CongestionTrace& trace) {
    BandwidthEstimator estimator(trace.start);
    std::vector<Sample> samples;
    GstClockTime next_tick = 0;
    size_t batch = 0;
    for (const CongestionTrace::Batch& b : trace.batches) {
        const GstClockTime first = trace.batches.front().now;
        // Between the reports time passes, and packets leave when those reported later did.
        if (next_tick == 0)
            next_tick = first;
        for (; next_tick < b.now; next_tick += 100 * GST_MSECOND) {
            if (std::any_of(
                    trace.batches.begin() + static_cast<long>(batch), trace.batches.end(), [&](const auto& later) {
                        return std::any_of(later.packets.begin(), later.packets.end(), [&](const PacketResult& p) {
                            return p.sent >= next_tick && p.sent < next_tick + 100 * GST_MSECOND;
                        });
                    }))
                estimator.on_sent(1200, next_tick);
            estimator.tick(next_tick);
            samples.push_back({static_cast<double>(next_tick - first) / 1e9,
                               static_cast<double>(estimator.state(next_tick).estimate) / 1e3});
        }
        for (const Probe& p : b.probes)
            estimator.expect(p);
        estimator.on_feedback(b.packets, b.now);
        samples.push_back(
            {static_cast<double>(b.now - first) / 1e9, static_cast<double>(estimator.state(b.now).estimate) / 1e3});
        ++batch;
    }
    return samples;
}

TEST(Traces, HoldWhatTheirHeadsSay) {
    unsigned files = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(std::getenv("SLUICE_TEST_DATA")) + "/congestion")) {
        if (entry.path().extension() != ".trace")
            continue;
        ++files;
        const std::string name = entry.path().filename().string();
        const CongestionTrace trace = CongestionTrace::read(entry.path().string());
        ASSERT_EQ(trace.error, "") << name;
        ASSERT_FALSE(trace.batches.empty()) << name;
        ASSERT_FALSE(trace.expect.empty()) << name << ": expects nothing";
        const auto samples = replay(trace);
        for (const CongestionTrace::Expect& e : trace.expect) {
            double least = 1e18, most = -1;
            for (const Sample& s : samples) {
                if (s.at >= e.from && s.at <= e.to) {
                    least = std::min(least, s.kbit);
                    most = std::max(most, s.kbit);
                }
            }
            std::printf("%-30s %5.1f to %5.1f s: %6.0f to %6.0f kbit/s, expected %.0f to %.0f\n", name.c_str(), e.from,
                        e.to, least, most, e.least, e.most);
            EXPECT_GE(most, 0) << name << ": nothing in this time";
            EXPECT_GE(least, e.least) << name;
            EXPECT_LE(most, e.most) << name;
        }
    }
    EXPECT_GT(files, 0u);
}

TEST(Traces, BrokenLinesAreFound) {
    const std::string path = testing::TempDir() + "/broken.trace";
    for (const char* text :
         {"12 x 100\n", "x 12 100\n", "1 2\n", "feedback\n", "1 2 3\n", "# expect 1 2\n", "# probe 1\n"}) {
        std::ofstream(path) << text;
        EXPECT_NE(CongestionTrace::read(path).error, "") << text;
    }
    std::ofstream(path) << "# a remark\n#another\n\n10 20 1200\n11 lost 1200 70000\nfeedback 30\n";
    const CongestionTrace good = CongestionTrace::read(path);
    EXPECT_EQ(good.error, "");
    ASSERT_EQ(good.batches.size(), 1u);
    ASSERT_EQ(good.batches[0].packets.size(), 2u);
    EXPECT_EQ(good.batches[0].packets[1].seq, 70000u);
    EXPECT_TRUE(good.batches[0].packets[1].lost);
    std::filesystem::remove(path);
}

} // namespace
} // namespace sluice
