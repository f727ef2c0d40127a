// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/camera_life.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

// A life with a clock that only the test turns.
class CameraLifeTest : public testing::Test {
protected:
    CameraLife::Time now_{1000s};
    double random_ = 0.5;
    CameraLife life_{LifeLimits{}, [this] { return random_; }};

    // A permit is there at once.
    CameraLife::Actions permit(CameraLife::Actions actions) {
        if (actions.ask_permit)
            actions.begin_attempt = life_.permitted(now_).begin_attempt;
        return actions;
    }
    CameraLife::Actions start() { return permit(life_.start(now_)); }
    CameraLife::Actions fail(const char* reason = "connection refused", FailureClass kind = FailureClass::refused) {
        return life_.failed(now_, {kind, reason});
    }
    // Turns the clock to the next deadline; how far that was.
    std::chrono::milliseconds turn(CameraLife::Actions* actions = nullptr) {
        const auto next = life_.next_tick();
        EXPECT_TRUE(next.has_value());
        if (!next)
            return 0ms;
        const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(*next - now_);
        EXPECT_FALSE(life_.tick(*next - 1ms).changed) << "acted before its time";
        now_ = *next;
        const auto done = permit(life_.tick(now_));
        EXPECT_TRUE(done.changed);
        if (actions)
            *actions = done;
        return waited;
    }
    // A stalled source that stays so.
    void give_up() {
        const auto since = now_;
        CameraLife::Actions actions;
        while (!actions.changed)
            actions = life_.tick(now_ = *life_.next_tick());
        EXPECT_EQ(now_ - since, 2s);
        EXPECT_TRUE(actions.end_attempt);
        EXPECT_EQ(life_.state(), LifeState::backoff);
    }
    void stream_for(std::chrono::milliseconds time) {
        for (const auto end = now_ + time; now_ < end; now_ += 100ms)
            life_.picture(now_);
        life_.picture(now_);
    }
};

TEST_F(CameraLifeTest, BeginsIdleAndWaitsForNothing) {
    EXPECT_EQ(life_.state(), LifeState::idle);
    EXPECT_FALSE(life_.next_tick());
    EXPECT_FALSE(life_.tick(now_ + 1h).changed);
}

TEST_F(CameraLifeTest, StartBeginsOneAttempt) {
    const auto actions = start();
    EXPECT_TRUE(actions.begin_attempt);
    EXPECT_FALSE(actions.end_attempt);
    EXPECT_EQ(life_.state(), LifeState::connecting);
    EXPECT_EQ(life_.attempts(), 1u);
    EXPECT_FALSE(start().begin_attempt) << "a second start must not make a second attempt";
}

TEST_F(CameraLifeTest, PictureMakesItStreamAndClearsTheReason) {
    start();
    fail("connection refused");
    turn();
    EXPECT_EQ(life_.failure().reason, "connection refused") << "while it tries again the reason stays to be read";
    life_.handshake_done(now_);
    EXPECT_TRUE(life_.picture(now_).changed);
    EXPECT_EQ(life_.state(), LifeState::streaming);
    EXPECT_EQ(life_.failure().reason, "");
}

TEST_F(CameraLifeTest, HostThatDoesNotAnswerEndsAfterThreeSeconds) {
    start();
    CameraLife::Actions actions;
    EXPECT_EQ(turn(&actions), 3s);
    EXPECT_TRUE(actions.end_attempt);
    EXPECT_EQ(life_.state(), LifeState::backoff);
    EXPECT_EQ(life_.failure().kind, FailureClass::timed_out);
    EXPECT_EQ(life_.failure().reason, "no connection within 3 s");
}

TEST_F(CameraLifeTest, HandshakeThatHangsEndsTenSecondsAfterTheConnection) {
    start();
    now_ += 2s;
    life_.connected(now_);
    now_ += 1s;
    life_.connected(now_); // once is enough
    EXPECT_EQ(turn(), 9s);
    EXPECT_EQ(life_.failure().kind, FailureClass::timed_out);
    EXPECT_EQ(life_.failure().reason, "connected, but no answer within 10 s");
}

TEST_F(CameraLifeTest, DeadlinesCountFromThePermit) {
    EXPECT_TRUE(life_.start(now_).ask_permit);
    EXPECT_EQ(life_.state(), LifeState::connecting);
    EXPECT_FALSE(life_.next_tick()) << "it waits for others, not for the clock";
    EXPECT_FALSE(life_.attempt_running());
    now_ += 60s;
    EXPECT_FALSE(life_.tick(now_).changed);
    EXPECT_TRUE(life_.permitted(now_).begin_attempt);
    EXPECT_FALSE(life_.permitted(now_).begin_attempt) << "one attempt at a time";
    EXPECT_EQ(turn(), 3s);
}

TEST_F(CameraLifeTest, StopWhileItWaitsForAPermitEndsNoAttempt) {
    life_.start(now_);
    const auto actions = life_.stop(now_);
    EXPECT_TRUE(actions.changed);
    EXPECT_FALSE(actions.end_attempt);
    EXPECT_FALSE(life_.permitted(now_).begin_attempt) << "too late";
}

