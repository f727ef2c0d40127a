// SPDX-License-Identifier: LGPL-2.1-or-later
// The channel with producers that take over from each other and readers that come, go, lag and rewind, all at once.
// Under ThreadSanitizer this is the test of its locking; in every build it checks what readers may rely on.
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;

namespace {

constexpr int units_per_producer = 1500, gop = 20, takeovers = 6;

struct Bell : Wakeup {
    std::mutex mutex;
    std::condition_variable changed;
    bool rung = false;
    void wake() override {
        std::lock_guard lock(mutex);
        rung = true;
        changed.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return rung; });
        rung = false;
    }
};

// What every reader may rely on, whatever happens around it.
struct Checker {
    std::optional<uint64_t> seq, generation;
    bool had_key = false;
    unsigned units = 0;
    void take(const Channel::Reader::Next& n, bool went_back) {
        const AccessUnit& u = *n.unit;
        units++;
        if (n.skipped) {
            EXPECT_TRUE(u.key);
        } else if (seq && !went_back) {
            EXPECT_EQ(u.seq, *seq + 1);
        }
        if (generation && !went_back) {
            EXPECT_GE(u.generation, *generation);
        }
        if (generation != u.generation) {
            EXPECT_TRUE(u.key);
            EXPECT_TRUE(u.discont || n.skipped);
        }
        had_key = had_key || u.key;
        EXPECT_TRUE(had_key);
        EXPECT_EQ(u.payloads().empty(), false);
        seq = u.seq;
        generation = u.generation;
    }
};

TEST(ChannelThreads, ProducersTakeOverWhileReadersComeGoAndLag) {
    auto c = std::make_shared<Channel>("front/main", ChannelLimits{.max_buffers = 64});
    std::atomic<int> signals = 0;
    c->on_producer_changed = [&](bool) { signals++; };
    c->on_readers_changed = [&](unsigned) { signals++; };
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;

    std::atomic<int> owner = 0; // whose turn it is to take over
    const auto produce = [&](int me) {
        for (int turn = me; turn < takeovers; turn += 2) {
            for (int seen = owner; seen != turn; seen = owner)
                owner.wait(seen);
            Producer p(c, 1000 * GST_SECOND + turn * 100 * GST_SECOND);
            // The next one comes while this one writes, and this one notices by its writes.
            auto result = Channel::Written::ok;
            for (int i = 0; turn == takeovers - 1 ? i < units_per_producer : result != Channel::Written::stale; i++) {
                if (i == units_per_producer / 2) {
                    owner = turn + 1;
                    owner.notify_all();
                }
                result = i % gop == 0 ? p.key() : p.delta();
            }
            if (turn % 3 == 0)
                c->close(p.token);
        }
    };
    std::vector<std::shared_ptr<Bell>> bells;
    std::vector<std::unique_ptr<Checker>> checkers;
    for (int i = 0; i < 4; i++) { // all of them before the first thread looks
        bells.push_back(std::make_shared<Bell>());
        checkers.push_back(std::make_unique<Checker>());
        c->add_wakeup(bells[i]);
    }
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&, i] {
            auto r = c->attach(i % 2 ? Start::cached_gop : Start::next_key_unit, true, true);
            while (!over) {
                bells[i]->wait();
                if (i == 3) { // slow: takes one unit for each call
                    if (const auto n = r->next(); n.unit)
                        checkers[i]->take(n, false);
                    continue;
                }
                for (auto n = r->next(); n.unit; n = r->next())
                    checkers[i]->take(n, false);
            }
        });
    }
    threads.emplace_back([&] { // comes and goes
        while (!over) {
            auto r = c->attach(Start::cached_gop, true, true);
            Checker check;
            for (int k = 0; k < 30; k++)
                if (const auto n = r->next(); n.unit)
                    check.take(n, false);
            if (r->rewind())
                if (const auto n = r->next(); n.unit)
                    check.take(n, true);
            if (r->skip_to_newest_key() || r->newer_key_waiting() || r->backlog())
                if (const auto n = r->next(); n.unit)
                    check.take(n, true);
        }
    });
    threads.emplace_back([&] { // looks on
        auto bell = std::make_shared<Bell>();
        while (!over) {
            c->stats(0);
            c->tracks();
            c->video_track();
            c->set_limits({.max_buffers = 64});
            c->add_wakeup(bell);
            c->remove_wakeup(bell);
            c->request_key_unit();
        }
    });

    std::thread a(produce, 0), b(produce, 1);
    a.join();
    b.join();
    over = true;
    for (const auto& bell : bells)
        bell->wake();
    for (auto& t : threads)
        t.join();
    for (const auto& check : checkers)
        EXPECT_GT(check->units, 0u);
    EXPECT_EQ(c->stats(0).stale_writes, unsigned(takeovers - 1));
    EXPECT_EQ(c->stats(0).readers, 0u);
    EXPECT_LE(c->stats(0).cached_units, 64u);
    EXPECT_GT(signals, 0);
}

TEST(ChannelThreads, AReaderThatKeepsUpLosesNothing) {
    auto c = std::make_shared<Channel>("front/main");
    auto bell = std::make_shared<Bell>();
    c->add_wakeup(bell);
    constexpr unsigned total = 5000;
    unsigned got = 0;
    std::mutex mutex;
    std::condition_variable taken;
    std::thread reader([&] {
        auto r = c->attach(Start::cached_gop, true, true);
        Checker check;
        while (check.units < total) {
            bell->wait();
            for (auto n = r->next(); n.unit; n = r->next())
                check.take(n, false);
            std::lock_guard lock(mutex);
            got = check.units;
            taken.notify_all();
        }
        EXPECT_EQ(r->skips(), 0u);
    });
    while (c->stats(0).readers == 0)
        std::this_thread::yield();
    Producer p(c);
    for (unsigned i = 0; i < total; i++) {
        if (i % 50 == 0)
            p.key();
        else
            p.delta();
        std::unique_lock lock(mutex); // never further ahead than the cache reaches back
        taken.wait(lock, [&] { return got + 8 > i; });
    }
    reader.join();
    EXPECT_EQ(got, total);
}

} // namespace
