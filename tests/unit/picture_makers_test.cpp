// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_makers.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Kind = MakerNews::Kind;

struct Room {
    struct Process final : PictureMaker {
        Process(Room& owner, uint64_t its_number) : room(owner), number(its_number) {
            room.running[number] = this;
            room.last_started = number;
        }
        ~Process() override { room.running.erase(number); }
        Result<bool> make(const SnapshotDesk::Order& order) override {
            if (room.takes_none)
                return Error{ErrorKind::unavailable, "takes none"};
            room.asked.push_back(std::to_string(number) + ": " + order.place);
            return true;
        }
        size_t resident() const override { return bytes; }
        Room& room;
        const uint64_t number;
        size_t bytes = 50 << 20;
    };

    void make(const std::string& place, uint8_t content = 0) {
        auto unit = std::make_shared<AccessUnit>();
        unit->buffer = buffer_of({0, 0, 1, content ? content : ++contents});
        auto picture = std::make_shared<KeyPicture>();
        picture->unit = unit;
        makers.make(++last_id, {place, 0, picture});
        warm();
    }
    void warm() {
        for (; quick && last_warm < last_started; makers.heard(++last_warm, {})) {
        }
    }
    void hear(uint64_t number, Kind kind, const std::string& how = "") {
        MakerNews news{.kind = kind, .picture = Error{}, .how = how};
        if (kind == Kind::picture)
            news.picture = adopt(g_bytes_new("jpeg", 4));
        makers.heard(number, news);
        warm();
    }
    void kill(uint64_t number) {
        makers.heard(number, {.kind = Kind::gone, .picture = Error{}, .how = "killed by SIGKILL", .by_others = true});
        warm();
    }
    void done(uint64_t number) {
        hear(number, Kind::picture);
        hear(number, Kind::ready);
    }
    void after(std::chrono::milliseconds time) {
        now += time;
        timers.run(now);
        warm();
    }
    Lines take() { return std::exchange(told, {}); }

    TimerQueue timers;
    TimerQueue::Time now{};
    std::map<uint64_t, Process*> running;
    Lines asked, told;
    bool takes_none = false, starts_none = false;
    bool quick = true; // a process is ready as soon as it is started
    uint64_t last_id = 0, last_started = 0, last_warm = 0;
    uint8_t contents = 100;
    PictureMakers makers{timers,
                         [this] { return now; },
                         {.start = [this](uint64_t number) -> Result<std::unique_ptr<PictureMaker>> {
                              if (starts_none)
                                  return Error{ErrorKind::unavailable, "starts none"};
                              return std::unique_ptr<PictureMaker>(new Process(*this, number));
                          },
                          .finished =
                              [this](uint64_t id, const Result<Ref<GBytes>>& made) {
                                  told.push_back(std::to_string(id) + " " + (made ? "made" : made.error().text));
                              },
                          .ended = [this](uint64_t id) { told.push_back(std::to_string(id) + " ended"); }},
                         {}};
};

constexpr const char* not_again =
    "the camera's picture cannot be decoded: it has ended a decoder's process, and is not tried again";
const std::string gone = "the camera's picture cannot be decoded: the worker process is gone (killed by SIGSEGV)";

TEST(PictureMakers, TheFirstStaysAndTheSecondEndsWhenNobodyNeedsIt) {
    Room r;
    EXPECT_TRUE(r.running.empty()) << "not before the first wish";
    for (const char* place : {"a", "b", "c"})
        r.make(place);
    EXPECT_EQ(r.asked, (Lines{"1: a", "2: b"}));
    r.hear(2, Kind::picture);
    EXPECT_EQ(r.take(), Lines{"2 made"});
    EXPECT_EQ(r.asked.size(), 2u) << "not before it is ready";
    r.hear(2, Kind::ready);
    EXPECT_EQ(r.asked.back(), "2: c");
    r.done(1);
    r.done(2);
    EXPECT_EQ(r.take(), (Lines{"2 ended", "1 made", "1 ended", "3 made", "3 ended"}));
    r.after(4999ms);
    EXPECT_EQ(r.running.size(), 2u);
    r.after(1ms);
    ASSERT_EQ(r.running.size(), 1u);
    EXPECT_TRUE(r.running.count(1));
    r.after(24h);
    r.make("d");
    EXPECT_EQ(r.asked.back(), "1: d");
    EXPECT_EQ(r.running.size(), 1u);
}

