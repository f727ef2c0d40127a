// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/login_throttle.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

using Limits = LoginThrottleLimits;
using Time = LoginThrottle::Time;
using std::chrono::milliseconds;
constexpr Time start{100'000s};

std::string address(int i) {
    return "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
}

// How many tries pass in that time by those who try as fast as they may, each from the next of so many addresses.
int guesses(LoginThrottle& throttle, int addresses, const std::string& account, std::chrono::seconds time,
            Time from = start) {
    int passed = 0, i = 0;
    for (Time t = from; t < from + time; t += 100ms)
        passed += throttle.begin(address(i++ % addresses), account, t).time == 0ms;
    return passed;
}

TEST(LoginThrottle, FreeTriesThenDoublingUpToTheLongestWait) {
    LoginThrottle throttle({.max_peers = 16, .free_tries = 3, .max_wait = 8s});
    Time t = start;
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(throttle.begin("1.2.3.4", "a", t).time, 0ms);
    for (const auto expected : {1s, 2s, 4s, 8s, 8s}) {
        EXPECT_EQ(throttle.begin("1.2.3.4", "a", t).time, 0ms);
        EXPECT_EQ(throttle.begin("1.2.3.4", "a", t).time, milliseconds(expected));
        EXPECT_EQ(throttle.wait("1.2.3.4", "a", t + 1ms).time, milliseconds(expected) - 1ms);
        EXPECT_EQ(throttle.wait("5.6.7.8", "a", t).time, 0ms) << "others are not slowed";
        t += expected;
    }
}

TEST(LoginThrottle, RefusedTriesDoNotProlong) {
    LoginThrottle throttle({.free_tries = 0});
    EXPECT_EQ(throttle.begin("p", "a", start).time, 0ms);
    for (int i = 0; i < 100; i++)
        throttle.begin("p", "a", start + 500ms);
    EXPECT_EQ(throttle.begin("p", "a", start + 1s).time, 0ms);
}

TEST(LoginThrottle, OneAddressManyAccountsIsSlow) {
    LoginThrottle throttle;
    int passed = 0;
    for (Time t = start; t < start + 10min; t += 100ms)
        passed += throttle.begin("1.2.3.4", "user" + std::to_string(t.time_since_epoch().count()), t).time == 0ms;
    EXPECT_LT(passed, 35);
}

TEST(LoginThrottle, ManyAddressesOneAccountAreSlow) {
    LoginThrottle throttle;
    EXPECT_LT(guesses(throttle, 1000, "admin", 10min), 50);
    const auto wait = throttle.wait("9.9.9.9", "admin", start + 10min);
    EXPECT_GT(wait.time, 0ms);
    EXPECT_TRUE(wait.account);
    EXPECT_EQ(throttle.wait("9.9.9.9", "guest", start + 10min).time, 0ms) << "another account";
}

TEST(LoginThrottle, TheOwnerIsNotLockedOut) {
    LoginThrottle throttle;
    throttle.begin("192.168.1.5", "admin", start);
    throttle.succeeded("192.168.1.5", "admin");
    guesses(throttle, 1000, "admin", 10min);
    EXPECT_GT(throttle.wait("192.168.1.6", "admin", start + 10min).time, 0ms);
    EXPECT_EQ(throttle.begin("192.168.1.5", "admin", start + 10min).time, 0ms);
    throttle.forget("admin");
    EXPECT_GT(throttle.wait("192.168.1.5", "admin", start + 10min).time, 0ms)
        << "with the old password it says nothing";
}

TEST(LoginThrottle, WhoSharesTheAddressDoesNotCloseTheOwnersDoor) {
    LoginThrottle throttle;
    throttle.begin("192.168.1.5", "admin", start);
    throttle.succeeded("192.168.1.5", "admin");
    for (int i = 0; i < 20; i++)
        throttle.begin("192.168.1.5", "other" + std::to_string(i), start);
    EXPECT_GT(throttle.wait("192.168.1.5", "guest", start).time, 0ms);
    EXPECT_EQ(throttle.wait("192.168.1.5", "admin", start).time, 0ms);
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(throttle.begin("192.168.1.5", "admin", start).time, 0ms);
    EXPECT_GT(throttle.wait("192.168.1.5", "admin", start).time, 0ms) << "but guessing that one is slowed, too";
}

TEST(LoginThrottle, AnAccountOfOnesOwnBuysNoGuesses) {
    LoginThrottle throttle;
    int passed = 0;
    for (Time t = start; t < start + 10min; t += 100ms) {
        passed += throttle.begin("1.2.3.4", "admin", t).time == 0ms;
        if (throttle.begin("1.2.3.4", "mine", t).time == 0ms)
            throttle.succeeded("1.2.3.4", "mine");
    }
    EXPECT_LT(passed, 35);
}

TEST(LoginThrottle, SuccessTakesBackOnesOwnMistakes) {
    LoginThrottle throttle({.free_tries = 3});
    for (int i = 0; i < 3; i++)
        throttle.begin("p", "a", start);
    throttle.begin("p", "a", start);
    throttle.succeeded("p", "a");
    EXPECT_EQ(throttle.size(), 0u);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(throttle.begin("p", "a", start).time, 0ms);
    throttle.succeeded("unknown", "b");
}

TEST(LoginThrottle, WhatNobodyCouldTellCountsNothing) {
    LoginThrottle throttle({.free_tries = 0});
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(throttle.begin("p", "a", start).time, 0ms);
        throttle.cancelled("p", "a");
    }
    EXPECT_FALSE(throttle.knows("p", "a"));
}

