// SPDX-License-Identifier: LGPL-2.1-or-later
// What readers' paths carry, gathered by the channel for a producer that can make the picture smaller.
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

struct ChannelRates : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/web");
    Producer producer{channel};
    std::vector<uint64_t> told;

    void listen() {
        EXPECT_TRUE(channel->set_rate_handler(producer.token, [this](uint64_t rate) { told.push_back(rate); }));
    }
    std::unique_ptr<Channel::Reader> reader() { return channel->attach(Start::cached_gop, true, false); }
    void says(const std::unique_ptr<Channel::Reader>& reader, uint64_t rate) {
        if (reader->set_carries(rate))
            channel->tell_rate();
    }
};
using Rates = std::vector<uint64_t>;

TEST_F(ChannelRates, TheSmallestCounts) {
    listen();
    const auto a = reader(), b = reader(), c = reader();
    says(a, 500);
    says(b, 300);
    says(c, 300);
    says(a, 900);
    says(b, 700);
    EXPECT_EQ(told, (Rates{500, 300}));
    EXPECT_EQ(channel->stats(0).carried, 300u);
    says(c, 0); // knows nothing any more
    EXPECT_EQ(told, (Rates{500, 300, 700}));
}

TEST_F(ChannelRates, WhoLeavesCountsNoMore) {
    listen();
    auto a = reader(), b = reader();
    says(a, 500);
    says(b, 300);
    b.reset();
    EXPECT_EQ(told.back(), 500u);
    a.reset();
    EXPECT_EQ(told, (Rates{500, 300, 500, 0}));
    EXPECT_EQ(channel->stats(0).carried, 0u);
}

TEST_F(ChannelRates, OnlyProducersThatAskAreTold) {
    EXPECT_FALSE(channel->wants_rates());
    const auto a = reader();
    says(a, 500);
    listen(); // hears at once what was said before
    EXPECT_TRUE(channel->wants_rates());
    EXPECT_EQ(told, Rates{500});
    EXPECT_TRUE(channel->set_rate_handler(producer.token, nullptr));
    EXPECT_FALSE(channel->wants_rates());
    says(a, 400);
    EXPECT_EQ(told, Rates{500});
}

TEST_F(ChannelRates, ItEndsWithTheGeneration) {
    listen();
    const auto a = reader();
    says(a, 500);
    const auto old = producer.token;
    producer.begin();
    EXPECT_FALSE(channel->wants_rates());
    EXPECT_FALSE(channel->set_rate_handler(old, [](uint64_t) { FAIL(); }));
    says(a, 400);
    EXPECT_EQ(told, Rates{500});
    listen();
    EXPECT_EQ(told, (Rates{500, 400}));
    channel->close(producer.token);
    says(a, 300);
    EXPECT_FALSE(channel->wants_rates());
    EXPECT_EQ(told, (Rates{500, 400}));
}

TEST_F(ChannelRates, AHandlerMayCallTheChannel) {
    const auto a = reader();
    std::unique_ptr<Channel::Reader> b = reader();
    says(b, 100);
    EXPECT_TRUE(channel->set_rate_handler(producer.token, [&](uint64_t rate) {
        told.push_back(rate);
        b.reset(); // tells again, of something new
    }));
    EXPECT_EQ(told, (Rates{100, 0}));
}

// Readers in threads that say this and that and leave, and a producer that is taken over: what was told last is what holds.
TEST_F(ChannelRates, FromManyThreadsTheLastThingToldIsTrue) {
    constexpr int threads = 4, rounds = 2000;
    std::atomic<uint64_t> last = 0;
    std::atomic<int> inside = 0;
    const auto handler = [&](uint64_t rate) {
        EXPECT_EQ(++inside, 1) << "two at a time";
        last = rate;
        --inside;
    };
    channel->set_rate_handler(producer.token, handler);
    std::vector<std::unique_ptr<Channel::Reader>> staying(threads);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; i++)
        all.emplace_back([&, i] {
            for (int round = 0; round < rounds; round++) {
                auto r = reader();
                says(r, static_cast<uint64_t>(100 + (round * 7 + i) % 50));
                if (round % 3)
                    says(r, 0);
                if (round + 1 == rounds) {
                    says(r, static_cast<uint64_t>(1000 + i));
                    staying[static_cast<size_t>(i)] = std::move(r);
                }
            }
        });
    for (auto& thread : all)
        thread.join();
    EXPECT_EQ(last, 1000u);
    staying.clear();
    EXPECT_EQ(last, 0u);
}

} // namespace
