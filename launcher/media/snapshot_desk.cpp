// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/snapshot_desk.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

bool equal(const SnapshotDesk::Order& a, const SnapshotDesk::Order& b) {
    return a.place == b.place && a.width == b.width && a.picture->unit == b.picture->unit;
}

} // namespace

SnapshotDesk::SnapshotDesk(TimerQueue& timers, std::function<Time()> now,
                           std::function<void(uint64_t, const Order&)> begin, const Limits& limits)
    : now_(std::move(now)), begin_(std::move(begin)), limits_(limits), timer_(timers, [this] { late(); }) {}

size_t SnapshotDesk::running() const {
    return static_cast<size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.id && !job.given_up; }));
}

void SnapshotDesk::ask(const Order& order, Done done) {
    for (const Kept& kept : kept_)
        if (equal(kept.order, order)) {
            ++counts_.shared;
            return done(kept.jpeg);
        }
    for (Job& job : jobs_)
        if (!job.done.empty() && equal(job.order, order)) {
            ++counts_.shared;
            job.done.push_back(std::move(done));
            return;
        }
    const auto hanging =
        static_cast<size_t>(std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.given_up; }));
    const auto waiting =
        static_cast<size_t>(std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.id == 0; }));
    if (hanging >= limits_.given_up) {
        ++counts_.refused;
        return done(Error{ErrorKind::unavailable, std::to_string(hanging) + " decoders hang; no more are begun"});
    }
    if (waiting >= limits_.waiting) {
        ++counts_.refused;
        return done(Error{ErrorKind::too_many, "too many snapshots are being made just now"});
    }
    jobs_.push_back({0, order, {}, now_() + limits_.time + order.more, false});
    jobs_.back().done.push_back(std::move(done));
    begin_next();
    set_timer();
}

JpegPtr SnapshotDesk::take(const Order& order, const Ref<GBytes>& bytes) {
    auto jpeg = std::make_shared<const Jpeg>(Jpeg{bytes, order.picture});
    keep(order, jpeg);
    return jpeg;
}

void SnapshotDesk::begin_next() {
    for (Job& job : jobs_) {
        if (running() >= limits_.at_once)
            return;
        if (job.id)
            continue;
        job.id = ++last_id_;
        begin_(job.id, job.order);
    }
}

void SnapshotDesk::finished(uint64_t id, const Result<Ref<GBytes>>& result) {
    const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& j) { return j.id == id; });
    if (job == jobs_.end())
        return;
    Result<JpegPtr> out = Error{};
    if (result) {
        ++counts_.made;
        out = JpegPtr(std::make_shared<const Jpeg>(Jpeg{result.value(), job->order.picture}));
        keep(job->order, out.value());
    } else {
        out = result.error();
    }
    const auto done = std::exchange(job->done, {});
    set_timer();
    for (const Done& answer : done)
        answer(out);
}

void SnapshotDesk::ended(uint64_t id) {
    jobs_.remove_if([&](const Job& job) { return job.id == id; });
    begin_next();
    set_timer();
}

// Who has waited for too long is told so. A job that has not begun is forgotten; one that has begun gives its place to the next.
void SnapshotDesk::late() {
    std::vector<Done> answers;
    const Time now = now_();
    for (auto it = jobs_.begin(); it != jobs_.end();) {
        if (it->deadline > now || it->given_up) {
            ++it;
            continue;
        }
        for (Done& done : std::exchange(it->done, {}))
            answers.push_back(std::move(done));
        if (it->id == 0) {
            it = jobs_.erase(it);
            continue;
        }
        it->given_up = true;
        ++counts_.given_up;
        ++it;
    }
    begin_next();
    set_timer();
    for (const Done& done : answers)
        done(Error{ErrorKind::unavailable,
                   "the snapshot was not ready within " + std::to_string(limits_.time.count()) + " ms"});
}

void SnapshotDesk::set_timer() {
    std::optional<Time> next;
    for (const Job& job : jobs_)
        if (!job.given_up)
            next = std::min(next.value_or(job.deadline), job.deadline);
    timer_.set(next);
}

void SnapshotDesk::keep(const Order& order, const JpegPtr& jpeg) {
    const Time now = now_();
    const auto drop = [this](std::list<Kept>::iterator it) {
        kept_bytes_ -= g_bytes_get_size(it->jpeg->bytes.get());
        return kept_.erase(it);
    };
    for (auto it = kept_.begin(); it != kept_.end();) {
        const bool replaced = it->order.place == order.place && it->order.width == order.width;
        it = replaced || it->until <= now ? drop(it) : std::next(it);
    }
    kept_.push_back({order, jpeg, now + limits_.kept_for});
    kept_bytes_ += g_bytes_get_size(jpeg->bytes.get());
    while (!kept_.empty() && kept_bytes_ > limits_.kept_bytes)
        drop(kept_.begin());
}

JpegPtr SnapshotDesk::kept(const std::string& place, unsigned width, int64_t taken_since_us) const {
    for (const Kept& kept : kept_)
        if (kept.order.place == place && kept.order.width == width && kept.jpeg->picture->taken_us >= taken_since_us)
            return kept.jpeg;
    return nullptr;
}

} // namespace sluice