TEST_F(CameraLifeTest, AnotherTransportIsTriedWithoutAWait) {
    start();
    stream_for(2s);
    const auto actions = life_.again(now_);
    EXPECT_TRUE(actions.end_attempt);
    EXPECT_TRUE(actions.ask_permit);
    EXPECT_TRUE(life_.permitted(now_).begin_attempt);
    EXPECT_EQ(life_.failure().kind, FailureClass::none);
    EXPECT_EQ(life_.losses(), 0u);
}

TEST_F(CameraLifeTest, CameraWithoutPicturesEndsFiveSecondsAfterTheHandshake) {
    start();
    now_ += 2s;
    life_.connected(now_);
    now_ += 9s;
    life_.handshake_done(now_);
    EXPECT_EQ(turn(), 5s);
    EXPECT_EQ(life_.state(), LifeState::backoff);
    EXPECT_EQ(life_.failure().kind, FailureClass::stalled);
    EXPECT_EQ(life_.failure().reason, "connected, but no picture came within 5 s");
}

TEST_F(CameraLifeTest, CameraJoinedInALongGopHasTimeWhileDataComes) {
    start();
    life_.handshake_done(now_);
    const auto connected = now_;
    while (now_ - connected < 29s) {
        now_ += 4s;
        life_.data(now_);
    }
    EXPECT_EQ(life_.state(), LifeState::connecting);
    turn();
    EXPECT_EQ(now_ - connected, 30s);
    EXPECT_EQ(life_.failure().reason, "the camera sends video, but no key frame within 30 s");
}

TEST_F(CameraLifeTest, DataThatStopsBeforeTheFirstKeyFrameEndsTheAttempt) {
    start();
    life_.handshake_done(now_);
    now_ += 4s;
    life_.data(now_);
    EXPECT_EQ(turn(), 5s);
    EXPECT_EQ(life_.state(), LifeState::backoff);
    EXPECT_EQ(life_.failure().reason, "connected, but no picture came within 5 s");
}

TEST_F(CameraLifeTest, SecondHandshakeMessageDoesNotMoveTheDeadline) {
    start();
    life_.handshake_done(now_);
    now_ += 4s;
    life_.handshake_done(now_);
    EXPECT_EQ(turn(), 1s);
}

TEST_F(CameraLifeTest, StallIsSaidAndHealsByItself) {
    start();
    stream_for(20s);
    CameraLife::Actions actions;
    EXPECT_EQ(turn(&actions), 3s);
    EXPECT_EQ(life_.state(), LifeState::stalled);
    EXPECT_FALSE(actions.end_attempt) << "the connection may come back to life";
    EXPECT_EQ(life_.failure().kind, FailureClass::stalled);
    EXPECT_EQ(life_.failure().reason, "no picture for 3 s");
    EXPECT_EQ(*life_.next_tick() - now_, 200ms) << "and is looked at now and then";
    const auto healed = life_.picture(now_ + 1s);
    EXPECT_TRUE(healed.changed);
    EXPECT_FALSE(healed.begin_attempt);
    EXPECT_EQ(life_.state(), LifeState::streaming);
    EXPECT_EQ(life_.attempts(), 1u);
}

TEST_F(CameraLifeTest, StallThatLastsBecomesANewAttempt) {
    start();
    stream_for(20s);
    turn();
    give_up();
    EXPECT_EQ(life_.failure().reason, "no picture for 5 s");
    EXPECT_EQ(life_.losses(), 1u);
    CameraLife::Actions actions;
    EXPECT_LE(turn(&actions), 500ms) << "it was a healthy camera";
    EXPECT_TRUE(actions.begin_attempt);
}

TEST_F(CameraLifeTest, HealthyCameraIsTriedQuicklyForFifteenSeconds) {
    start();
    stream_for(15s);
    const auto lost = now_;
    fail("the camera closed the connection");
    int tries = 0;
    while (now_ - lost < 15s) {
        for (const double r : {0.0, 0.999}) {
            random_ = r;
            const auto waited = turn();
            EXPECT_GE(waited, 250ms);
            EXPECT_LE(waited, 500ms);
            tries++;
            fail();
            if (now_ - lost >= 15s)
                break;
        }
    }
    EXPECT_GT(tries, 30);
    random_ = 0.5;
    turn();
    fail();
    EXPECT_GT(turn(), 600ms) << "after the window the tries become rarer";
}

TEST_F(CameraLifeTest, CameraThatNeverWorkedIsTriedMoreAndMoreRarelyUpToAMinute) {
    random_ = 1.0 - 1e-9;
    start();
    std::vector<long> waits;
    for (int i = 0; i < 9; i++) {
        fail();
        waits.push_back(static_cast<long>(turn().count()));
    }
    EXPECT_EQ(waits, (std::vector<long>{1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000}));
}

