// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/channel_access.hpp"
#include "plugins/webrtc/sender_pool.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr auto patience = 20s; // far more than any of this takes

GstClockTime now() {
    const auto clock = channel_clock();
    return gst_clock_get_time(clock.get());
}

// The threads let their copies of a round go a moment after a removal.
template <typename F> bool soon(F condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end)
            return false;
        std::this_thread::yield();
    }
    return true;
}

// Reads a channel and counts; `body` runs inside run(), with the number of this run.
class Counter : public Sendable {
public:
    explicit Counter(std::shared_ptr<Channel> c) : channel_(std::move(c)) {
        reader_ = channel_->attach(Channel::Start::cached_gop, true, false);
    }
    GstClockTime run() override {
        std::unique_lock lock(mutex_);
        EXPECT_FALSE(inside_) << "two threads at once";
        inside_ = true;
        const unsigned number = ++runs_;
        const auto body = body_;
        lock.unlock();
        if (body)
            body(number);
        lock.lock();
        while (auto n = reader_->next().unit) {
            ++units_;
            last_seq_ = n->seq;
        }
        const GstClockTime come_back = come_back_ ? come_back_() : 0;
        inside_ = false;
        changed_.notify_all();
        return come_back;
    }
    std::vector<std::shared_ptr<Channel>> listening() override {
        std::lock_guard lock(mutex_);
        if (told_ != channel_.get())
            runs_when_told_ = runs_;
        told_ = channel_.get();
        return {channel_};
    }
    // The pool listens to the present channel, and has run after it began to.
    bool wait_listened() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience,
                                 [&] { return told_ == channel_.get() && runs_ > runs_when_told_ && !inside_; });
    }

    void move_to(const std::shared_ptr<Channel>& c) {
        std::unique_ptr<Channel::Reader> old; // let go outside the lock
        auto fresh = c->attach(Channel::Start::cached_gop, true, false);
        std::lock_guard lock(mutex_);
        channel_ = c;
        old = std::exchange(reader_, std::move(fresh));
        units_ = 0;
    }
    void set_body(std::function<void(unsigned)> f) {
        std::lock_guard lock(mutex_);
        body_ = std::move(f);
    }
    void set_come_back(std::function<GstClockTime()> f) {
        std::lock_guard lock(mutex_);
        come_back_ = std::move(f);
    }
    bool wait_runs(unsigned wanted) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return runs_ >= wanted && !inside_; });
    }
    bool wait_units(unsigned wanted) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return units_ >= wanted; });
    }
    bool wait_seq(uint64_t wanted) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return last_seq_ >= wanted; });
    }
    unsigned runs() {
        std::lock_guard lock(mutex_);
        return runs_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<Channel> channel_;
    std::unique_ptr<Channel::Reader> reader_;
    std::function<void(unsigned)> body_;
    std::function<GstClockTime()> come_back_;
    bool inside_ = false;
    unsigned runs_ = 0, units_ = 0, runs_when_told_ = 0;
    const Channel* told_ = nullptr;
    uint64_t last_seq_ = 0;
};

struct SenderPoolTest : testing::Test {
    std::shared_ptr<Channel> channel = std::make_shared<Channel>("front/main");
    Producer producer{channel, 1000 * GST_SECOND};
};

TEST_F(SenderPoolTest, RunsOnceWhenAddedAndThenWithTheNewsOfTheChannel) {
    SenderPool pool(1);
    const auto s = std::make_shared<Counter>(channel);
    pool.add(s);
    ASSERT_TRUE(s->wait_runs(1));
    producer.key();
    ASSERT_TRUE(s->wait_units(1));
    producer.delta();
    EXPECT_TRUE(s->wait_units(2));
    pool.remove(s);
}

// The wake-up must work from the moment the pool listens: nothing else may be needed to set it going.
TEST_F(SenderPoolTest, HearsTheFirstUnitAfterItHasMovedToAnotherChannel) {
    SenderPool pool(1);
    const auto other = std::make_shared<Channel>("front/sub");
    Producer second{other};
    const auto s = std::make_shared<Counter>(channel);
    pool.add(s);
    ASSERT_TRUE(s->wait_runs(2)); // the second because it listens from now on
    for (int i = 0; i < 20; ++i) {
        s->move_to(i % 2 ? channel : other);
        pool.kick(s);
        ASSERT_TRUE(s->wait_listened()) << i;
        (i % 2 ? producer : second).key();
        ASSERT_TRUE(s->wait_units(1)) << i;
    }
    pool.remove(s);
}

TEST_F(SenderPoolTest, KickRunsItWithoutNews) {
    SenderPool pool(2);
    const auto s = std::make_shared<Counter>(channel);
    pool.add(s);
    ASSERT_TRUE(s->wait_runs(2));
    const unsigned before = s->runs();
    pool.kick(s);
    EXPECT_TRUE(s->wait_runs(before + 1));
    pool.remove(s);
}

TEST_F(SenderPoolTest, ComesBackAtTheDeadlineAndNotBefore) {
    SenderPool pool(1);
    const auto s = std::make_shared<Counter>(channel);
    std::atomic<GstClockTime> wanted{0}, came{0};
    std::promise<void> done;
    s->set_come_back([&]() -> GstClockTime {
        if (!wanted)
            return wanted = now() + 30 * GST_MSECOND;
        if (now() < wanted)
            return wanted; // the run after it began to listen
        if (!came) {
            came = now();
            done.set_value();
        }
        return 0;
    });
    pool.add(s);
    ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
    EXPECT_GE(came.load(), wanted.load());
    pool.remove(s);
}

