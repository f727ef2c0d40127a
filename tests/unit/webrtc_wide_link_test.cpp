// SPDX-License-Identifier: LGPL-2.1-or-later
// The same where the path is no matter (a LAN, until it is one), and for viewers that tell little.
#include "tests/support/thin_link_test.hpp"

namespace sluice {
namespace {

using namespace test;

struct WideLink : ThinLink {};

TEST_P(WideLink, CleanLan) {
    for (unsigned seed = 1; seed <= seeds(20); ++seed) {
        auto sim = simulate(settings(seed, {.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25}));
        sim.run_until(30);
        const Seen s = sim.seen();
        print("lan", seed, sim, s);
        EXPECT_LT(sim.first_on("main"), 0.7) << "whenever it joins";
        EXPECT_LE(sim.viewer().switches.size(), 1u);
        EXPECT_EQ(sim.viewer().stream().stats().drops, 0u);
        EXPECT_EQ(s.freezes, 0u);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
    }
}

// Eleven who join at once, on a machine that is busy with that: for a while everything comes late, by chance.
TEST_P(WideLink, ALateMachineIsNoNarrowPath) {
    const double limit = usual() ? 4 : 8.5; // without room for a burst it begins with the next key unit
    int late = 0;
    for (unsigned seed = 1; seed <= seeds(20); ++seed) {
        SimPath path{.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25, .jitter_ms = 80};
        auto sim = simulate(settings(seed, path));
        sim.run_until(1.5);
        path.jitter_ms = 0;
        sim.link().set(path);
        sim.run_until(20);
        std::printf("late machine %2u main after %.2f s\n", seed, sim.first_on("main"));
        late += sim.first_on("main") > limit || sim.share_of("main", limit) < 1;
    }
    EXPECT_LE(late, usual() ? 0 : 1);
}

// Times in which spot checks are made, s after the join: where each begins and ends.
std::vector<std::pair<double, double>> spot_checks(ThinLinkSim& sim) {
    std::vector<std::pair<double, double>> all;
    bool before = false;
    for (const SimViewer::Moment& m : sim.viewer().moments) {
        const double t = static_cast<double>(m.at - sim.viewer().joined()) / 1e9;
        if (m.spot_checks && !before)
            all.emplace_back(t, t);
        if (m.spot_checks)
            all.back().second = t;
        before = m.spot_checks;
    }
    return all;
}

double mean_received(ThinLinkSim& sim, double from) {
    double sum = 0;
    unsigned count = 0;
    for (const SimViewer::Moment& m : sim.viewer().moments) {
        if (m.at < sim.viewer().joined() + static_cast<GstClockTime>(from * 1e9))
            continue;
        sum += static_cast<double>(m.path.received);
        ++count;
    }
    return sum / count;
}

void print(const char* title, unsigned seed, ThinLinkSim& sim, const std::vector<std::pair<double, double>>& checks) {
    print(title, seed, sim, sim.seen());
    std::printf("           spot checks");
    for (const auto& [from, to] : checks)
        std::printf(" %.2f..%.2f", from, to);
    std::printf("\n");
}

constexpr double lan_begins = 9; // s after the join, at the latest

TEST_P(WideLink, SpotChecksOnALan) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        const SimPath lan{.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25};
        for (const bool near : {false, true}) {
            for (const size_t encodings : {1, 2}) {
                auto set = settings(seed, lan);
                set.reports_ms = 1000;
                set.start.near = near;
                set.encodings.resize(encodings);
                auto sim = simulate(set);
                sim.run_until(20);
                const uint64_t before = sim.viewer().numbered;
                const PathState then = sim.viewer().path().state(sim.now());
                sim.run_until(140);
                const auto checks = spot_checks(sim);
                print(near ? "lan near" : "lan", seed, sim, checks);
                // A look at how wide the path is may come between, where it need not have shown that before.
                ASSERT_LE(checks.size(), near ? 2u : 1u) << "it flaps";
                EXPECT_LT(checks.back().first, encodings == 1 && !near ? 2 * lan_begins : lan_begins);
                EXPECT_GT(checks.back().second, 139);
                EXPECT_NEAR(static_cast<double>(sim.viewer().numbered - before), 120 * 2, 30);
                // What is known of the path stays, though few packets are reported.
                const PathState now = sim.viewer().path().state(sim.now());
                EXPECT_GE(now.estimate, then.estimate);
                EXPECT_NEAR(mean_received(sim, 20), 4.2e6, 0.2e6);
                EXPECT_EQ(sim.share_of("main", 1), 1);
                EXPECT_EQ(sim.viewer().path().learnt() == 0, near);
            }
        }
    }
}