TEST_F(CameraLifeTest, JitterSpreadsAQuarterDown) {
    random_ = 0;
    start();
    fail();
    EXPECT_EQ(turn(), 750ms);
}

TEST_F(CameraLifeTest, ShortFlickerDoesNotResetTheBackoff) {
    random_ = 1.0 - 1e-9;
    start();
    for (int i = 0; i < 5; i++) {
        fail();
        turn();
    }
    stream_for(2s); // not even healthy
    fail("the camera closed the connection");
    EXPECT_EQ(life_.losses(), 1u);
    EXPECT_EQ(turn(), 32s);
}

TEST_F(CameraLifeTest, AHealthyCameraIsTriedQuicklyAndThenWaitsAsLongAsBefore) {
    random_ = 1.0 - 1e-9;
    start();
    for (int i = 0; i < 5; i++) {
        fail();
        turn();
    }
    stream_for(4s); // healthy, not sustained
    fail("the camera closed the connection");
    auto wait = turn();
    EXPECT_LE(wait, 500ms);
    for (int i = 0; i < 100 && wait <= 500ms; i++) {
        fail();
        wait = turn();
    }
    EXPECT_EQ(wait, 32s);
}

TEST_F(CameraLifeTest, SustainedStreamingResetsTheBackoff) {
    start();
    for (int i = 0; i < 5; i++) {
        fail();
        turn();
    }
    stream_for(11s);
    fail("the camera closed the connection");
    EXPECT_LE(turn(), 500ms);
}

TEST_F(CameraLifeTest, StalledTimeDoesNotCountAsHealthy) {
    random_ = 1.0 - 1e-9;
    start();
    stream_for(2s);
    turn(); // stalled 3 s later, given up after 2 more: 7 s in all, but only 2 with pictures
    give_up();
    EXPECT_EQ(turn(), 1s);
}

TEST_F(CameraLifeTest, WrongCredentialsAreNotTriedQuickly) {
    random_ = 1.0 - 1e-9;
    start();
    stream_for(60s);
    fail("the camera refuses this user and password", FailureClass::unauthorised);
    EXPECT_EQ(turn(), 10s);
    fail("the camera refuses this user and password", FailureClass::unauthorised);
    EXPECT_EQ(turn(), 20s);
}

TEST_F(CameraLifeTest, StopEndsTheAttemptAndForgets) {
    start();
    fail();
    turn();
    const auto actions = life_.stop(now_);
    EXPECT_TRUE(actions.end_attempt);
    EXPECT_EQ(life_.state(), LifeState::idle);
    EXPECT_EQ(life_.failure().reason, "");
    EXPECT_FALSE(life_.next_tick());
    EXPECT_FALSE(life_.stop(now_).changed);
}

TEST_F(CameraLifeTest, StopDuringBackoffEndsNoAttempt) {
    start();
    fail();
    EXPECT_FALSE(life_.stop(now_).end_attempt);
}

TEST_F(CameraLifeTest, LateNewsOfAnEndedAttemptChangeNothing) {
    start();
    fail("first");
    const auto again = fail("second");
    EXPECT_FALSE(again.changed);
    EXPECT_FALSE(again.end_attempt);
    EXPECT_EQ(life_.failure().reason, "first");
    EXPECT_FALSE(life_.picture(now_).changed);
    life_.handshake_done(now_);
    EXPECT_EQ(life_.state(), LifeState::backoff);
}

TEST_F(CameraLifeTest, InAHurryItIsTriedQuicklyForAWhile) {
    start();
    for (int i = 0; i < 6; i++) {
        fail();
        turn();
    }
    fail(); // half a minute to wait
    const auto since = now_;
    life_.hurry(now_, since + 15s);
    EXPECT_LE(turn(), 500ms);
    while (now_ - since < 14s) {
        fail();
        EXPECT_LE(turn(), 500ms);
    }
    now_ = since + 15s;
    life_.hurry(now_, since + 15s); // over is over
    fail();
    EXPECT_GT(turn(), 10s);
}

TEST_F(CameraLifeTest, NoHurryWithWrongCredentials) {
    start();
    fail("the camera refuses this user and password", FailureClass::unauthorised);
    life_.hurry(now_, now_ + 15s);
    EXPECT_GT(turn(), 5s);
}

TEST_F(CameraLifeTest, WhoLackedSomethingTriesAtOnceWhenItIsThere) {
    EXPECT_FALSE(life_.retry(now_).changed) << "idle";
    start();
    EXPECT_FALSE(life_.retry(now_).changed) << "already trying";
    for (int i = 0; i < 5; i++) {
        fail("all 1 transcodes that may run at once are running", FailureClass::ended);
        turn();
    }
    fail("all 1 transcodes that may run at once are running", FailureClass::ended);
    EXPECT_GT(*life_.next_attempt(), now_ + 10s);
    EXPECT_TRUE(permit(life_.retry(now_)).begin_attempt);
    EXPECT_EQ(life_.state(), LifeState::connecting);
}

} // namespace