TEST(PictureMakers, ACrashCostsItsPictureAloneAndThatIsNotTriedAgain) {
    Room r;
    r.make("bad", 1);
    r.make("good", 2);
    r.hear(1, Kind::gone, "killed by SIGSEGV");
    EXPECT_EQ(r.take(), (Lines{"1 " + gone, "1 ended"}));
    r.done(2);
    EXPECT_EQ(r.take(), (Lines{"2 made", "2 ended"}));
    r.hear(1, Kind::ready); // of a process that is none of ours any more
    r.make("bad", 1);
    r.make("elsewhere", 1);
    EXPECT_TRUE(r.take().empty()) << "never from within make()";
    r.after(0ms);
    EXPECT_EQ(r.take(), (Lines{std::string("3 ") + not_again, "3 ended", std::string("4 ") + not_again, "4 ended"}));
    EXPECT_EQ(r.asked.size(), 2u);
    r.make("bad", 3);
    EXPECT_EQ(r.asked.back(), "2: bad") << "its next picture is another one";
}

TEST(PictureMakers, OneThatSomebodyKillsCostsAnotherProcessOnce) {
    Room r;
    r.make("a", 1);
    r.kill(1);
    EXPECT_TRUE(r.take().empty());
    EXPECT_EQ(r.asked.back(), "2: a");
    r.kill(2);
    EXPECT_EQ(r.take(), (Lines{"1 the worker process is gone (killed by SIGKILL)", "1 ended"}));
    r.make("a", 1);
    EXPECT_EQ(r.asked.back(), "3: a") << "it is no fault of the picture";
    r.done(3);
    EXPECT_EQ(r.take(), (Lines{"2 made", "2 ended"}));
}

TEST(PictureMakers, OneThatSomebodyKillsWhileItIsTakenDownTakesNothingAlong) {
    Room r;
    r.make("a", 1);
    r.hear(1, Kind::picture);
    r.kill(1);
    EXPECT_EQ(r.take(), (Lines{"1 made", "1 ended"}));
    r.make("a", 1);
    EXPECT_EQ(r.asked.back(), "2: a") << "it is no fault of the picture";
    r.done(2);
    EXPECT_EQ(r.take(), (Lines{"2 made", "2 ended"}));
}

TEST(PictureMakers, TheLastOneIsReplacedAtOnceIfAPictureHasEndedIt) {
    Room r;
    r.make("bad");
    r.hear(1, Kind::gone, "killed by SIGSEGV");
    ASSERT_EQ(r.running.size(), 1u);
    EXPECT_TRUE(r.running.count(2)) << "warm for the next wish";
    r.hear(2, Kind::gone, "ended with code 1");
    EXPECT_TRUE(r.running.empty()) << "one that cannot live is not started without end";
    r.make("a");
    EXPECT_EQ(r.asked.back(), "3: a");
}

TEST(PictureMakers, ACrashWhileItIsTakenDownLeavesThePicture) {
    Room r;
    r.make("a", 1);
    r.hear(1, Kind::picture);
    r.hear(1, Kind::gone, "killed by SIGSEGV");
    EXPECT_EQ(r.take(), (Lines{"1 made", "1 ended"}));
    r.make("a", 1);
    r.after(0ms);
    EXPECT_EQ(r.take(), (Lines{std::string("2 ") + not_again, "2 ended"}));
}

TEST(PictureMakers, OneThatHangsIsEndedAndWhoWaitsGetsAnother) {
    Room r;
    for (const char* place : {"a", "b", "c"})
        r.make(place, 7);
    r.after(1999ms);
    EXPECT_TRUE(r.take().empty());
    EXPECT_TRUE(r.running.count(1) && r.running.count(2));
    r.after(1ms);
    EXPECT_EQ(r.take(), (Lines{"1 the picture was not decoded in time", "1 ended",
                               "2 the picture was not decoded in time", "2 ended"}));
    EXPECT_FALSE(r.running.count(1) || r.running.count(2));
    EXPECT_EQ(r.asked.back(), "3: c") << "to be late is no crash: the same bytes are tried";
}