// Nearly as soon as without them, as it is in the first seconds.
TEST_P(WideLink, SpotChecksSeeThatTheLanBecomesNarrow) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        double usual_time = 0;
        for (const double falls : {4., 24.}) { // at the same place of the GOP
            SimPath path{.rate = 1e9, .queue_ms = 300, .delay_ms = 0.25};
            auto sim = simulate(settings(seed, path));
            for (int second = 1; second <= 4; ++second) { // none at first
                sim.run_until(second);
                sim.viewer().path().disturbed(sim.now());
            }
            sim.run_until(falls);
            ASSERT_EQ(sim.viewer().path().spot_checks(), falls > lan_begins);
            EXPECT_EQ(sim.share_of("main", falls - 1), 1);
            path.rate = 0.8e6;
            sim.link().set(path);
            sim.run_until(falls + 20);
            const auto checks = spot_checks(sim);
            const double down = sim.first_on("sub", falls) - falls;
            print("narrow", seed, sim, checks);
            std::printf("           sub after %.2f s, learnt %.2f Mbit/s\n", down,
                        static_cast<double>(sim.viewer().path().learnt()) / 1e6);
            EXPECT_EQ(checks.size(), falls > lan_begins ? 1u : 0u);
            if (!checks.empty()) {
                EXPECT_LT(checks[0].second - falls, 0.6);
            }
            EXPECT_GT(down, 0);
            EXPECT_LT(down, 2);
            if (falls > lan_begins) {
                EXPECT_LT(down, usual_time + 0.7);
            }
            usual_time = down;
            EXPECT_LT(sim.viewer().path().learnt(), 1.2e6);
            EXPECT_LE(sim.seen(falls).freezes, 1u);
            EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
        }
    }
}

// Where nothing is lost for seconds, for so long is the queue, receiver reports tell sooner than a packet that waits in it.
TEST_P(WideLink, ReceiverReportsEndSpotChecks) {
    double reported = 0, alone = 0;
    for (unsigned seed = 1; seed <= seeds(10); ++seed) {
        for (const unsigned interval : {0u, 1000u}) {
            SimPath path{.rate = 1e9, .queue_ms = 3000, .delay_ms = 0.25};
            auto set = settings(seed, path);
            set.reports_ms = interval;
            auto sim = simulate(set);
            const double falls = 24 + 0.1 * (seed % 10);
            sim.run_until(falls);
            ASSERT_TRUE(sim.viewer().path().spot_checks());
            path.rate = 0.8e6;
            sim.link().set(path);
            sim.run_until(falls + 20);
            const auto checks = spot_checks(sim);
            ASSERT_EQ(checks.size(), 1u);
            const double took = checks[0].second - falls;
            std::printf("reports %4u %2u noticed after %.2f s, sub after %.2f s, longest gap %.2f s\n", interval, seed,
                        took, sim.first_on("sub", falls) - falls, sim.seen(falls).longest);
            (interval ? reported : alone) += took;
            if (interval) {
                EXPECT_LT(took, 2);
            }
        }
    }
    EXPECT_LT(reported, alone);
}

TEST_P(WideLink, LossEndsSpotChecks) {
    for (unsigned seed = 1; seed <= seeds(5); ++seed) {
        SimPath path{.rate = 1e9, .queue_ms = 300, .delay_ms = 0.25};
        auto sim = simulate(settings(seed, path));
        sim.run_until(20);
        ASSERT_TRUE(sim.viewer().path().spot_checks());
        path.loss = 0.03;
        sim.link().set(path);
        sim.run_until(60);
        path.loss = 0;
        sim.link().set(path);
        sim.run_until(90);
        const auto checks = spot_checks(sim);
        print("loss", seed, sim, checks);
        ASSERT_EQ(checks.size(), 2u);
        EXPECT_LT(checks[0].second, 20.5);
        EXPECT_GT(checks[1].first, 60);
        EXPECT_EQ(sim.share_of("main", 20), 1) << "loss alone is no congestion";
    }
}

// Whatever a path does now and then, ends are far apart.
TEST_P(WideLink, SpotChecksDoNotFlap) {
    for (unsigned seed = 1; seed <= seeds(3); ++seed) {
        SimPath path{.rate = 60e6, .queue_ms = 300, .delay_ms = 5, .jitter_ms = 2, .loss = 0.00002};
        auto set = settings(seed, path);
        set.reports_ms = 1000;
        auto sim = simulate(set);
        sim.run_until(600);
        const auto checks = spot_checks(sim);
        print("flap", seed, sim, checks);
        EXPECT_LE(checks.size(), 10u);
        EXPECT_GE(checks.size(), 1u);
        EXPECT_EQ(sim.share_of("main", 5), 1);
    }
}

