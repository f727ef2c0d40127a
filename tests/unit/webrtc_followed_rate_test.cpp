// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream whose encoder follows its viewers' paths: the whole loop of estimate, channel, rule and encoder against simulated paths.
#include "launcher/worker/rate_follower.hpp"
#include "plugins/webrtc/congestion/picture_rate.hpp"
#include "tests/support/thin_link_sim.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

constexpr unsigned seeds = 3;

// What the launcher does for a derived stream.
class Encoder {
public:
    Encoder(SimCamera& camera, double full) : camera_(camera), rule_(static_cast<uint64_t>(full)) {
        camera.on_carried([this](uint64_t carried) { rule_.carried(carried); });
    }
    void look(GstClockTime now) {
        const RateFollower::Time time{std::chrono::nanoseconds(now)};
        if (const auto next = rule_.next(); next && time < *next)
            return;
        if (const auto rate = rule_.step(time)) {
            camera_.set_bitrate(static_cast<double>(*rate));
            ++changes;
        }
    }
    double rate() const { return static_cast<double>(rule_.rate()); }
    unsigned changes = 0;

private:
    SimCamera& camera_;
    RateFollower rule_;
};

// Key units each second, as workers make them.
SimEncoding derived(const char* name, double bitrate) {
    const auto key = static_cast<unsigned>(bitrate / 8 / 5);
    return {name, bitrate, key * 3 / 4, key * 5 / 4, 1, 0.5};
}

SimSettings settings(unsigned seed, double rate) {
    SimSettings s;
    s.seed = seed;
    s.path = {.rate = rate, .queue_ms = 300, .delay_ms = 30, .jitter_ms = 5};
    s.joined = 2.3 + 0.37 * seed;
    return s;
}

TEST(FollowedRate, TheOnlyStreamComesToFitAndRisesWithThePath) {
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        auto set = settings(seed, 0.7e6);
        set.encodings = {derived("web", 2e6)};
        ThinLinkSim before({set}); // an encoder that goes on as it is
        before.run_until(60);
        ThinLinkSim sim({set});
        Encoder encoder(sim.viewer().camera(0), 2e6);
        sim.each_ms = [&](ThinLinkSim& it) { encoder.look(it.now()); };
        sim.run_until(3);
        EXPECT_LT(encoder.rate(), 0.7e6) << "after 3 s";
        double least = 1e9, most = 0;
        while (sim.seconds() < 60) {
            sim.run_until(sim.seconds() + 0.5);
            if (sim.seconds() > 10) {
                least = std::min(least, encoder.rate());
                most = std::max(most, encoder.rate());
            }
        }
        const Seen s = sim.seen(5);
        const double stood = before.seen(5).frozen;
        std::printf(
            "seed %u: %.0f to %.0f kbit/s, %u changes, frozen %.1f %% (without: %.1f %%), longest %.2f s, worst "
            "latency %.2f s\n",
            seed, least / 1e3, most / 1e3, encoder.changes, s.frozen * 100, stood * 100, s.longest, s.worst_latency);
        EXPECT_GT(stood, 0.2);
        EXPECT_GT(least, 0.25e6);
        EXPECT_LT(most, 0.75e6);
        EXPECT_LT(s.frozen, 0.02);
        EXPECT_LT(s.longest, 1.2);
        EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
        auto wide = set.path;
        wide.rate = 20e6;
        sim.link().set(wide);
        sim.run_until(90);
        double sum = 0, best = 0; // the path jitters, which takes a little of it now and then
        for (unsigned i = 0; i < 20; ++i) {
            sim.run_until(91 + i);
            sum += encoder.rate();
            best = std::max(best, encoder.rate());
        }
        EXPECT_EQ(best, 2e6);
        EXPECT_GT(sum / 20, 1.85e6);
    }
}

