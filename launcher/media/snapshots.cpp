// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/snapshots.hpp"

#include "launcher/media/picture_process.hpp"
#include "plugins/core/call_later.hpp"
#include "plugins/core/credentials.hpp"

#include <algorithm>

namespace sluice {

namespace {

std::string even(unsigned number) { return std::to_string(number & ~1u); }

// The width to make; 0: as it comes.
Result<unsigned> width_of(const Snapshots::Ask& ask, const KeyPicture& picture) {
    unsigned wanted = ask.width.value_or(0);
    if (ask.fit) {
        if (!wanted && ask.height)
            wanted = static_cast<unsigned>(uint64_t(*ask.height) * picture.width / picture.height);
        if ((ask.width || ask.height) && wanted < picture.width)
            return std::max(wanted & ~1u, std::min(Snapshots::least_width, picture.width));
        return 0u;
    }
    if (!ask.width || wanted == picture.width)
        return 0u;
    if (wanted % 2 || wanted < Snapshots::least_width || wanted > picture.width)
        return Error{ErrorKind::bad_input,
                     "width: found " + std::to_string(wanted) + ", allowed: an even number from " +
                         std::to_string(Snapshots::least_width) + " to " + even(picture.width) + ", the camera's own"};
    return wanted;
}

} // namespace

struct Snapshots::Waiting {
    Ask ask;
    Done done;
    std::unique_ptr<PictureWait> wait;
    TimerQueue::Time deadline;
};

// Where the threads of links leave what they have heard, and what is left of it when we are gone.
struct Snapshots::Post {
    Snapshots* owner = nullptr; // main context; NULL: gone

    // Into the main context.
    static void put(const std::shared_ptr<Post>& self, uint64_t number, const MakerNews& news) {
        call_later([self, number, news] {
            if (self->owner)
                self->owner->makers_.heard(number, news);
        });
    }
};

Snapshots::Snapshots(const Templates& templates, const SnapshotLimits& limits)
    : limits_(limits), salt_(random_token(6)), templates_(templates),
      desk_(
          timers_, TimerQueue::Clock::now,
          [this](uint64_t id, const SnapshotDesk::Order& order) { makers_.make(id, order); }, limits.desk),
      post_(std::make_shared<Post>()),
      makers_(timers_, TimerQueue::Clock::now,
              {.start = [this](uint64_t number) { return start(number); },
               .finished = [this](uint64_t id, const auto& made) { desk_.finished(id, made); },
               .ended = [this](uint64_t id) { desk_.ended(id); }},
              limits.makers) {
    post_->owner = this;
}

Snapshots::~Snapshots() {
    stop();
    post_->owner = nullptr;
}

void Snapshots::stop() {
    stopped_ = true;
    late_.clear();
    makers_.stop();
    const auto waiting = std::move(waiting_);
    waiting_.clear();
    for (const auto& w : waiting)
        w->done(Error{ErrorKind::unavailable, "the server is closing"});
}

void Snapshots::take(const Ask& ask, Done done) {
    if (stopped_)
        return done(Error{ErrorKind::unavailable, "the server is closing"});
    // Only a width that is given as such is known before the picture is.
    if (ask.max_age.count() > 0 && !ask.fit) {
        const int64_t since = g_get_real_time() - std::chrono::microseconds(ask.max_age).count();
        if (const JpegPtr jpeg = desk_.kept(ask.channel + '\n' + ask.description, ask.width.value_or(0), since))
            return order(ask, jpeg->picture->unit, done);
    }
    Ref<SluiceChannel> held = adopt(sluice_channel_lookup(ask.channel.c_str()));
    const auto channel = held ? channel_of(held.get()) : nullptr;
    const bool present = channel && channel->producer_present();
    if (!channel || (!present && !ask.on_demand)) {
        const std::string reason = channel ? channel->unavailable() : "";
        return done(Error{ErrorKind::unavailable,
                          "the camera gives no picture" + (reason.empty() ? std::string() : ": " + reason)});
    }
    if (waiting_.size() >= limits_.waiting)
        return done(Error{ErrorKind::too_many, "too many snapshots wait for their cameras"});
    auto waiting = std::make_unique<Waiting>();
    Waiting* w = waiting.get();
    w->ask = ask;
    w->done = std::move(done);
    w->deadline = TimerQueue::Clock::now() + limits_.wait;
    w->wait = std::make_unique<PictureWait>(std::move(held), present, [this, w] { look(*w); });
    waiting_.push_back(std::move(waiting));
    look(*w);
    set_timer();
}

// All wait for the same time, so the first one is the first to be late.
void Snapshots::set_timer() { late_.set(waiting_.empty() ? std::nullopt : std::optional(waiting_.front()->deadline)); }

void Snapshots::late() {
    while (!waiting_.empty() && waiting_.front()->deadline <= TimerQueue::Clock::now())
        look(*waiting_.front());
    set_timer();
}

void Snapshots::look(Waiting& waiting) {
    const AccessUnitPtr unit = waiting.wait->take();
    if (!unit && TimerQueue::Clock::now() < waiting.deadline)
        return;
    const auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.get() == &waiting; });
    const std::unique_ptr<Waiting> w = std::move(*it);
    waiting_.erase(it);
    if (unit)
        return order(w->ask, unit, w->done);
    const std::string reason = w->wait->channel().unavailable();
    w->done(Error{ErrorKind::unavailable, "the camera has given no picture within " +
                                              std::to_string(limits_.wait.count() / 1000) + " s" +
                                              (reason.empty() ? "" : ": " + reason)});
}

void Snapshots::order(const Ask& ask, const AccessUnitPtr& unit, const Done& done) {
    const auto picture = key_picture(unit, channel_now(), g_get_real_time());
    if (!picture)
        return done(picture.error());
    const Result<unsigned> width = width_of(ask, *picture.value());
    if (!width)
        return done(width.error());
    const std::string tag =
        "\"" + salt_ + "-" + std::to_string(unit->time) + "-" + std::to_string(width.value()) + "\"";
    if (!ask.known_tag.empty() && (ask.known_tag == "*" || ask.known_tag.find(tag) != std::string::npos))
        return done(Picture{nullptr, picture.value(), tag});
    const auto answer = [done, tag](const Result<JpegPtr>& made) {
        if (made)
            done(Picture{made.value()->bytes, made.value()->picture, tag});
        else
            done(made.error());
    };
    const SnapshotDesk::Order wanted{ask.channel + '\n' + ask.description, width.value(), picture.value(),
                                     makers_.cold() ? limits_.makers.start : std::chrono::milliseconds(0)};
    if (const auto own = width.value() == 0 ? own_jpeg(unit) : nullptr)
        return answer(desk_.take(wanted, own));
    desk_.ask(wanted, answer);
}

Result<std::unique_ptr<PictureMaker>> Snapshots::start(uint64_t number) {
    return PictureProcess::start(templates_,
                                 [post = post_, number](MakerNews news) { Post::put(post, number, std::move(news)); });
}

} // namespace sluice
