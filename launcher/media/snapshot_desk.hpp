// SPDX-License-Identifier: LGPL-2.1-or-later
// Who gets which snapshot when: few are made at once, few wait, equal ones are made once, none is waited for without end.
// Knows no decoder and no thread; used by one thread.
#pragma once

#include "launcher/camera/timer_queue.hpp"
#include "launcher/media/key_picture.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

struct Jpeg {
    Ref<GBytes> bytes;
    KeyPicturePtr picture; // that it was made of
};
using JpegPtr = std::shared_ptr<const Jpeg>;

class SnapshotDesk {
public:
    using Time = TimerQueue::Time;
    using Done = std::function<void(const Result<JpegPtr>&)>;

    struct Order {
        std::string place; // what the picture is of: the newest one of each place is kept
        unsigned width = 0;
        KeyPicturePtr picture;
        std::chrono::milliseconds more{0}; // time, because what makes it has to start first
    };
    struct Limits {
        size_t at_once = 2;
        size_t waiting = 16;
        std::chrono::milliseconds time{2000}; // from the order to the answer
        size_t given_up = 4;                  // decoders that hang; with more of them nothing is begun any more
        size_t kept_bytes = 16 << 20;
        std::chrono::seconds kept_for{3600};
    };
    struct Counts {
        uint64_t made = 0, shared = 0, refused = 0, given_up = 0;
    };

    // begin(id, order): makes it, elsewhere, and says finished() and then ended(). now(): the queue's clock.
    SnapshotDesk(TimerQueue& timers, std::function<Time()> now, std::function<void(uint64_t, const Order&)> begin,
                 const Limits& limits);

    // Calls done exactly once, maybe before it returns. Errors: too_many, unavailable (with the reason).
    void ask(const Order& order, Done done);
    // What is a JPEG as it comes: nothing is made, and it is kept like the others.
    JpegPtr take(const Order& order, const Ref<GBytes>& bytes);
    // From who makes them. Late results are kept for the next one who asks.
    void finished(uint64_t id, const Result<Ref<GBytes>>& result);
    void ended(uint64_t id);
    // The newest of this place and width, if it was made of a picture that is not older; NULL: there is none.
    JpegPtr kept(const std::string& place, unsigned width, int64_t taken_since_us) const;

    const Counts& counts() const { return counts_; }
    size_t running() const;

private:
    struct Job {
        uint64_t id = 0; // 0: not begun
        Order order;
        std::vector<Done> done; // empty: answered
        Time deadline;
        bool given_up = false;
    };
    struct Kept {
        Order order;
        JpegPtr jpeg;
        Time until;
    };
    void begin_next();
    void late();
    void set_timer();
    void keep(const Order& order, const JpegPtr& jpeg);

    const std::function<Time()> now_;
    const std::function<void(uint64_t, const Order&)> begin_;
    const Limits limits_;
    std::list<Job> jobs_;  // in the order they were asked for
    std::list<Kept> kept_; // oldest first
    size_t kept_bytes_ = 0;
    uint64_t last_id_ = 0;
    Counts counts_;
    TimerQueue::Timer timer_;
};

} // namespace sluice
