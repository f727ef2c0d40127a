// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/weak_ref.hpp"
#include "plugins/fanout/unit_ring.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>

namespace sluice {

enum class BranchStart { cached_gop, next_key_unit, live };

// What the sink pad writes and the branches read. Outlives the element while a branch is stuck downstream.
struct Fanout {
    mutable std::mutex mutex; // everything below; never held while something is pushed or posted
    std::condition_variable changed;
    UnitRing ring;
    std::shared_ptr<const StickyEvents> sticky = std::make_shared<StickyEvents>();
    BranchStart start = BranchStart::cached_gop;
    GstClockTime burst_pace = 0; // ns between buffers of the past
    bool running = false, flushing = false;
    Ref<GstEvent> flush_stop; // the last one
    // The last one, for branches that cannot come to it through the ring; until a new stream begins.
    Ref<GstEvent> eos;
    uint64_t eos_number = 0;
    Ref<GstClock> clock; // while playing
    unsigned threads = 0;
};

// One src pad: a cursor in the ring and a thread of its own. Nothing that happens to it reaches anybody else. Not a task of the
// pad: to stop that one waits for the push it is in, and who releases a branch that hangs would hang too.
class Branch : public std::enable_shared_from_this<Branch> {
public:
    struct Stats {
        uint64_t buffers = 0, bytes = 0, skips = 0, failures = 0;
        GstFlowReturn flow = GST_FLOW_OK;
        uint64_t backlog = 0;
    };

    Branch(std::shared_ptr<Fanout> fanout, GstPad* pad, std::function<void()> wants_key);
    void run();    // begins a thread that ends at stop(), or when the push it hangs in returns
    void stop();   // does not wait
    void linked(); // what failed before is forgotten
    void unlinked();
    void flush(); // FLUSH_START was sent: FLUSH_STOP comes from the thread, when the fan-out runs again
    Stats stats() const;
    GstPad* pad() const { return pad_.get(); }

private:
    struct Work { // decided under the lock, done without it
        Ref<GstBuffer> buffer;
        Ref<GstEvent> event;
        std::shared_ptr<const StickyEvents> sticky;
        bool discont = false, ask_key = false;
        GstClockTime pace = 0;
        // Kept from one to the next.
        uint64_t run = 0, link = 0, flush = 0;    // of which start, link and flush this is
        std::shared_ptr<const StickyEvents> sent; // what the peer has seen
    };
    bool next(Work& work); // waits; false: the thread ends
    void begin();
    void send(Work& work);
    void send_sticky(Work& work);
    void paced(GstClockTime pace);

    const std::shared_ptr<Fanout> fanout_;
    const Ref<GstPad> pad_;
    const std::function<void()> wants_key_;
    // Under the fan-out's mutex.
    std::optional<uint64_t> cursor_; // nothing: waits for a key unit
    uint64_t joined_ = 0;            // where the ring ended when it began: what lies before is the past
    uint64_t run_ = 0; // starts and stops: a thread that hung over one of them has nothing to say any more
    uint64_t link_ = 0, flushes_ = 0, told_eos_ = 0;
    bool linked_ = false; // an unlinked branch takes nothing
    bool stop_ = true, discont_ = true, ended_ = false, flush_stop_ = false, asked_ = false;
    GstClockID waiting_ = nullptr;
    Stats stats_;
};

} // namespace sluice