TEST(PictureMakers, OneThatIsBeingTakenDownIsWaitedForAWhile) {
    Room r;
    r.make("a");
    r.hear(1, Kind::picture);
    r.take();
    r.make("b");
    EXPECT_EQ(r.running.size(), 1u) << "it is ready sooner than another one has started";
    r.make("c");
    EXPECT_EQ(r.asked.back(), "2: b") << "for two it is not enough";
    r.after(499ms);
    EXPECT_TRUE(r.running.count(1));
    r.after(1ms);
    EXPECT_FALSE(r.running.count(1));
    EXPECT_EQ(r.asked.back(), "3: c");
    EXPECT_EQ(r.take(), Lines{"1 ended"});
}

TEST(PictureMakers, AStartHasItsOwnTime) {
    Room r;
    r.quick = false;
    EXPECT_TRUE(r.makers.cold());
    r.make("a");
    r.after(4s);
    EXPECT_TRUE(r.makers.cold());
    r.hear(1, Kind::ready);
    EXPECT_FALSE(r.makers.cold());
    EXPECT_TRUE(r.take().empty()) << "that is not yet the end of the picture";
    r.after(1999ms);
    EXPECT_TRUE(r.running.count(1)) << "the picture's time begins when the process has started";
    r.done(1);
    EXPECT_EQ(r.take(), (Lines{"1 made", "1 ended"}));
    r.make("b");
    r.hear(1, Kind::gone, "killed by SIGKILL");
    r.take();
    r.make("c");
    r.after(6999ms);
    EXPECT_TRUE(r.take().empty());
    r.after(1ms);
    EXPECT_EQ(r.take(), (Lines{"3 the picture was not decoded in time", "3 ended"}));
    EXPECT_FALSE(r.running.count(2)) << "one that never starts is ended as well";
}

TEST(PictureMakers, OneThatHasGrownIsReplaced) {
    Room r;
    r.make("a");
    r.running.at(1)->bytes = (256 << 20) + 1;
    r.done(1);
    EXPECT_EQ(r.take(), (Lines{"1 made", "1 ended"}));
    ASSERT_EQ(r.running.size(), 1u);
    EXPECT_TRUE(r.running.count(2));
}

TEST(PictureMakers, WhatIsSaidOutOfTurnIsNothing) {
    Room r;
    r.make("a", 1);
    r.hear(7, Kind::picture);
    r.hear(1, Kind::picture);
    r.hear(1, Kind::picture);
    r.hear(1, Kind::ready);
    r.hear(1, Kind::ready);
    r.hear(1, Kind::picture);
    EXPECT_EQ(r.take(), (Lines{"1 made", "1 ended"}));
    r.make("b", 2);
    r.hear(1, Kind::ready);
    EXPECT_EQ(r.take(), (Lines{"2 the camera's picture cannot be decoded", "2 ended"}));
    EXPECT_FALSE(r.running.count(1)) << "ready without an answer: it is broken";
}

TEST(PictureMakers, WhatCannotBeginIsTold) {
    Room r;
    r.starts_none = true;
    r.make("a");
    EXPECT_TRUE(r.take().empty());
    r.after(0ms);
    EXPECT_EQ(r.take(), (Lines{"1 starts none", "1 ended"}));
    r.starts_none = false;
    r.takes_none = true;
    r.make("b");
    r.after(0ms);
    EXPECT_EQ(r.take(), (Lines{"2 takes none", "2 ended"}));
    r.takes_none = false;
    r.make("c");
    EXPECT_EQ(r.asked, Lines{"2: c"});
}

TEST(PictureMakers, OnlySoManyCrashesAreKeptInMind) {
    Room r;
    for (uint8_t i = 1; i <= 65; i++) {
        r.make("bad", i);
        r.hear(r.running.begin()->first, Kind::gone, "killed by SIGKILL");
    }
    const size_t before = r.asked.size();
    r.make("bad", 65);
    r.make("bad", 2);
    EXPECT_EQ(r.asked.size(), before);
    r.make("bad", 1);
    EXPECT_EQ(r.asked.size(), before + 1) << "the oldest is forgotten";
}

TEST(PictureMakers, ItsEndIsTheirs) {
    Room r;
    for (const char* place : {"a", "b", "c"})
        r.make(place);
    r.makers.stop();
    EXPECT_TRUE(r.running.empty());
    r.make("d");
    r.after(1h);
    EXPECT_TRUE(r.take().empty());
    EXPECT_TRUE(r.running.empty());
}

} // namespace
