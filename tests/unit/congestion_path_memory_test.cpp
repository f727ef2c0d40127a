// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/path_memory.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluice {
namespace {

constexpr GstClockTime start = 1000 * GST_SECOND, minute = 60 * GST_SECOND;
constexpr GstClockTime long_session = minute, short_session = 4 * GST_SECOND;

TEST(PathMemory, NetworksOfAddresses) {
    const std::pair<const char*, const char*> cases[] = {
        {"10.1.2.3", "10.1.2.0/24"},
        {"10.1.2.255", "10.1.2.0/24"},
        {"::ffff:10.1.2.3", "10.1.2.0/24"},
        {"2001:db8:1:2ff:1:2:3:4", "2001:db8:1:200::/56"},
        {"[2001:db8:1:2ff::1]", "2001:db8:1:200::/56"},
        {"fe80::1%eth0", "fe80::%eth0/56"},
        {"::1", "::/56"},
        {"2001:db8::1%eth0", "2001:db8::/56"},
        {"", ""},
        {"[]", ""},
        {"%", ""},
        {"camera.local", ""},
        {"10.1.2", ""},
        {"10.1.2.3:8080", ""},
        {"10.1.2.3%eth0", ""},
        {"0f8fad5b-d9cb-469f-a165-70867728950e.local", ""},
    };
    for (const auto& [address, network] : cases)
        EXPECT_EQ(PathMemory::network_of(address), network) << address;
}

TEST(PathMemory, ViewersOfOneNetworkKnowTheLeastRoundTripOfAll) {
    PathMemory m;
    const auto a = m.round_trip("10.1.2.3"), b = m.round_trip("10.1.2.4"), other = m.round_trip("10.1.3.3");
    ASSERT_TRUE(a && other);
    EXPECT_EQ(a, b);
    EXPECT_EQ(m.round_trip("camera.local"), nullptr);
    EXPECT_EQ(a->of_all(50, start), 50U);
    EXPECT_EQ(b->of_all(230, start), 50U);
    EXPECT_EQ(other->of_all(20, start), 20U);
    EXPECT_EQ(b->of_all(230, start + LeastRoundTrip::period), 50U); // remembered for one more period...
    EXPECT_EQ(b->of_all(220, start + 2 * LeastRoundTrip::period), 220U);
    EXPECT_EQ(b->of_all(240, start + 5 * LeastRoundTrip::period), 240U); // ...unless nobody asked meanwhile
}

TEST(PathMemory, TheNextViewerOfANetworkBeginsWhereTheLastOneWas) {
    PathMemory m;
    EXPECT_EQ(m.estimate("10.1.2.3", start), 0U);
    m.learn("10.1.2.3", 2'000'000, long_session, start);
    EXPECT_EQ(m.estimate("10.1.2.77", start), 2'000'000U);
    EXPECT_EQ(m.estimate("10.1.3.3", start), 0U);
    m.learn("10.1.2.4", 1'000'000, long_session, start + minute);
    EXPECT_EQ(m.estimate("10.1.2.3", start + minute), 1'000'000U);
}

TEST(PathMemory, TrustHalvesWithAgeAndEndsAfterAnHour) {
    PathMemory m;
    m.learn("10.1.2.3", 8'000'000, long_session, start);
    EXPECT_NEAR(static_cast<double>(m.estimate("10.1.2.3", start + 20 * minute)), 4e6, 10);
    EXPECT_NEAR(static_cast<double>(m.estimate("10.1.2.3", start + 40 * minute)), 2e6, 10);
    EXPECT_GT(m.estimate("10.1.2.3", start + 60 * minute - 1), 0U);
    EXPECT_EQ(m.estimate("10.1.2.3", start + 60 * minute), 0U);
    EXPECT_EQ(m.estimate("10.1.2.3", start - minute), 8'000'000U); // a clock that is behind is no harm
}

TEST(PathMemory, AShortSessionDoesNotReplaceMore) {
    PathMemory m;
    m.learn("10.1.2.3", 8'000'000, long_session, start);
    m.learn("10.1.2.3", 500'000, short_session, start);
    EXPECT_EQ(m.estimate("10.1.2.3", start), 8'000'000U);
    m.learn("10.1.2.3", 9'000'000, short_session, start);
    EXPECT_EQ(m.estimate("10.1.2.3", start), 9'000'000U);
    m.learn("10.1.2.3", 500'000, long_session, start);
    EXPECT_EQ(m.estimate("10.1.2.3", start), 500'000U);
    m.learn("10.9.9.9", 500'000, short_session, start); // better than nothing
    EXPECT_EQ(m.estimate("10.9.9.9", start), 500'000U);
}

TEST(PathMemory, NothingIsLearntOfNothing) {
    PathMemory m;
    m.learn("10.1.2.3", 8'000'000, long_session, start);
    m.learn("10.1.2.3", 0, long_session, start);
    EXPECT_EQ(m.estimate("10.1.2.3", start), 8'000'000U);
    m.learn("x.local", 8'000'000, long_session, start);
    EXPECT_EQ(m.size(), 1U);
    EXPECT_EQ(m.estimate("x.local", start), 0U);
}

TEST(PathMemory, TheNetworkLearntOfLongestAgoGoesFirst) {
    PathMemory m;
    const auto address = [](unsigned i) {
        return "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1";
    };
    for (unsigned i = 0; i < PathMemory::most_networks; ++i)
        m.learn(address(i), 1'000'000 + i, long_session, start + i);
    m.learn(address(0), 5'000'000, long_session, start + minute);
    for (unsigned i = 2000; i < 2100; ++i)
        m.learn(address(i), 1'000'000, long_session, start + minute);
    EXPECT_EQ(m.size(), PathMemory::most_networks);
    EXPECT_EQ(m.estimate(address(0), start + minute), 5'000'000U);
    EXPECT_EQ(m.estimate(address(1), start + minute), 0U);
    EXPECT_EQ(m.estimate(address(100), start + minute), 0U);
    EXPECT_NE(m.estimate(address(101), start + minute), 0U);
}

TEST(PathMemory, ThreadsMayShareIt) {
    PathMemory m;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&m, t] {
            for (unsigned i = 0; i < 2000; ++i) {
                m.learn("10." + std::to_string(t) + "." + std::to_string(i % 256) + ".1", 1'000'000, long_session,
                        start);
                m.estimate("10.0." + std::to_string(i % 256) + ".1", start);
                m.round_trip("10.0." + std::to_string(i % 3) + ".1")->of_all(i + 1, start);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(m.size(), PathMemory::most_networks);
}

} // namespace
} // namespace sluice
