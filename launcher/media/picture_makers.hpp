// SPDX-License-Identifier: LGPL-2.1-or-later
// Which worker process makes which picture: few of them, one picture at a time each, so that it is known whose picture it was
// when one crashes. Knows no process and no thread; used by one thread.
#pragma once

#include "launcher/camera/timer_queue.hpp"
#include "launcher/media/snapshot_desk.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

// A process that makes pictures; it ends with this object, whatever it is doing.
class PictureMaker {
public:
    virtual ~PictureMaker() = default;
    // Begins with it. Error: it cannot be asked for at all.
    virtual Result<bool> make(const SnapshotDesk::Order& order) = 0;
    virtual size_t resident() const = 0; // bytes; 0: nobody knows
};

// What such a process says.
struct MakerNews {
    enum class Kind {
        picture, // `picture`: what has become of the one that it was asked for
        ready,   // it has started, or can begin with the next one
        gone,    // it has ended: `how`
    };
    Kind kind = Kind::ready;
    Result<Ref<GBytes>> picture = Error{};
    std::string how;
    bool by_others = false; // gone: somebody has killed it, maybe before it was asked for anything
};

class PictureMakers {
public:
    using Time = TimerQueue::Time;
    struct Limits {
        size_t at_once = 2;
        std::chrono::milliseconds start{5000}; // from the start of a process until it is ready for the first one
        std::chrono::milliseconds time{2000};  // for a picture; then its process is ended
        std::chrono::milliseconds ready{500};  // from there until it can begin with the next; likewise
        std::chrono::seconds spare{5};         // that a process beyond the first is kept for nothing
        size_t resident = 256u << 20;          // bytes that one may keep between two pictures
        size_t crashes = 64;                   // pictures that have ended a process, kept in mind
    };
    struct Events {
        // number: of the process, for heard(); never 0.
        std::function<Result<std::unique_ptr<PictureMaker>>(uint64_t number)> start;
        // As of SnapshotDesk. Never called by make().
        std::function<void(uint64_t id, const Result<Ref<GBytes>>&)> finished;
        std::function<void(uint64_t id)> ended;
    };
    PictureMakers(TimerQueue& timers, std::function<Time()> now, Events events, const Limits& limits);

    void make(uint64_t id, const SnapshotDesk::Order& order);
    // Whoever asks now waits for the start of a process.
    bool cold() const;
    // Of a process that is no longer ours: nothing happens.
    void heard(uint64_t number, const MakerNews& news);
    // All processes end; nobody is told, and none is begun any more.
    void stop();

private:
    struct Maker {
        uint64_t number = 0;
        std::unique_ptr<PictureMaker> process;
        bool warm = false; // it has said that it is ready
        uint64_t job = 0;  // 0: none
        bool told = false;
        bool again = false; // the picture's second process
        SnapshotDesk::Order order;
        Time until; // of a job: its deadline; else when it is a spare that nobody has needed
    };
    struct Waiting {
        uint64_t id;
        SnapshotDesk::Order order;
        bool again = false;
    };
    // A picture that has ended a process, known by its bytes: cameras send the same ones again.
    struct Crash {
        size_t size;
        std::string sum;
        bool operator==(const Crash&) const = default;
    };
    void next();
    Maker* idle();
    size_t soon_idle() const;
    Result<bool> start();
    void give(Maker& maker, Waiting waiting);
    void picture(Maker& maker, const Result<Ref<GBytes>>& picture);
    void ready(std::list<Maker>::iterator maker);
    void gone(std::list<Maker>::iterator maker, const MakerNews& news);
    void end(std::list<Maker>::iterator maker, const Error& why);
    void keep_one();
    void due();
    void set_timer();
    void remember(const SnapshotDesk::Order& order);
    bool has_crashed(const SnapshotDesk::Order& order) const;

    const std::function<Time()> now_;
    const Events events_;
    const Limits limits_;
    std::list<Maker> makers_;     // the first is kept
    std::deque<Waiting> waiting_; // for one of them; the desk says how many
    std::vector<std::pair<uint64_t, Error>> refused_;
    std::deque<Crash> crashes_;
    uint64_t last_number_ = 0;
    bool stopped_ = false;
    TimerQueue::Timer timer_;
};

} // namespace sluice
