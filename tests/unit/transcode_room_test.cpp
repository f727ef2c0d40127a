// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_room.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(CpuTime, IsThatOfUserAndSystem) {
    const std::string name = "7 (a ) b (c) ";
    EXPECT_EQ(cpu_time(name + "S 1 2 3 4 -1 6 7 8 9 10 150 25 13 14 15\n", 100), 1750ms);
    EXPECT_EQ(cpu_time(name + "S 1 2 3 4 -1 6 7 8 9 10 150 25", 1000), 175ms);
}

TEST(CpuTime, OfWhatIsNoneIsNothing) {
    for (const char* text :
         {"", "7", "7 (sluice)", "7 (sluice) S 1 2 3 4 -1 6 7 8 9 10 150", "7 (x) S 1 2 3 4 -1 6 7 8 9 10 a 2 ",
          "7 (x) S 1 2 3 4 -1 6 7 8 9 10 1 2x ", "7 (x) S 1 2 3 4 -1 6 7 8 9 10 1 99999999999999999999999 "})
        EXPECT_FALSE(cpu_time(text, 100)) << text;
    EXPECT_FALSE(cpu_time("7 (x) S 1 2 3 4 -1 6 7 8 9 10 1 2 ", 0));
}

TEST(CpuTime, OfThisProcessGrows) {
    const auto before = cpu_time_of(getpid());
    ASSERT_TRUE(before);
    volatile unsigned work = 0;
    while (*cpu_time_of(getpid()) < *before + 20ms)
        for (unsigned i = 0; i < 1'000'000; i++)
            work = work + i;
    EXPECT_FALSE(cpu_time_of(-1));
}

// A machine of four processors, with workers that use so many of a processor's hundred parts.
struct TranscodeRoomTest : testing::Test {
    TranscodeRoom::Time now{1000s};
    std::map<pid_t, double> shares;
    std::map<pid_t, double> used; // ms
    std::vector<std::function<void()>> calls;

    WorkerLoad load() {
        return WorkerLoad(4, [this](pid_t pid) -> std::optional<std::chrono::milliseconds> {
            if (!shares.contains(pid))
                return std::nullopt;
            return std::chrono::milliseconds(std::lround(used[pid]));
        });
    }
    TranscodeRoom make(unsigned at_once, unsigned percent = 80) {
        return TranscodeRoom({.at_once = at_once, .cpu_percent = percent}, load(),
                             [this](std::function<void()> call) { calls.push_back(std::move(call)); });
    }
    void pass(std::chrono::milliseconds time) {
        now += time;
        for (const auto& [pid, share] : shares)
            used[pid] += share / 100 * static_cast<double>(time.count());
    }
    void run_calls() {
        for (auto& call : std::exchange(calls, {}))
            call();
    }
    static std::string refusal(const Result<std::unique_ptr<TranscodeRoom::Permit>>& result) {
        return result ? "" : result.error().text;
    }
};
using Permits = std::vector<std::unique_ptr<TranscodeRoom::Permit>>;

TEST_F(TranscodeRoomTest, WorkersAreMeasuredOverTheLastSeconds) {
    WorkerLoad load = this->load();
    shares = {{1, 100}, {2, 20}};
    load.add(1, now);
    load.add(2, now);
    EXPECT_EQ(load.all(), 0) << "nothing is known yet";
    for (int i = 0; i < 20; i++) {
        pass(2s);
        load.look(now);
    }
    EXPECT_NEAR(load.all(), 30, 0.5);
    EXPECT_NEAR(load.one_more(), 15, 0.5);
    shares[1] = 20;
    for (int i = 0; i < 5; i++) {
        pass(2s);
        load.look(now);
    }
    EXPECT_NEAR(load.all(), 10, 0.5) << "what was is forgotten";
    shares.erase(2); // it has ended, and nobody has said so yet
    pass(2s);
    load.look(now);
    EXPECT_NEAR(load.all(), 10, 0.5);
    load.remove(2);
    EXPECT_NEAR(load.all(), 5, 0.5);
}

TEST_F(TranscodeRoomTest, AWorkerThatIsNewCountsAsTheOthers) {
    WorkerLoad load = this->load();
    shares = {{1, 80}, {2, 0}};
    load.add(1, now);
    pass(2s);
    load.look(now);
    load.add(2, now);
    EXPECT_NEAR(load.all(), 40, 0.5);
    load.look(now += 100ms); // too soon to tell
    EXPECT_NEAR(load.all(), 40, 0.5);
}

TEST_F(TranscodeRoomTest, SoManyAtOnce) {
    TranscodeRoom room = make(2);
    auto a = room.request(now), b = room.request(now);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(refusal(room.request(now)), "all 2 transcodes that may run at once are running");
    a.value().reset();
    EXPECT_TRUE(room.request(now));
}

