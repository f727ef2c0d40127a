// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/branch.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sluice {

Branch::Branch(std::shared_ptr<Fanout> fanout, GstPad* pad, std::function<void()> wants_key)
    : fanout_(std::move(fanout)), pad_(ref(pad)), wants_key_(std::move(wants_key)) {}

void Branch::run() {
    uint64_t mine = 0;
    {
        std::lock_guard lock(fanout_->mutex);
        mine = ++run_;
        stop_ = false;
        ended_ = false;
        linked_ = gst_pad_is_linked(pad_.get());
        begin();
        ++fanout_->threads;
    }
    std::thread([self = shared_from_this(), mine] {
        for (Work work{.run = mine}; self->next(work);)
            self->send(work);
        std::lock_guard lock(self->fanout_->mutex);
        --self->fanout_->threads;
        self->fanout_->changed.notify_all();
    }).detach();
}

void Branch::stop() {
    GstClockID waiting = nullptr;
    {
        std::lock_guard lock(fanout_->mutex);
        stop_ = true;
        ++run_;
        if (waiting_)
            waiting = gst_clock_id_ref(waiting_);
        fanout_->changed.notify_all();
    }
    if (waiting) {
        gst_clock_id_unschedule(waiting);
        gst_clock_id_unref(waiting);
    }
}

void Branch::linked() {
    std::lock_guard lock(fanout_->mutex);
    if (linked_)
        return; // run() saw the link before its signal came
    linked_ = true;
    ++link_;
    ended_ = false;
    begin();
    fanout_->changed.notify_all();
}

void Branch::unlinked() {
    std::lock_guard lock(fanout_->mutex);
    linked_ = false;
    ++link_;
    cursor_.reset();
}

void Branch::begin() {
    const UnitRing& ring = fanout_->ring;
    cursor_.reset();
    joined_ = ring.end();
    if (fanout_->start == BranchStart::live)
        cursor_ = ring.end();
    else if (fanout_->start == BranchStart::cached_gop)
        cursor_ = ring.newest_key();
    discont_ = true;
    told_eos_ = 0;
}

void Branch::flush() {
    std::lock_guard lock(fanout_->mutex);
    flush_stop_ = true;
    ended_ = false;
    ++flushes_;
    cursor_.reset();
}

Branch::Stats Branch::stats() const {
    std::lock_guard lock(fanout_->mutex);
    Stats out = stats_;
    out.backlog = cursor_ ? fanout_->ring.end() - std::max(*cursor_, fanout_->ring.begin()) : 0;
    return out;
}

bool Branch::next(Work& work) {
    Fanout& f = *fanout_;
    work = Work{.run = work.run, .link = work.link, .flush = work.flush, .sent = std::move(work.sent)};
    std::unique_lock lock(f.mutex);
    for (;;) {
        if (stop_ || run_ != work.run)
            return false;
        if (std::exchange(work.link, link_) != link_)
            work.sent = nullptr; // another peer has seen nothing yet
        work.flush = flushes_;
        const bool may = f.running && !f.flushing;
        if (may && std::exchange(flush_stop_, false)) {
            work.event = f.flush_stop;
            return true;
        }
        if (may && linked_ && !ended_) {
            if (cursor_ && *cursor_ < f.ring.begin()) { // too slow: on to the newest key unit
                cursor_.reset();
                joined_ = 0;
                ++stats_.skips;
            }
            if (!cursor_) {
                discont_ = true;
                if (const auto key = f.ring.newest_key(); key && *key >= joined_)
                    cursor_ = key;
            }
            if (!cursor_ && !f.eos && !std::exchange(asked_, true)) {
                work.ask_key = true;
                return true;
            }
            if (const auto* item = cursor_ ? f.ring.at(*cursor_) : nullptr) {
                work.buffer = item->buffer;
                work.event = item->event;
                work.sticky = item->sticky;
                if (work.event && GST_EVENT_TYPE(work.event.get()) == GST_EVENT_EOS)
                    told_eos_ = f.eos_number;
                work.discont = item->buffer && std::exchange(discont_, false);
                if (item->buffer && *cursor_ < joined_)
                    work.pace = f.burst_pace;
                ++*cursor_;
                asked_ = false;
                return true;
            }
            // Nothing is left that it could begin with.
            if (f.eos && std::exchange(told_eos_, f.eos_number) != f.eos_number) {
                work.event = f.eos;
                work.sticky = f.sticky;
                return true;
            }
        }
        f.changed.wait(lock);
    }
}

void Branch::send_sticky(Work& work) {
    if (work.sticky == work.sent)
        return;
    for (const auto& event : *work.sticky) {
        const bool sent = work.sent && std::any_of(work.sent->begin(), work.sent->end(),
                                                   [&](const Ref<GstEvent>& e) { return e.get() == event.get(); });
        if (!sent)
            gst_pad_push_event(pad_.get(), gst_event_ref(event.get())); // refused: the buffer's flow says so
    }
    work.sent = work.sticky;
}

void Branch::paced(GstClockTime pace) {
    GstClockID id = nullptr;
    {
        std::lock_guard lock(fanout_->mutex);
        if (!fanout_->clock || stop_)
            return;
        id = gst_clock_new_single_shot_id(fanout_->clock.get(), gst_clock_get_time(fanout_->clock.get()) + pace);
        waiting_ = id;
    }
    gst_clock_id_wait(id, nullptr);
    {
        std::lock_guard lock(fanout_->mutex);
        waiting_ = nullptr;
    }
    gst_clock_id_unref(id);
}

void Branch::send(Work& work) {
    if (work.ask_key)
        return wants_key_();
    if (work.event && GST_EVENT_TYPE(work.event.get()) == GST_EVENT_FLUSH_STOP) {
        gst_pad_push_event(pad_.get(), work.event.release());
        work.sent = nullptr;
        return;
    }
    send_sticky(work);
    if (work.event) {
        gst_pad_push_event(pad_.get(), work.event.release()); // behind an EOS comes a new stream, or nothing
        return;
    }
    if (work.pace)
        paced(work.pace);
    const gsize bytes = gst_buffer_get_size(work.buffer.get());
    if (work.discont) { // the buffer's own header is copied, its memory is shared
        GstBuffer* marked = gst_buffer_copy(work.buffer.get());
        GST_BUFFER_FLAG_SET(marked, GST_BUFFER_FLAG_DISCONT);
        work.buffer = adopt(marked);
    }
    const GstFlowReturn flow = gst_pad_push(pad_.get(), work.buffer.release());
    std::lock_guard lock(fanout_->mutex);
    if (run_ != work.run || link_ != work.link || flushes_ != work.flush)
        return; // of something that is over
    stats_.flow = flow;
    if (flow == GST_FLOW_OK) {
        ++stats_.buffers;
        stats_.bytes += bytes;
        return;
    }
    if (flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_FLUSHING) {
        cursor_.reset(); // once more at the next key unit
        joined_ = fanout_->ring.end();
        work.sent = nullptr;
    } else {
        ended_ = true; // until it is linked anew, or everything is flushed
        if (flow != GST_FLOW_EOS)
            ++stats_.failures;
    }
}

} // namespace sluice
