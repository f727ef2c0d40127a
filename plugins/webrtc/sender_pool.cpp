// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/sender_pool.hpp"

#include "plugins/core/channel_access.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace sluice {

class SenderPool::Worker {
public:
    Worker() : signal_(std::make_shared<Signal>()), thread_([this] { loop(); }) {}
    ~Worker() {
        {
            std::lock_guard lock(signal_->mutex);
            stop_ = true;
            signal_->pending = true;
        }
        signal_->condition.notify_all();
        thread_.join();
        for (const auto& entry : entries_) // a channel and its lane hold each other
            for (const auto& lane : entry->lanes)
                leave(lane);
    }

    size_t load() const { return load_; }

    void add(const std::shared_ptr<Sendable>& s) {
        std::lock_guard lock(signal_->mutex);
        ++load_;
        entries_.push_back(std::make_shared<Entry>(Entry{.sendable = s}));
        signal_->pending = true;
        signal_->condition.notify_all();
    }
    bool kick(const std::shared_ptr<Sendable>& s) {
        std::lock_guard lock(signal_->mutex);
        const auto it = find(s);
        if (it == entries_.end())
            return false;
        (*it)->due = true;
        signal_->pending = true;
        signal_->condition.notify_all();
        return true;
    }
    bool remove(const std::shared_ptr<Sendable>& s) {
        std::shared_ptr<Entry> entry; // let go outside the lock
        std::unique_lock lock(signal_->mutex);
        const auto it = find(s);
        if (it == entries_.end())
            return false;
        entry = *it;
        entries_.erase(it);
        --load_;
        signal_->condition.wait(lock, [&] { return running_ != entry.get(); });
        lock.unlock();
        for (const auto& lane : entry->lanes)
            leave(lane);
        return true;
    }

private:
    // Shared with the channels' wake-ups, which may outlive the worker by a moment.
    struct Signal {
        std::mutex mutex;
        std::condition_variable condition;
        bool pending = false;
    };
    // One channel that wakes this worker.
    struct Lane : Wakeup {
        explicit Lane(std::shared_ptr<Signal> s) : signal(std::move(s)) {}
        void wake() override {
            if (news.exchange(true))
                return; // told already
            {
                std::lock_guard lock(signal->mutex);
                signal->pending = true;
            }
            signal->condition.notify_all();
        }
        const std::shared_ptr<Signal> signal;
        std::shared_ptr<Channel> channel;
        std::atomic<bool> news{false};
        unsigned users = 0; // of the worker's lock
        bool fresh = false; // there was news when this round began; of the worker's thread
    };
    struct Entry {
        std::shared_ptr<Sendable> sendable;
        std::vector<std::shared_ptr<Lane>> lanes;
        GstClockTime wait_until = 0;
        bool due = true;
    };

