// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole sender against simulated paths and receivers: what must hold of a thin link, in figures.
#include "tests/support/thin_link_test.hpp"

namespace sluice {
namespace {

using namespace test;

TEST_P(ThinLink, Flaky) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        auto set = settings(seed, flaky_path());
        set.tunnel = 60;
        auto sim = simulate(set);
        sim.run_until(300);
        const Seen s = sim.seen();
        print("flaky", seed, sim, s);
        EXPECT_LT(s.first, 1.0);
        EXPECT_LE(s.frozen, usual() ? 0.01 : 0.05);
        EXPECT_LE(s.longest, usual() ? 1.0 : 3.0);
        EXPECT_LT(s.latency, 0.6);
        EXPECT_EQ(sim.share_of("main"), 0);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

TEST_P(ThinLink, Steps) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        SimPath path{.rate = 6e6, .queue_ms = 300, .delay_ms = 30, .jitter_ms = 5};
        auto sim = simulate(settings(seed, path));
        sim.run_until(20);
        EXPECT_EQ(sim.share_of("main", 19), 1);
        path.rate = 0.8e6;
        sim.link().set(path);
        sim.run_until(40);
        path.rate = 6e6;
        sim.link().set(path);
        sim.run_until(70);
        const double down = sim.first_on("sub", 20) - 20, up = sim.first_on("main", 40) - 40;
        const Seen s = sim.seen(20, 39);
        print("steps", seed, sim, s);
        std::printf("           down after %.2f s, up after %.2f s\n", down, up);
        EXPECT_LT(down, 2);
        EXPECT_LT(up, GetParam() > 2 ? 20 : 15); // the last part is the wait for a key unit
        EXPECT_GT(up, 0);
        EXPECT_EQ(sim.share_of("main", 25, 40), 0);
        EXPECT_EQ(sim.share_of("main", 40 + up, 70), 1);
        EXPECT_LE(s.longest, 1.2);
        EXPECT_LE(s.freezes, 1u);
        EXPECT_EQ(sim.seen(45, 70).freezes, 0u);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

TEST_P(ThinLink, RandomSteps) {
    for (unsigned seed = 1; seed <= seeds(3); ++seed) {
        SimPath path{.rate = 6e6, .queue_ms = 300, .delay_ms = 30, .jitter_ms = 5};
        auto sim = simulate(settings(seed, path));
        std::mt19937 random(seed);
        double next = 5;
        sim.each_ms = [&](ThinLinkSim& it) {
            if (it.seconds() < next)
                return;
            next += std::uniform_real_distribution<double>(5, 20)(random);
            path.rate = std::uniform_real_distribution<double>(0.5e6, 8e6)(random);
            it.link().set(path);
            if (talk())
                std::printf("%8.3f ==== %.2f Mbit/s\n", it.seconds(), path.rate / 1e6);
        };
        sim.run_until(600);
        const Seen s = sim.seen();
        print("random", seed, sim, s);
        EXPECT_LE(sim.most_switches_in_a_minute(), 4u);
        EXPECT_LE(s.frozen, 0.04);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

TEST_P(ThinLink, Outage) { outage(3, 1); }

// Who waits for key units of every 10 s may wait for one.
TEST_P(ThinLink, LongOutage) { outage(8, usual() ? 2 : 11); }

// Its page was closed without a word: what leaves for it meanwhile is taken from others on the same path.
TEST_P(ThinLink, WhoHasGoneGetsLittle) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        for (const double at : {2.5, 20.0}) {
            SimPath path = flaky_path();
            auto sim = simulate(settings(seed, path));
            sim.run_until(at);
            path.hole = true;
            sim.link().set(path);
            const auto sent = [&] {
                return static_cast<double>(sim.viewer().media_bytes + sim.viewer().padding_bytes) * 8 / 1e3;
            };
            const double before = sent();
            sim.run_until(at + 5);
            const double first = sent() - before;
            double most = 0;
            uint64_t busiest = 0;
            for (double t = at + 6; t < at + 30; ++t) {
                const double begun = sent();
                const uint64_t runs = sim.viewer().runs;
                sim.run_until(t);
                most = std::max(most, sent() - begun);
                busiest = std::max(busiest, sim.viewer().runs - runs);
            }
            std::printf("gone  %2u  %4.0f kbit in the first 5 s, then in a second at most %4.0f, and %3lu looks\n",
                        seed, first, most, static_cast<unsigned long>(busiest));
            EXPECT_LE(first, 3500);
            EXPECT_LE(most, 450);
            EXPECT_LE(busiest, 250u);
            EXPECT_GE(sim.viewer().path().learnt(), 550'000u) << "for the next one from there";
        }
    }
}

TEST_P(ThinLink, ReportsThatAreLostAreNoOutage) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        SimPath path{.rate = 2e6, .queue_ms = 300, .delay_ms = 60, .jitter_ms = 5};
        auto sim = simulate(settings(seed, path));
        sim.run_until(20.1);
        const uint64_t before = sim.viewer().stream().stats().repeats;
        path.deaf = true;
        sim.link().set(path);
        sim.run_until(21.1);
        path.deaf = false;
        sim.link().set(path);
        sim.run_until(25);
        const Seen s = sim.seen(20, 25);
        print("deaf", seed, sim, s);
        EXPECT_EQ(sim.viewer().stream().stats().repeats, before);
        EXPECT_EQ(s.back, 0);
        EXPECT_LE(s.longest, 0.25);
    }
}

TEST_P(ThinLink, OneStreamTooBig) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        auto set = settings(seed, {.rate = 2e6, .queue_ms = 300, .delay_ms = 30, .jitter_ms = 5});
        set.encodings.resize(1);
        auto sim = simulate(set);
        sim.run_until(60);
        const Seen s = sim.seen(5);
        print("one", seed, sim, s);
        EXPECT_LE(s.link_ms, 500);
        EXPECT_LE(s.worst_latency, 2.5);
        EXPECT_LE(s.longest, 2 * GetParam());
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

TEST_P(ThinLink, FourShare) {
    // With key units each 10 s four bursts are more than the path carries.
    four_viewers({.title = "share",
                  .path = {.rate = 2e6, .queue_ms = 300, .delay_ms = 20, .jitter_ms = 2},
                  .sub = 0.4e6,
                  .apart = 0.4,
                  .seconds = 60,
                  .most_frozen = 0.05,
                  .longest = 2.0});
}

// netlab's `dsl`, and what its four viewers need is all that it carries: who sends more than that keeps its queue full for ever.
TEST_P(ThinLink, FourFillThePath) {
    four_viewers({.title = "full",
                  .path = {.rate = 2e6, .queue_ms = 200, .delay_ms = 25, .loss = 0.005},
                  .sub = 0.465e6,
                  .apart = 0.05,
                  .phases = true,
                  .seconds = 180,
                  .from = 20,
                  .most_frozen = 0.12, // of 0.6 when the queue stayed full
                  .longest = 4.0});
}

TEST_P(ThinLink, JoinsAnUnknownPath) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        auto sim = simulate(settings(seed, {.rate = 6e6, .queue_ms = 300, .delay_ms = 30, .jitter_ms = 5}));
        sim.run_until(15);
        const Seen s = sim.seen();
        print("join", seed, sim, s);
        std::printf("           main after %.2f s\n", sim.first_on("main"));
        EXPECT_LT(s.link_ms, 290) << "the queue overflows";
        EXPECT_LT(s.first, 0.6);
        EXPECT_EQ(s.freezes, 0u);
        EXPECT_GE(sim.first_on("main"), 0);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(Gop, ThinLink, testing::Values(2.0, 10.0),
                         [](const auto& p) { return p.param == 2.0 ? "2s" : "10s"; });

} // namespace
} // namespace sluice