TEST_F(SenderPoolTest, ADeadlineThatHasPassedRunsAtOnceAndOthersGetTheirTurn) {
    SenderPool pool(1);
    const auto busy = std::make_shared<Counter>(channel), other = std::make_shared<Counter>(channel);
    busy->set_come_back([] { return now(); });
    pool.add(busy);
    pool.add(other);
    ASSERT_TRUE(busy->wait_runs(100));
    producer.key();
    EXPECT_TRUE(other->wait_units(1));
    pool.remove(busy);
    pool.remove(other);
}

TEST_F(SenderPoolTest, RemovalWaitsUntilNobodyIsInside) {
    SenderPool pool(1);
    const auto s = std::make_shared<Counter>(channel);
    pool.add(s);
    ASSERT_TRUE(s->wait_runs(2));
    std::promise<void> entered, go_on;
    std::atomic<bool> out{false};
    s->set_body([&, first = true](unsigned) mutable {
        if (!std::exchange(first, false))
            return;
        entered.set_value();
        go_on.get_future().wait();
        out = true;
    });
    pool.kick(s);
    entered.get_future().wait();
    auto removal = std::async(std::launch::async, [&] {
        pool.remove(s);
        return out.load();
    });
    EXPECT_EQ(removal.wait_for(50ms), std::future_status::timeout);
    go_on.set_value();
    ASSERT_EQ(removal.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(removal.get());
    const unsigned runs = s->runs();
    pool.kick(s); // not there any more
    producer.key();
    const auto other = std::make_shared<Counter>(channel);
    pool.add(other); // after this the thread has seen all that was
    ASSERT_TRUE(other->wait_units(1));
    EXPECT_EQ(s->runs(), runs);
    pool.remove(other);
}

TEST_F(SenderPoolTest, RemovingASecondTimeOrWhatWasNeverThereDoesNothing) {
    SenderPool pool(2);
    const auto s = std::make_shared<Counter>(channel);
    pool.remove(s);
    pool.kick(s);
    pool.add(s);
    ASSERT_TRUE(s->wait_runs(1));
    pool.remove(s);
    pool.remove(s);
    pool.kick(s);
    EXPECT_TRUE(soon([&] { return s.use_count() == 1; })) << "somebody holds it";
}

TEST_F(SenderPoolTest, KeepsNothingAliveAfterRemoval) {
    std::weak_ptr<Channel> weak = channel;
    {
        SenderPool pool(1);
        auto s = std::make_shared<Counter>(channel);
        pool.add(s);
        ASSERT_TRUE(s->wait_runs(2));
        pool.remove(s);
        s.reset();
        producer.channel.reset();
        channel.reset();
        EXPECT_TRUE(soon([&] { return weak.expired(); }));
    }
}

TEST_F(SenderPoolTest, EndsWithViewersStillInIt) {
    auto pool = std::make_unique<SenderPool>(2);
    std::vector<std::shared_ptr<Counter>> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(std::make_shared<Counter>(channel));
        pool->add(all.back());
    }
    for (const auto& s : all)
        ASSERT_TRUE(s->wait_runs(1));
    pool.reset();
    producer.key(); // wakes nobody
    for (const auto& s : all)
        EXPECT_EQ(s.use_count(), 1);
}

TEST_F(SenderPoolTest, TheSharedPoolLivesAsLongAsSomebodyUsesIt) {
    auto a = SenderPool::shared();
    EXPECT_EQ(SenderPool::shared(), a);
    std::weak_ptr<SenderPool> weak = a;
    a.reset();
    EXPECT_TRUE(weak.expired());
    EXPECT_TRUE(SenderPool::shared());
}

// Every viewer reaches the last unit although the producer says nothing after it: one lost wake-up would be seen.
TEST_F(SenderPoolTest, LosesNoWakeUpWithManyViewersComingGoingAndMoving) {
    const auto other = std::make_shared<Channel>("front/sub");
    constexpr int viewers = 12, rounds = 30, units = 8;
    SenderPool pool(3);
    producer.key();
    Producer second{other};
    second.key();
    std::vector<std::shared_ptr<Counter>> all;
    for (int i = 0; i < viewers; ++i) {
        all.push_back(std::make_shared<Counter>(channel));
        pool.add(all.back());
    }
    uint64_t written = 0; // seq of the newest unit, the same in both channels
    for (int round = 0; round < rounds; ++round) {
        std::thread writer([&] {
            for (int i = 0; i < units; ++i) {
                producer.delta();
                second.delta();
            }
        });
        const auto mover = all[static_cast<size_t>(round % viewers)];
        mover->move_to(round % 2 ? channel : other);
        pool.kick(mover);
        auto& goer = all[static_cast<size_t>((round + 5) % viewers)];
        pool.remove(goer);
        goer = std::make_shared<Counter>(round % 3 ? channel : other);
        pool.add(goer);
        writer.join();
        written += units;
        for (const auto& s : all)
            ASSERT_TRUE(s->wait_seq(written)) << "round " << round;
    }
    for (const auto& s : all)
        pool.remove(s);
}

} // namespace
} // namespace sluice