TEST(FollowedRate, WhereThePathIsWideNothingIsTakenAway) {
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        auto set = settings(seed, 1e9);
        set.path.delay_ms = 0.25;
        set.path.queue_ms = 50;
        set.path.jitter_ms = 0;
        set.encodings = {derived("web", 2e6)};
        ThinLinkSim sim({set});
        Encoder encoder(sim.viewer().camera(0), 2e6);
        sim.each_ms = [&](ThinLinkSim& it) { encoder.look(it.now()); };
        sim.run_until(30);
        EXPECT_EQ(encoder.changes, 0u);
    }
}

TEST(FollowedRate, TheChoiceBetweenMainAndADerivedSubDoesNotFlap) {
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        auto set = settings(seed, 0.7e6);
        set.encodings = {main_encoding(4e6), derived("sub", 1e6)};
        ThinLinkSim sim({set});
        Encoder encoder(sim.viewer().camera(1), 1e6);
        sim.each_ms = [&](ThinLinkSim& it) { encoder.look(it.now()); };
        sim.run_until(60);
        const size_t thin = sim.viewer().switches.size();
        EXPECT_LE(thin, 2u);
        EXPECT_EQ(sim.share_of("sub", 10, 60), 1);
        EXPECT_LT(encoder.rate(), 0.7e6);
        const Seen s = sim.seen(5, 60);
        std::printf("seed %u: %.0f kbit/s, frozen %.1f %%, longest %.2f s\n", seed, encoder.rate() / 1e3,
                    s.frozen * 100, s.longest);
        EXPECT_LT(s.frozen, 0.05);
        auto wide = set.path;
        wide.rate = 8e6;
        sim.link().set(wide);
        sim.run_until(100);
        EXPECT_LE(sim.viewer().switches.size(), thin + 2);
        EXPECT_EQ(sim.share_of("main", 90, 100), 1);
        EXPECT_EQ(encoder.rate(), 1e6) << "nobody who watches it is slow any more";
    }
}

// --- what a viewer says ---

struct PictureRateTest : testing::Test {
    PictureRate rate;
    PathState path{.estimate = 636'000, .feedback = true};
    GstClockTime now = 100 * GST_SECOND;
};

TEST_F(PictureRateTest, TheEstimateLessHeadersAndTheMarginOfAChoice) {
    EXPECT_EQ(rate.look(path, 0, now), 500'000u);
    path.estimate = 300'000;
    EXPECT_FALSE(rate.look(path, 0, now + 249 * GST_MSECOND)) << "a few times a second";
    EXPECT_LT(rate.look(path, 0, now + 250 * GST_MSECOND), 250'000u);
}

TEST_F(PictureRateTest, SoundIsTakenOff) {
    uint64_t sound = 1'000'000; // what was sent so far is no rate
    EXPECT_EQ(rate.look(path, sound, now), 500'000u);
    for (int i = 0; i < 4; i++)
        EXPECT_NEAR(double(rate.look(path, sound += 2000, now += PictureRate::interval).value()), (600e3 - 64e3) / 1.2,
                    1e3);
}

TEST_F(PictureRateTest, SmallSwingsAreNoNews) {
    rate.look(path, 0, now);
    path.estimate = 645'000;
    EXPECT_EQ(rate.look(path, 0, now += PictureRate::interval), 500'000u);
    path.estimate = 670'000;
    EXPECT_GT(rate.look(path, 0, now += PictureRate::interval), 515'000u);
}

TEST_F(PictureRateTest, AnOutageIsNoNarrowPath) {
    rate.look(path, 0, now);
    path.estimate = 30'000;
    rate.silent(now += GST_SECOND);
    EXPECT_FALSE(rate.look(path, 0, now + 900 * GST_MSECOND));
    EXPECT_LT(rate.look(path, 0, now + 1300 * GST_MSECOND), 30'000u) << "it has stayed so";
}

TEST_F(PictureRateTest, NothingIsSaidWithoutAnEstimate) {
    path.estimate = 0;
    EXPECT_FALSE(rate.look(path, 0, now));
}

} // namespace
} // namespace sluice