TEST(LoginThrottle, MadeUpNamesAreTreatedLikeRealOnes) {
    LoginThrottle real, made_up;
    EXPECT_EQ(guesses(real, 500, "admin", 5min), guesses(made_up, 500, "no-such-account", 5min));
}

TEST(LoginThrottle, MadeUpNamesPushNothingOut) {
    LoginThrottle throttle;
    guesses(throttle, 1000, "admin", 1min);
    const Time t = start + 1min;
    ASSERT_GT(throttle.wait("9.9.9.9", "admin", t - 100ms).time, 0ms);
    for (int i = 0; i < 5000; i++)
        throttle.begin(address(100'000 + i), "name" + std::to_string(i), t - 100ms);
    EXPECT_GT(throttle.wait("9.9.9.9", "admin", t - 100ms).time, 0ms);
}

TEST(LoginThrottle, TablesAreBoundedAndOldEntriesGo) {
    LoginThrottle throttle(
        {.max_peers = 10, .free_tries = 0, .forget = 60s, .max_known = 20, .max_known_per_account = 5});
    for (int i = 0; i < 1000; i++) {
        throttle.begin(address(i), "a" + std::to_string(i), start);
        throttle.succeeded(address(2000 + i), i % 2 ? "a" : "b");
        throttle.succeeded(address(4000 + i), "c" + std::to_string(i));
    }
    EXPECT_EQ(throttle.size(), 10u);
    EXPECT_EQ(throttle.known(), 20u);
    throttle.begin("x", "a", start + 61s);
    EXPECT_EQ(throttle.size(), 1u);
}

TEST(LoginThrottle, ManyAddressesOfOneAccountPushOutNobodyElses) {
    LoginThrottle throttle;
    throttle.succeeded("192.168.1.5", "admin");
    for (int i = 0; i < 10'000; i++)
        throttle.succeeded(address(i), "guest");
    EXPECT_TRUE(throttle.knows("192.168.1.5", "admin"));
    EXPECT_LT(throttle.known(), 100u);
}

TEST(LoginThrottle, AnIpv6NetworkIsOnePeerAndMappedAddressesAreThoseTheyMap) {
    LoginThrottle throttle({.free_tries = 0});
    throttle.begin("2001:db8:1:2::1", "a", start);
    EXPECT_GT(throttle.begin("2001:db8:1:2:ffff::2", "a", start).time, 0ms);
    EXPECT_EQ(throttle.begin("2001:db8:1:3::1", "a", start).time, 0ms);
    throttle.begin("1.2.3.4", "a", start);
    EXPECT_GT(throttle.begin("::ffff:1.2.3.4", "a", start).time, 0ms);
}

TEST(LoginThrottle, BordersOfAddressAndAccountCount) {
    LoginThrottle throttle;
    throttle.succeeded("1.2.3.4", "5admin");
    EXPECT_FALSE(throttle.knows("1.2.3.45", "admin"));
}

} // namespace
