// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_choice.hpp"

#include <gtest/gtest.h>

#include <deque>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

// Three sources whose lives the test leads; the choice is obeyed at once, as a stream does.
class SourceChoiceTest : public testing::Test {
protected:
    SourceChoiceTest() {
        for (int i = 0; i < 3; i++)
            lives_.emplace_back(LifeLimits{}, [] { return 0.5; });
        obey();
    }
    std::vector<const CameraLife*> views() const {
        std::vector<const CameraLife*> out;
        for (const CameraLife& life : lives_)
            out.push_back(&life);
        return out;
    }
    const SourceChoice::Decision& obey() {
        for (int rounds = 0; rounds < 4; rounds++) {
            decision_ = choice_.decide(now_, views());
            for (size_t i = 0; i < lives_.size(); i++) {
                if (i < decision_.running && lives_[i].start(now_).ask_permit)
                    lives_[i].permitted(now_);
                else if (i >= decision_.running)
                    lives_[i].stop(now_);
            }
        }
        return decision_;
    }
    void fail(size_t i) {
        lives_[i].failed(now_, {FailureClass::refused, "connection refused"});
        obey();
    }
    // Its backoff is over.
    void retry(size_t i) {
        lives_[i].tick(*lives_[i].next_tick());
        lives_[i].permitted(now_);
    }
    // Those that stream go on for that long.
    void pass(std::chrono::milliseconds time) {
        for (const auto end = now_ + time; now_ < end;) {
            now_ += 100ms;
            for (CameraLife& life : lives_)
                if (life.state() == LifeState::streaming)
                    life.picture(now_);
            obey();
        }
    }
    void stall(size_t i) {
        now_ += 3s;
        lives_[i].tick(now_);
        obey();
    }
    void show(size_t i) {
        lives_[i].picture(now_);
        obey();
    }

    CameraLife::Time now_{1000s};
    std::deque<CameraLife> lives_;
    SourceChoice choice_{3};
    SourceChoice::Decision decision_;
};

TEST_F(SourceChoiceTest, TheFirstAloneRunsWhileItGivesPictures) {
    EXPECT_EQ(decision_.running, 1u);
    EXPECT_FALSE(decision_.active);
    show(0);
    pass(60s);
    EXPECT_EQ(decision_.running, 1u);
    EXPECT_EQ(decision_.active, 0u);
    EXPECT_FALSE(decision_.look_again);
}

TEST_F(SourceChoiceTest, TheNextBeginsAtOnceWhenTheOneBeforeFails) {
    fail(0);
    EXPECT_EQ(decision_.running, 2u);
    EXPECT_EQ(lives_[1].state(), LifeState::connecting);
    fail(1);
    EXPECT_EQ(decision_.running, 3u);
    fail(2);
    EXPECT_EQ(decision_.running, 3u);
    EXPECT_FALSE(decision_.active);
}

TEST_F(SourceChoiceTest, AStallIsEnoughForTheNextToBegin) {
    show(0);
    pass(20s);
    stall(0);
    EXPECT_EQ(lives_[0].state(), LifeState::stalled);
    EXPECT_EQ(decision_.running, 2u);
    EXPECT_EQ(decision_.active, 0u) << "nobody else has a picture";
    show(1);
    EXPECT_EQ(decision_.active, 1u);
}

TEST_F(SourceChoiceTest, AStallThatHealsFirstKeepsTheFirst) {
    show(0);
    pass(20s);
    stall(0);
    show(0);
    EXPECT_EQ(decision_.active, 0u);
    EXPECT_EQ(decision_.running, 1u) << "the fallback that had begun ends";
    EXPECT_EQ(lives_[1].state(), LifeState::idle);
}

TEST_F(SourceChoiceTest, AConnectionThatDoesNotComeToLifeIsNotWaitedFor) {
    EXPECT_EQ(decision_.look_again, now_ + 2s);
    now_ += 2s;
    obey();
    EXPECT_EQ(decision_.running, 2u);
}

TEST_F(SourceChoiceTest, ALongGopIsWaitedFor) {
    lives_[0].handshake_done(now_);
    lives_[0].data(now_);
    now_ += 9s;
    obey();
    EXPECT_EQ(decision_.running, 1u);
}

TEST_F(SourceChoiceTest, TheFirstOneThatHasAPictureIsShown) {
    fail(0);
    fail(1);
    retry(0);
    show(2);
    EXPECT_EQ(decision_.active, 2u);
    EXPECT_EQ(decision_.running, 3u);
    show(1 - 1); // the first has come back, too, but has proved nothing yet
    EXPECT_EQ(decision_.active, 2u);
}

TEST_F(SourceChoiceTest, ABetterSourceIsTakenBackWhenItHasProvedItself) {
    fail(0);
    show(1);
    EXPECT_EQ(decision_.running, 2u) << "the better one is tried on";
    pass(5s);
    retry(0);
    show(0);
    EXPECT_EQ(decision_.active, 1u);
    EXPECT_EQ(decision_.look_again, now_ + 10s);
    pass(9900ms);
    EXPECT_EQ(decision_.active, 1u);
    pass(100ms);
    EXPECT_EQ(decision_.active, 0u);
    EXPECT_EQ(decision_.running, 1u);
}

TEST_F(SourceChoiceTest, ABetterSourceThatFlickersIsNotTakenBack) {
    fail(0);
    show(1);
    for (int i = 0; i < 20; i++) {
        retry(0);
        show(0);
        pass(3s);
        EXPECT_EQ(decision_.active, 1u);
        fail(0);
    }
    EXPECT_EQ(decision_.active, 1u);
}

TEST_F(SourceChoiceTest, WithoutAPictureNothingHasToBeProved) {
    fail(0);
    show(1);
    retry(0);
    show(0);
    pass(1s);
    fail(1);
    EXPECT_EQ(decision_.active, 0u);
    EXPECT_EQ(decision_.running, 1u);
}

TEST_F(SourceChoiceTest, WhoWasCalledStaysCalledUntilThereIsAPicture) {
    fail(0);
    fail(1);
    retry(0); // connecting again: the others are not sent away for it
    obey();
    EXPECT_EQ(decision_.running, 3u);
}

} // namespace