TEST_F(TranscodeRoomTest, TheMachineIsKeptFreeForOthers) {
    TranscodeRoom room = make(8);
    Permits permits;
    const auto begin = [&](pid_t pid) {
        auto permit = room.request(now);
        if (!permit)
            return refusal(permit);
        permit.value()->runs(pid, now);
        permits.push_back(std::move(permit).value());
        return std::string();
    };
    shares = {{1, 100}, {2, 100}, {3, 120}};
    EXPECT_EQ(begin(1), "") << "nothing is known, so it may";
    pass(2s);
    EXPECT_EQ(begin(2), ""); // 25 % run, and 25 more
    pass(2s);
    EXPECT_EQ(begin(3), ""); // 50 and 25
    pass(2s);
    EXPECT_EQ(begin(4), "transcodes use 80 % of the machine and one more takes about 27 %, allowed are 80 %");
    permits.pop_back();
    EXPECT_EQ(begin(3), "");
}

TEST_F(TranscodeRoomTest, ASingleOneAlwaysMayRun) {
    TranscodeRoom room = make(8, 1);
    auto permit = room.request(now);
    ASSERT_TRUE(permit);
    shares = {{1, 400}};
    permit.value()->runs(1, now);
    pass(2s);
    EXPECT_NE(refusal(room.request(now)), "");
    permit.value().reset();
    EXPECT_TRUE(room.request(now));
}

TEST_F(TranscodeRoomTest, WhoWaitsIsToldWhenOneEnds) {
    TranscodeRoom room = make(1);
    std::string told;
    auto running = std::move(room.request(now)).value();
    auto a = room.wait([&] { told += 'a'; }), b = room.wait([&] { told += 'b'; }), c = room.wait([&] { told += 'c'; });
    a.reset();
    EXPECT_TRUE(calls.empty());
    running.reset();
    EXPECT_EQ(told, "") << "not in the middle of what ends it";
    run_calls();
    EXPECT_EQ(told, "b") << "there is room for one";
    auto again = std::move(room.request(now)).value();
    again.reset();
    run_calls();
    EXPECT_EQ(told, "bc");
    auto last = std::move(room.request(now)).value();
    last.reset();
    EXPECT_TRUE(calls.empty()) << "nobody waits";
}

TEST_F(TranscodeRoomTest, WhoWaitsIsToldWhenTheyNeedLess) {
    TranscodeRoom room = make(8);
    unsigned told = 0;
    auto permit = std::move(room.request(now)).value();
    shares = {{1, 200}};
    permit->runs(1, now);
    const auto look = [&] {
        for (int i = 0; i < 4; i++) {
            pass(2s);
            permit->look(now);
            run_calls();
        }
    };
    look();
    EXPECT_NE(refusal(room.request(now)), "");
    const auto waiting = room.wait([&] { told++; });
    look();
    EXPECT_EQ(told, 0u);
    shares[1] = 100;
    look();
    EXPECT_EQ(told, 1u);
}

TEST_F(TranscodeRoomTest, WhoWaitsOnlyWhenTheLastHasEndedIsToldAllTheSame) {
    TranscodeRoom room = make(1);
    auto running = std::move(room.request(now)).value();
    ASSERT_NE(refusal(room.request(now)), "");
    running.reset(); // between its refusal and its waiting
    EXPECT_TRUE(calls.empty()) << "nobody waits yet";
    unsigned told = 0;
    const auto first = room.wait([&] { told++; }), second = room.wait([&] { told++; });
    EXPECT_EQ(told, 0u) << "not before it knows what it holds";
    EXPECT_EQ(calls.size(), 1u);
    run_calls();
    EXPECT_EQ(told, 1u) << "there is room for one";
    running = std::move(room.request(now)).value();
    const auto third = room.wait([&] { told++; });
    EXPECT_TRUE(calls.empty()) << "there is none";
}

TEST_F(TranscodeRoomTest, WhoIsToldMayWaitAgainOrLetOthersGo) {
    TranscodeRoom room = make(1);
    auto running = std::move(room.request(now)).value();
    std::unique_ptr<TranscodeRoom::Waiting> a, b;
    unsigned told = 0;
    std::function<void()> again = [&] {
        told++;
        b.reset();
        a = room.wait(again);
    };
    a = room.wait(again);
    b = room.wait([&] { FAIL(); });
    running.reset();
    run_calls();
    EXPECT_EQ(told, 1u);
    EXPECT_TRUE(calls.empty()) << "no endless telling";
}

TEST_F(TranscodeRoomTest, WhatIsLeftMayOutliveIt) {
    std::unique_ptr<TranscodeRoom::Permit> permit;
    std::unique_ptr<TranscodeRoom::Waiting> waiting;
    {
        TranscodeRoom room = make(1);
        permit = std::move(room.request(now)).value();
        waiting = room.wait([] { FAIL(); });
    }
    waiting.reset();
    permit.reset();
    run_calls();
}

} // namespace
} // namespace sluice
