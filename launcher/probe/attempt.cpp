// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/attempt.hpp"

#include <mutex>
#include <utility>

namespace sluice::probe {

namespace {

constexpr const char* channel_name = "probe";
// Over UDP TCP is tried when nothing has come for so long, before rtspsrc itself gives up (5 s).
constexpr std::chrono::seconds udp_first_picture{2};
// Sound alone is known as that when it has come for so long.
constexpr std::chrono::seconds sound_alone{3};

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

} // namespace

// Read in the producer's thread: a main context that is late misses nothing.
class Attempt::Inbox : public Wakeup {
public:
    void read_from(const std::shared_ptr<Channel>& channel) {
        auto reader = channel->attach(Channel::Start::live, true, true);
        const std::lock_guard lock(mutex_);
        reader_ = std::move(reader);
    }
    void close() {
        std::unique_ptr<Channel::Reader> gone; // its channel is told behind the lock
        const std::lock_guard lock(mutex_);
        std::swap(gone, reader_);
    }
    void wake() override {
        const std::lock_guard lock(mutex_);
        while (reader_) {
            AccessUnitPtr unit = reader_->next().unit;
            if (!unit)
                break;
            units_.push_back(std::move(unit));
        }
    }
    std::vector<AccessUnitPtr> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(units_, {});
    }

private:
    std::mutex mutex_;
    std::unique_ptr<Channel::Reader> reader_;
    std::vector<AccessUnitPtr> units_;
};

Attempt::Attempt(const Templates& templates, SourceConfig source, const LifeLimits& limits, Teardown& teardown)
    : templates_(templates), source_(std::move(source)), limits_(limits), teardown_(teardown), url_([this] {
          std::string why;
          return parse_camera_url(source_.url, why);
      }()),
      held_(adopt(sluice_channel_get(channel_name))), channel_(channel_of(held_.get())),
      inbox_(std::make_shared<Inbox>()), life_(limits, [] { return 0.5; }) {
    if (source_.transport == Transport::udp)
        life_.set_first_picture(udp_first_picture);
    channel_->add_wakeup(inbox_);
    inbox_->read_from(channel_);
    apply(life_.start(now()));
}

Attempt::~Attempt() {
    diagnosis_.reset();
    pipeline_.reset();
    channel_->remove_wakeup(inbox_);
    inbox_->close();
}

void Attempt::apply(const Actions& actions) {
    if (actions.end_attempt)
        pipeline_.reset();
    if (life_.state() == LifeState::backoff)
        return fail(life_.failure());
    if (actions.ask_permit)
        apply(life_.permitted(now()));
    if (actions.begin_attempt)
        begin();
}

void Attempt::begin() {
    SourceEvents events;
    events.connected = [this] {
        connected_ = true;
        apply(life_.connected(now()));
    };
    events.handshake_done = [this] { apply(life_.handshake_done(now())); };
    events.failed = [this](const SourceFailure& failure) { source_failed(failure); };
    auto pipeline = SourcePipeline::create(templates_, source_, channel_name, teardown_, std::move(events));
    if (!pipeline)
        return fail({FailureClass::protocol, pipeline.error().text});
    pipeline_ = std::move(pipeline).value();
    taps_ = Taps::attach(pipeline_->element());
    // Where a camera sends no IDR, but pictures at which decoding can begin, it is looked at from there on.
    const Ref<GstElement> fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline_->element()), "fanout"));
    g_object_set(fanout.get(), "recovery-points", TRUE, nullptr);
    pipeline_->start(SourcePipeline::Mode::at_once);
}

void Attempt::fail(const Failure& failure) {
    if (!over())
        failure_ = failure;
    pipeline_.reset();
}

bool Attempt::use_tcp() {
    if (source_.transport != Transport::udp)
        return false;
    source_.transport = Transport::tcp;
    fell_to_tcp_ = true;
    life_.set_first_picture(limits_.first_picture);
    apply(life_.again(now()));
    return true;
}

void Attempt::source_failed(const SourceFailure& failure) {
    if (failure.wants_tcp && use_tcp())
        return;
    const Failure told{failure.kind, failure.reason};
    if (failure.could_not_connect && streaming())
        return fail({FailureClass::ended, "the connection to the camera broke"});
    if (!failure.could_not_connect || !url_ || url_->host.empty())
        return fail(told);
    pipeline_.reset(); // and the time that is left is the diagnosis's
    diagnosis_ = std::make_unique<Diagnosis>(
        url_->host, url_->port, [this, told](const Failure& found) { fail(found.reason.empty() ? told : found); });
}

void Attempt::take_units() {
    for (const AccessUnitPtr& unit : inbox_->take()) {
        if (!is_video(unit->track->codec)) {
            sound_track_ = unit->track;
            sound_.add(unit->bytes, unit->ticks);
            if (!first_sound_)
                first_sound_ = now();
            continue;
        }
        if (!first_video_)
            first_video_ = now();
        video_track_ = unit->track;
        sender_reports_ = sender_reports_ || unit->capture_time;
        MeteredUnit metered = look_at(*unit);
        metered.time = static_cast<double>(unit->time) / GST_SECOND;
        video_.add(metered);
    }
}

void Attempt::look() {
    take_units();
    if (over() || diagnosis_)
        return;
    if (pipeline_) {
        const SourcePipeline::Progress progress = pipeline_->progress();
        if (progress.last_video) {
            apply(life_.handshake_done(now()));
            apply(streaming() ? life_.picture(*progress.last_video) : life_.data(*progress.last_video));
        } else if (taps_->tracks().empty() && first_sound_ && now() - *first_sound_ > sound_alone) {
            return fail({FailureClass::codec, "there is sound, but no picture"});
        }
    }
    const auto due = life_.next_tick();
    const bool silent =
        life_.state() == LifeState::connecting && life_.promised() && !life_.data_seen() && due && *due <= now();
    if (!silent || !use_tcp())
        apply(life_.tick(now()));
}

std::string Attempt::stage() const {
    if (life_.data_seen())
        return "pictures come, waiting for a key frame";
    if (life_.promised())
        return "connected, waiting for pictures";
    return connected_ ? "connected, asking for the stream" : "connecting";
}

double Attempt::watched() const { return first_video_ ? seconds(now() - *first_video_) : 0; }

} // namespace sluice::probe
