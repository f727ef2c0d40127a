// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/connection_table.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(ConnectionTable, AConnectionWithoutARequestIsOverdue) {
    ConnectionTable table({.request = 15s});
    const auto a = table.admit("192.0.2.1", 100s), b = table.admit("192.0.2.2", 101s);
    ASSERT_TRUE(a.id && b.id);
    EXPECT_EQ(table.next_deadline(), 115s);
    EXPECT_TRUE(table.overdue(114s).empty());
    EXPECT_EQ(table.overdue(115s), std::vector{*a.id});
    EXPECT_EQ(table.overdue(116s), (std::vector{*a.id, *b.id}));
}

TEST(ConnectionTable, OneThatIsServedHasNoLimitUntilItWaitsAgain) {
    ConnectionTable table({.request = 15s});
    const auto a = table.admit("192.0.2.1", 0s);
    table.request_read(*a.id);
    EXPECT_FALSE(table.next_deadline());
    EXPECT_TRUE(table.overdue(1h).empty());
    table.answered(*a.id, 1h);
    table.answered(*a.id, 2h); // told twice: the first one counts
    EXPECT_EQ(table.next_deadline(), 1h + 15s);
}

TEST(ConnectionTable, WhenFullTheOneThatWaitsLongestGivesWay) {
    ConnectionTable table({.connections = 3});
    const auto served = table.admit("192.0.2.1", 1s), oldest = table.admit("192.0.2.2", 2s),
               newer = table.admit("192.0.2.3", 3s);
    table.request_read(*served.id);
    const auto next = table.admit("192.0.2.4", 4s);
    EXPECT_TRUE(next.id);
    EXPECT_EQ(next.evicted, oldest.id);
    EXPECT_EQ(table.size(), 3u);
    table.request_read(*newer.id);
    table.request_read(*next.id);
    const auto refused = table.admit("192.0.2.5", 5s);
    EXPECT_FALSE(refused.id) << "all are being served";
    EXPECT_FALSE(refused.evicted);
    table.gone(*served.id);
    EXPECT_TRUE(table.admit("192.0.2.5", 6s).id);
}

TEST(ConnectionTable, AnAddressHasItsShareOfWaitingOnes) {
    ConnectionTable table({.connections = 10, .waiting_per_address = 2});
    const auto a = table.admit("192.0.2.1", 0s);
    EXPECT_TRUE(table.admit("192.0.2.1", 0s).id);
    EXPECT_FALSE(table.admit("192.0.2.1", 0s).id);
    EXPECT_TRUE(table.admit("192.0.2.2", 0s).id);
    table.request_read(*a.id);
    EXPECT_TRUE(table.admit("192.0.2.1", 0s).id);
}

TEST(ConnectionTable, WhatIsNotInItIsNoMatter) {
    ConnectionTable table({});
    table.request_read(7);
    table.answered(7, 1s);
    table.gone(7);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(table.waiting(), 0u);
    EXPECT_FALSE(table.oldest_waiting());
}

} // namespace
} // namespace sluice
