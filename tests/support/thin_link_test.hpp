// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests on simulated paths share. THIN_LINK_SEEDS: so many instead of the usual number; THIN_LINK_TALK: all that happens.
#pragma once

#include "tests/support/thin_link_sim.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice::test {

inline unsigned seeds(unsigned usual) {
    const char* wanted = std::getenv("THIN_LINK_SEEDS");
    return wanted ? static_cast<unsigned>(std::atoi(wanted)) : usual;
}
inline bool talk() { return std::getenv("THIN_LINK_TALK"); }

inline void print(const char* title, unsigned seed, ThinLinkSim& sim, const Seen& s, size_t who = 0) {
    SimViewer& v = *sim.viewers[who];
    const auto stats = v.stream().stats();
    std::printf(
        "%-10s %2u first %4.0f ms  frozen %5.2f%% (%u, %u > 1 s) longest %4.0f  latency %4.0f..%5.0f  back %4.0f  "
        "main %3.0f%%  sw %zu drops %lu rep %lu/%lu skips %lu  queue %3.0f  rtx %4.1f%% pad %4.1f%% %s\n",
        title, seed, s.first * 1e3, s.frozen * 100, s.freezes, s.freezes_1s, s.longest * 1e3, s.latency * 1e3,
        s.worst_latency * 1e3, s.back * 1e3, sim.share_of("main", 0, 1e9, who) * 100, v.switches.size(), stats.drops,
        stats.repeats, stats.plis, stats.skips, s.link_ms,
        100.0 * static_cast<double>(v.rtx_bytes) / static_cast<double>(v.media_bytes + 1),
        100.0 * static_cast<double>(v.padding_bytes) / static_cast<double>(v.media_bytes + 1),
        v.receiver.wrong ? "WRONG" : "");
    if (talk()) {
        GstClockTime last = 0;
        for (const ShownPicture& p : v.receiver.shown) {
            if (last && p.at > last + GST_SECOND / 2)
                std::printf("    gap %4.0f ms until %.3f\n", static_cast<double>(p.at - last) / 1e6,
                            static_cast<double>(p.at - v.joined()) / 1e9);
            last = p.at;
        }
        double next = 0;
        for (const auto& m : v.moments) {
            const double t = static_cast<double>(m.at - v.joined()) / 1e9;
            if (t < next)
                continue;
            next = t + 0.25;
            std::printf(
                "   %7.2f %s est %6.0f rcv %6.0f loss %4.1f%% rtt %4.0f qd %4.0f (real %4.0f) late %4.0f %s%s\n", t,
                v.settings.encodings[m.stream].name.c_str(), static_cast<double>(m.path.estimate) / 1e3,
                static_cast<double>(m.path.received) / 1e3, m.path.loss * 100, static_cast<double>(m.path.rtt) / 1e6,
                static_cast<double>(m.path.queue_delay) / 1e6, m.link_ms, static_cast<double>(m.late) / 1e6,
                m.path.overuse ? "over" : "", m.spot_checks ? " spot checks" : "");
        }
    }
}

struct ThinLink : testing::TestWithParam<double> { // key units each so many seconds
    SimSettings settings(unsigned seed, const SimPath& path) {
        SimSettings s;
        s.seed = seed;
        s.path = path;
        s.encodings = {main_encoding(4e6, GetParam()), sub_encoding(0.5e6, GetParam())};
        s.joined = GetParam() + 1.3 + 0.37 * seed;
        s.start.round_trip = std::make_shared<LeastRoundTrip>();
        return s;
    }
    // Nothing passes for so long; pictures are there again so many seconds after its end, at most. By chance one of five has to wait for the
    // next key unit.
    void outage(double seconds, double most) {
        unsigned late = 0;
        for (unsigned seed = 1; seed <= seeds(5); ++seed) {
            SimPath path = flaky_path();
            auto set = settings(seed, path);
            set.tunnel = 60;
            auto sim = simulate(set);
            sim.run_until(20);
            path.hole = true;
            sim.link().set(path);
            sim.run_until(20 + seconds);
            path.hole = false;
            sim.link().set(path);
            sim.run_until(37 + seconds);
            const double end = 20 + seconds;
            double back = 99;
            for (const ShownPicture& p : sim.viewer().receiver.shown) {
                const double t = static_cast<double>(p.at - sim.viewer().joined()) / 1e9;
                if (t > end + 0.05) {
                    back = t - end;
                    break;
                }
            }
            print("outage", seed, sim, sim.seen(end + back, end + 17));
            std::printf("           pictures %.2f s after its end\n", back);
            late += back > most;
            EXPECT_LE(back, 1.5 * most);
            EXPECT_EQ(sim.viewer().receiver.wrong, 0u);
        }
        EXPECT_LE(late, seeds(5) / 5);
    }
    bool usual() const { return GetParam() == 2; }
    struct Four {
        const char* title;
        SimPath path;
        double sub = 0;      // bit/s
        double apart = 0;    // s between two joins
        bool phases = false; // their key units come at different times
        double seconds = 0, from = 0;
        double most_frozen = 0, longest = 0; // with key units as they usually are
    };
    // Of four cameras, in one network, over one path: shares within 2x.
    void four_viewers(const Four& four) {
        for (unsigned seed = 1; seed <= seeds(3); ++seed) {
            std::vector<SimSettings> all;
            const auto round_trip = std::make_shared<LeastRoundTrip>();
            for (unsigned i = 0; i < 4; ++i) {
                auto set = settings(seed, four.path);
                set.start.round_trip = round_trip;
                set.encodings[1] = sub_encoding(four.sub, GetParam());
                if (four.phases)
                    set.encodings[1].phase = GetParam() * (0.1 + 0.2 * i);
                set.joined += four.apart * i;
                all.push_back(set);
            }
            ThinLinkSim sim(all);
            sim.viewers[0]->talk = talk();
            sim.run_until(four.seconds);
            uint64_t least = UINT64_MAX, most = 0;
            for (size_t i = 0; i < 4; ++i) {
                const Seen s = sim.seen(four.from, 1e9, i);
                print(four.title, seed, sim, s, i);
                const uint64_t sent = sim.viewers[i]->media_bytes;
                least = std::min(least, sent);
                most = std::max(most, sent);
                if (usual()) {
                    EXPECT_LE(s.longest, four.longest);
                    EXPECT_LE(s.frozen, four.most_frozen);
                }
                EXPECT_EQ(sim.viewers[i]->receiver.wrong, 0u);
            }
            if (usual()) {
                EXPECT_LE(most, 2 * least);
            }
        }
    }
    // A viewer that never gives transport-wide feedback, though it may have agreed to it.
    SimSettings without_feedback(unsigned seed, const SimPath& path, bool agreed) {
        auto set = settings(seed, path);
        set.feedback_ms = 0;
        set.start.reports = agreed;
        return set;
    }
    ThinLinkSim simulate(const SimSettings& s) {
        ThinLinkSim sim({s});
        sim.viewer().talk = talk();
        return sim;
    }
};

} // namespace sluice::test