// With one packet told of each 500 ms, a report that is lost means a second without any. Where the way is long, that ends the checks, and
// no more.
TEST_P(WideLink, AReportThatIsLostIsNoOutageInSpotChecks) {
    for (unsigned seed = 1; seed <= seeds(2); ++seed) {
        for (const double delay : {40., 120.}) {
            SimPath path{.rate = 100e6, .queue_ms = 300, .delay_ms = delay, .jitter_ms = delay / 40};
            auto set = settings(seed, path);
            set.reports_ms = 1000;
            auto sim = simulate(set);
            double now = 30;
            sim.run_until(now);
            for (int i = 0; i < 5; ++i) {
                path.deaf = true;
                sim.link().set(path);
                sim.run_until(now += 0.45); // no more than one
                path.deaf = false;
                sim.link().set(path);
                sim.run_until(now += 20.03);
            }
            const auto checks = spot_checks(sim);
            print("report lost", seed, sim, checks);
            if (delay < 100) {
                EXPECT_EQ(checks.size(), 1u);
            }
            EXPECT_FALSE(checks.empty());
            EXPECT_EQ(sim.share_of("main", 30), 1);
            EXPECT_EQ(sim.seen(30).freezes, 0u);
            EXPECT_EQ(sim.seen(30).back, 0);
            EXPECT_EQ(sim.viewer().stream().stats().drops, 0u);
            EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
        }
    }
}

TEST_P(WideLink, WithoutFeedbackMainIsSentAfterThreeSeconds) {
    for (unsigned seed = 1; seed <= seeds(2); ++seed) {
        for (const bool agreed : {false, true}) {
            auto set = without_feedback(seed, {.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25}, agreed);
            auto sim = simulate(set);
            sim.run_until(30);
            print("no reports", seed, sim, sim.seen());
            EXPECT_GT(sim.first_on("main"), 2.9);
            EXPECT_LT(sim.first_on("main"), 3 + GetParam() + 0.2); // the last part is the wait for a key unit
            EXPECT_FALSE(sim.viewer().path().spot_checks());
        }
    }
}

// It connected and went away, or hears nothing: a page that was closed at once must not cost others their pictures.
TEST_P(WideLink, WhoIsNeverHeardOfGetsLittle) {
    for (unsigned seed = 1; seed <= seeds(2); ++seed) {
        for (const bool agreed : {false, true}) {
            auto set = without_feedback(seed, {.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25}, agreed);
            set.gone = true;
            auto sim = simulate(set);
            sim.run_until(6);
            const uint64_t before = sim.viewer().media_bytes + sim.viewer().padding_bytes;
            sim.run_until(30);
            const uint64_t more = sim.viewer().media_bytes + sim.viewer().padding_bytes - before;
            std::printf("gone        %u %.0f kbit in 6 s, %.0f kbit/s then\n", seed,
                        static_cast<double>(before) * 8 / 1e3, static_cast<double>(more) * 8 / 1e3 / 24);
            EXPECT_LT(before * 8, agreed ? 6e6 : 9e6); // the cached GOP
            EXPECT_LT(more * 8, 24 * 80e3);
            EXPECT_EQ(sim.share_of("main"), 0);
        }
    }
}

TEST_P(WideLink, ReceiverReportsAloneKeepMainOnALan) {
    for (unsigned seed = 1; seed <= seeds(2); ++seed) {
        for (const unsigned interval : {1000, 5000}) {
            auto set = without_feedback(seed, {.rate = 1e9, .queue_ms = 50, .delay_ms = 0.25}, false);
            set.reports_ms = interval;
            auto sim = simulate(set);
            sim.run_until(120);
            print("receiver reports", seed, sim, sim.seen());
            EXPECT_LT(sim.first_on("main"), 3 + GetParam() + 0.2);
            EXPECT_EQ(sim.share_of("main", 4 + GetParam()), 1);
            EXPECT_LE(sim.seen(1).longest, 0.5);
        }
    }
}

TEST_P(WideLink, ReceiverReportsAloneShowANarrowPath) {
    for (unsigned seed = 1; seed <= seeds(3); ++seed) {
        auto set = without_feedback(seed, {.rate = 0.8e6, .queue_ms = 500, .delay_ms = 20}, false);
        set.reports_ms = 1000;
        auto sim = simulate(set);
        sim.run_until(300);
        const Seen s = sim.seen();
        print("narrow, receiver reports", seed, sim, s);
        EXPECT_LT(sim.share_of("main", 4), 0.15);
        EXPECT_LE(s.frozen, 0.2);
    }
}

INSTANTIATE_TEST_SUITE_P(Gop, WideLink, testing::Values(2.0, 10.0),
                         [](const auto& p) { return p.param == 2.0 ? "2s" : "10s"; });

} // namespace
} // namespace sluice