    std::vector<std::shared_ptr<Entry>>::iterator find(const std::shared_ptr<Sendable>& s) {
        return std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e->sendable == s; });
    }

    std::shared_ptr<Lane> join(const std::shared_ptr<Channel>& channel) {
        std::shared_ptr<Lane> lane;
        {
            std::lock_guard lock(signal_->mutex);
            const auto it =
                std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& l) { return l->channel == channel; });
            if (it != lanes_.end()) {
                ++(*it)->users;
                return *it;
            }
            lane = std::make_shared<Lane>(signal_);
            lane->channel = channel;
            lane->users = 1;
            lanes_.push_back(lane);
        }
        channel->add_wakeup(lane);
        return lane;
    }
    void leave(const std::shared_ptr<Lane>& lane) {
        {
            std::lock_guard lock(signal_->mutex);
            if (--lane->users > 0)
                return;
            lanes_.erase(std::find(lanes_.begin(), lanes_.end(), lane));
        }
        lane->channel->remove_wakeup(lane);
    }

    // True if the lanes changed: what came between is not lost, the caller runs the entry once more.
    bool relane(Entry& entry) {
        const auto wanted = entry.sendable->listening();
        const bool same = wanted.size() == entry.lanes.size() &&
                          std::equal(wanted.begin(), wanted.end(), entry.lanes.begin(),
                                     [](const auto& c, const auto& l) { return c == l->channel; });
        if (same)
            return false;
        std::vector<std::shared_ptr<Lane>> fresh;
        for (const auto& c : wanted)
            fresh.push_back(join(c));
        std::swap(entry.lanes, fresh);
        for (const auto& lane : fresh)
            leave(lane);
        return true;
    }

    void loop() {
        const auto clock = channel_clock();
        std::vector<std::shared_ptr<Entry>> round;
        std::vector<std::shared_ptr<Lane>> lanes;
        GstClockTime deadline = 0;
        std::unique_lock lock(signal_->mutex);
        while (!stop_) {
            if (deadline == 0) {
                signal_->condition.wait(lock, [&] { return signal_->pending; });
            } else {
                const GstClockTime now = gst_clock_get_time(clock.get());
                if (deadline > now)
                    signal_->condition.wait_for(lock, std::chrono::nanoseconds(deadline - now),
                                                [&] { return signal_->pending; });
            }
            signal_->pending = false;
            round = entries_;
            lanes = lanes_;
            lock.unlock();
            for (const auto& lane : lanes)
                lane->fresh = lane->news.exchange(false);
            deadline = 0;
            for (const auto& entry : round)
                serve(entry, clock.get(), deadline);
            round.clear();
            lanes.clear();
            lock.lock();
        }
    }

    void serve(const std::shared_ptr<Entry>& entry, GstClock* clock, GstClockTime& deadline) {
        bool due = entry->wait_until && entry->wait_until <= gst_clock_get_time(clock);
        for (const auto& lane : entry->lanes)
            due |= lane->fresh;
        {
            std::lock_guard lock(signal_->mutex);
            due |= std::exchange(entry->due, false);
            if (due && std::find(entries_.begin(), entries_.end(), entry) == entries_.end())
                return; // removed meanwhile
            if (due)
                running_ = entry.get();
        }
        if (due) {
            entry->wait_until = entry->sendable->run();
            while (relane(*entry))
                entry->wait_until = entry->sendable->run();
            {
                std::lock_guard lock(signal_->mutex);
                running_ = nullptr;
            }
            signal_->condition.notify_all();
        }
        if (entry->wait_until && (deadline == 0 || entry->wait_until < deadline))
            deadline = entry->wait_until;
    }

    const std::shared_ptr<Signal> signal_;
    // Under signal_->mutex:
    std::vector<std::shared_ptr<Entry>> entries_;
    std::vector<std::shared_ptr<Lane>> lanes_;
    Entry* running_ = nullptr;
    bool stop_ = false;
    std::atomic<size_t> load_{0};
    std::thread thread_; // last: starts when everything above is there
};

SenderPool::SenderPool(unsigned threads) {
    for (unsigned i = 0; i < std::max(1u, threads); ++i)
        workers_.push_back(std::make_unique<Worker>());
}

SenderPool::~SenderPool() = default;

std::shared_ptr<SenderPool> SenderPool::shared() {
    static std::mutex mutex;
    static std::weak_ptr<SenderPool> current;
    std::lock_guard lock(mutex);
    auto pool = current.lock();
    if (!pool) // more than four never helped: the work is the kernel's
        current = pool = std::make_shared<SenderPool>(std::min(4u, std::max(1u, std::thread::hardware_concurrency())));
    return pool;
}

void SenderPool::add(const std::shared_ptr<Sendable>& s) {
    (*std::min_element(workers_.begin(), workers_.end(), [](const auto& a, const auto& b) {
        return a->load() < b->load();
    }))->add(s);
}

void SenderPool::kick(const std::shared_ptr<Sendable>& s) {
    for (const auto& w : workers_)
        if (w->kick(s))
            return;
}

void SenderPool::remove(const std::shared_ptr<Sendable>& s) {
    for (const auto& w : workers_)
        if (w->remove(s))
            return;
}

} // namespace sluice
