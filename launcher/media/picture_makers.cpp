// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_makers.hpp"

#include "launcher/log.hpp"
#include "plugins/core/mapped_buffer.hpp"

#include <algorithm>
#include <optional>

namespace sluice {

namespace {

std::string place_of(const SnapshotDesk::Order& order) { return order.place.substr(0, order.place.find('\n')); }

GstBuffer* buffer_of(const SnapshotDesk::Order& order) { return order.picture->unit->buffer.get(); }

std::string sum_of(GstBuffer* buffer) {
    const MappedBuffer bytes(buffer);
    const GString8 sum(g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes.data().data(), bytes.data().size()));
    return sum ? sum.get() : "";
}

} // namespace

PictureMakers::PictureMakers(TimerQueue& timers, std::function<Time()> now, Events events, const Limits& limits)
    : now_(std::move(now)), events_(std::move(events)), limits_(limits), timer_(timers, [this] { due(); }) {}

void PictureMakers::make(uint64_t id, const SnapshotDesk::Order& order) {
    if (stopped_)
        return;
    waiting_.push_back({id, order});
    next();
    set_timer();
}

void PictureMakers::heard(uint64_t number, const MakerNews& news) {
    const auto maker = std::find_if(makers_.begin(), makers_.end(), [&](const Maker& m) { return m.number == number; });
    if (maker == makers_.end())
        return;
    switch (news.kind) {
    case MakerNews::Kind::picture: return picture(*maker, news.picture);
    case MakerNews::Kind::ready: return ready(maker);
    case MakerNews::Kind::gone: return gone(maker, news);
    }
}

bool PictureMakers::cold() const {
    return std::none_of(makers_.begin(), makers_.end(), [](const Maker& m) { return m.warm; });
}

void PictureMakers::stop() {
    stopped_ = true;
    makers_.clear();
    waiting_.clear();
    refused_.clear();
    timer_.clear();
}

// Who waits gets a process: one that is idle, or a new one if there may be more.
void PictureMakers::next() {
    while (!waiting_.empty()) {
        Waiting& first = waiting_.front();
        if (has_crashed(first.order)) {
            refused_.emplace_back(first.id, Error{ErrorKind::unavailable,
                                                  "the camera's picture cannot be decoded: it has ended a decoder's "
                                                  "process, and is not tried again"});
            waiting_.pop_front();
            continue;
        }
        Maker* maker = idle();
        if (!maker && (makers_.size() >= limits_.at_once || soon_idle() >= waiting_.size()))
            return;
        if (!maker) {
            if (const auto started = start(); !started) {
                refused_.emplace_back(first.id, started.error());
                waiting_.pop_front();
                continue;
            }
            maker = &makers_.back();
        }
        Waiting taken = std::move(first);
        waiting_.pop_front();
        give(*maker, std::move(taken));
    }
}

// The first that is, so that the last ones become spare.
PictureMakers::Maker* PictureMakers::idle() {
    const auto it = std::find_if(makers_.begin(), makers_.end(), [](const Maker& m) { return m.job == 0; });
    return it == makers_.end() ? nullptr : &*it;
}

// Warm, and sooner ready than another one has started.
size_t PictureMakers::soon_idle() const {
    return static_cast<size_t>(
        std::count_if(makers_.begin(), makers_.end(), [](const Maker& m) { return m.job && m.told; }));
}

Result<bool> PictureMakers::start() {
    const uint64_t number = ++last_number_;
    auto process = events_.start(number);
    if (!process)
        return process.error();
    makers_.push_back({.number = number,
                       .process = std::move(process).value(),
                       .warm = false,
                       .job = 0,
                       .told = false,
                       .again = false,
                       .order = {},
                       .until = now_() + limits_.spare});
    return true;
}

void PictureMakers::give(Maker& maker, Waiting waiting) {
    if (const auto begun = maker.process->make(waiting.order); !begun) {
        refused_.emplace_back(waiting.id, begun.error());
        return;
    }
    maker.job = waiting.id;
    maker.told = false;
    maker.again = waiting.again;
    maker.order = std::move(waiting.order);
    maker.until = now_() + limits_.time + (maker.warm ? std::chrono::milliseconds(0) : limits_.start);
}

void PictureMakers::picture(Maker& maker, const Result<Ref<GBytes>>& picture) {
    if (maker.job == 0 || std::exchange(maker.told, true))
        return;
    maker.until = std::min(maker.until, now_() + limits_.ready);
    set_timer();
    events_.finished(maker.job, picture);
}

