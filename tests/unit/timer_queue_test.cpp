// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/timer_queue.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

class TimerQueueTest : public testing::Test {
protected:
    using Timer = TimerQueue::Timer;

    TimerQueueTest() {
        queue_.on_next = [this](std::optional<TimerQueue::Time> at) {
            next_ = at;
            told_++;
        };
    }
    std::unique_ptr<Timer> timer(const std::string& name) {
        return std::make_unique<Timer>(queue_, [this, name] { called_.push_back(name); });
    }

    const TimerQueue::Time t_{1000s};
    std::vector<std::string> called_;
    std::optional<TimerQueue::Time> next_;
    int told_ = 0;
    TimerQueue queue_;
};

using Names = std::vector<std::string>;

TEST_F(TimerQueueTest, CallsWhatIsDueInOrderAndOnce) {
    const auto a = timer("a"), b = timer("b"), c = timer("c");
    c->set(t_ + 3s);
    a->set(t_ + 1s);
    b->set(t_ + 1s);
    EXPECT_EQ(next_, t_ + 1s);
    queue_.run(t_ + 1s - 1ns);
    EXPECT_TRUE(called_.empty());
    queue_.run(t_ + 2s);
    EXPECT_EQ(called_, (Names{"a", "b"}));
    EXPECT_EQ(next_, t_ + 3s);
    queue_.run(t_ + 3s);
    EXPECT_EQ(called_, (Names{"a", "b", "c"}));
    EXPECT_FALSE(next_);
}

TEST_F(TimerQueueTest, TellsOnlyWhenTheNextOneIsAnotherOne) {
    const auto a = timer("a"), b = timer("b");
    a->set(t_);
    b->set(t_ + 1s);
    a->set(t_);
    EXPECT_EQ(told_, 1);
    b->clear();
    EXPECT_EQ(told_, 1);
    a->set(t_ + 5s);
    EXPECT_EQ(told_, 2);
    a->set(std::nullopt);
    EXPECT_FALSE(next_);
}

TEST_F(TimerQueueTest, CallbacksMaySetClearAndEndTimers) {
    const auto other = timer("other");
    std::unique_ptr<Timer> self;
    int calls = 0;
    self = std::make_unique<Timer>(queue_, [&] {
        other->clear();
        if (++calls == 3)
            self = nullptr;
        else
            self->set(t_); // due already: not within this run
    });
    self->set(t_);
    other->set(t_);
    queue_.run(t_);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(next_, t_);
    queue_.run(t_);
    queue_.run(t_);
    queue_.run(t_);
    EXPECT_EQ(calls, 3);
    EXPECT_TRUE(called_.empty());
    EXPECT_FALSE(next_);
}

TEST_F(TimerQueueTest, ATimerThatEndsIsNotCalled) {
    auto a = timer("a");
    a->set(t_);
    a = nullptr;
    EXPECT_FALSE(next_);
    queue_.run(t_ + 1s);
    EXPECT_TRUE(called_.empty());
}

} // namespace
