// SPDX-License-Identifier: LGPL-2.1-or-later
// One end of the socket between the launcher and a worker process: sends what a channel brings, and hands on what comes.
#pragma once

#include "launcher/worker/unit_source.hpp"
#include "launcher/worker/wire.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace sluice {

// A thread of its own, which waits for the socket and for the channel at the same time. Never more than one access unit is taken
// out of the channel before it can be written: a worker that is slow is a slow reader, moved on to the newest key unit (of sound
// alone: to what the channel still has).
class WorkerLink {
public:
    // In the link's thread; they must not block.
    struct Events {
        std::function<void(WireMessage&)> message;
        // False: nothing is read for now, so that the other end has to wait. Empty: always.
        std::function<bool()> wants_more;
        std::function<void(const std::string& why)> closed; // once, the last call
    };
    // fd: a connected stream socket, from now on the link's. from: what is sent; may be NULL.
    WorkerLink(int fd, std::shared_ptr<Channel> from, Events events, UnitSource::Media media = UnitSource::Media::all);
    ~WorkerLink(); // waits for a call that is under way
    WorkerLink(const WorkerLink&) = delete;
    WorkerLink& operator=(const WorkerLink&) = delete;

    void start();
    // Any thread. Leaves before the channel's next unit. Few, and small unless each is waited for: when max_texts wait, the other
    // end has hung and the link is closed.
    void send(WireText message);
    // Any thread, once, if there was none from the start: what is sent from now on.
    void send_from(std::shared_ptr<Channel> channel);
    static constexpr size_t max_texts = 1024;

private:
    // What is being written.
    struct Outgoing {
        WireHeader header;
        std::string text;
        AccessUnitPtr unit;
        size_t done = 0; // of header and body
        bool empty = true;
    };
    struct Wake : Wakeup {
        Wake();
        ~Wake() override;
        void wake() override;
        const int fd;
    };
    void run();
    bool wait(bool reading);
    // False: nothing more to be done now.
    bool read_some();
    bool write_some();
    bool next_outgoing();
    void end(const std::string& why) { why_ = why_.empty() ? why : why_; }

    const int fd_;
    const UnitSource::Media media_;
    const std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
    const Events events_;
    // --- the thread's ---
    std::unique_ptr<UnitSource> source_;
    WireReader reader_;
    Outgoing outgoing_;
    std::string why_; // the link is over
    // ---
    std::mutex mutex_;
    std::deque<WireText> texts_;    // guarded
    std::shared_ptr<Channel> from_; // guarded; what has not been begun with
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

} // namespace sluice