void PictureMakers::ready(std::list<Maker>::iterator maker) {
    if (!std::exchange(maker->warm, true)) {
        if (maker->job)
            maker->until = now_() + limits_.time;
        return set_timer();
    }
    if (maker->job == 0)
        return;
    if (!maker->told) // it should have said more
        return end(maker, {ErrorKind::unavailable, "the camera's picture cannot be decoded"});
    const uint64_t job = std::exchange(maker->job, 0);
    maker->order = {};
    maker->until = now_() + limits_.spare;
    if (maker->process->resident() > limits_.resident) {
        makers_.erase(maker);
        keep_one();
    }
    next();
    set_timer();
    events_.ended(job);
}

void PictureMakers::gone(std::list<Maker>::iterator maker, const MakerNews& news) {
    const std::string& how = news.how;
    if (maker->job == 0) { // the next wish starts another: one that cannot live is not started without end
        log_warning("snapshots: the idle worker process has ended (" + how + ")");
        makers_.erase(maker);
        return set_timer();
    }
    if (news.by_others) { // no fault of the picture, which gets another process once if it is not made yet
        log_warning("snapshot of " + place_of(maker->order) + ": the worker process is gone (" + how + ")");
        if (!maker->told && !maker->again) {
            waiting_.push_front({maker->job, std::move(maker->order), true});
            makers_.erase(maker);
            next();
            return set_timer();
        }
        return end(maker, {ErrorKind::unavailable, "the worker process is gone (" + how + ")"});
    }
    log_warning("snapshot of " + place_of(maker->order) + ": the worker process is gone (" + how +
                "); this picture is not tried again");
    remember(maker->order);
    end(maker,
        {ErrorKind::unavailable, "the camera's picture cannot be decoded: the worker process is gone (" + how + ")"});
}

// What it was making is lost.
void PictureMakers::end(std::list<Maker>::iterator maker, const Error& why) {
    const uint64_t job = maker->job;
    const bool told = maker->told;
    makers_.erase(maker);
    keep_one();
    next();
    set_timer();
    if (!told)
        events_.finished(job, why);
    events_.ended(job);
}

// Warm for the next wish. Why there is none is told to whoever needs it.
void PictureMakers::keep_one() {
    if (makers_.empty() && !stopped_)
        if (const auto started = start(); !started)
            log_warning("snapshots: " + started.error().text);
}

void PictureMakers::due() {
    const Time now = now_();
    for (auto it = makers_.begin(); it != makers_.end();) {
        const bool spare = it != makers_.begin() && it->job == 0 && it->until <= now;
        it = spare ? makers_.erase(it) : std::next(it);
    }
    const auto refused = std::exchange(refused_, {});
    set_timer();
    for (const auto& [id, why] : refused) {
        events_.finished(id, why);
        events_.ended(id);
    }
    // What is told may begin others, so it is looked for anew each time.
    for (;;) {
        const auto hangs =
            std::find_if(makers_.begin(), makers_.end(), [&](const Maker& m) { return m.job != 0 && m.until <= now; });
        if (hangs == makers_.end())
            return;
        log_warning("snapshot of " + place_of(hangs->order) + ": the worker process " +
                    (hangs->told ? "has not been ready again within " + std::to_string(limits_.ready.count())
                                 : "has not answered within " + std::to_string(limits_.time.count())) +
                    " ms" + (hangs->warm ? "" : " and the time for its start") + " and is ended");
        end(hangs, {ErrorKind::unavailable, "the picture was not decoded in time"});
    }
}

void PictureMakers::set_timer() {
    std::optional<Time> next;
    if (!refused_.empty())
        next = now_();
    for (auto it = makers_.begin(); it != makers_.end(); ++it)
        if (it->job != 0 || it != makers_.begin())
            next = std::min(next.value_or(it->until), it->until);
    timer_.set(next);
}

void PictureMakers::remember(const SnapshotDesk::Order& order) {
    crashes_.push_back({gst_buffer_get_size(buffer_of(order)), sum_of(buffer_of(order))});
    if (crashes_.size() > limits_.crashes)
        crashes_.pop_front();
}

bool PictureMakers::has_crashed(const SnapshotDesk::Order& order) const {
    std::optional<Crash> picture;
    for (const Crash& crash : crashes_) {
        if (crash.size != gst_buffer_get_size(buffer_of(order)))
            continue;
        if (!picture)
            picture = Crash{crash.size, sum_of(buffer_of(order))};
        if (crash == *picture)
            return true;
    }
    return false;
}

} // namespace sluice
