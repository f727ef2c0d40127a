// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/camera_stream.hpp"

#include "launcher/camera/teardown.hpp"
#include "launcher/config/url.hpp"
#include "launcher/log.hpp"
#include "plugins/core/codec.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace sluice {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds poll_interval{500};
constexpr std::chrono::seconds repeat_log{60};
// A pipeline that hangs while it is closed keeps threads and sockets: do not pile them up.
constexpr size_t max_zombies_per_stream = 3;

double random_fraction() {
    static std::mt19937 engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

GstStructurePtr channel_stats(SluiceChannel* channel) {
    GstStructure* stats = nullptr;
    g_object_get(channel, "stats", &stats, nullptr);
    return GstStructurePtr(stats);
}

} // namespace

CameraStream::CameraStream(const std::string& camera, StreamConfig config, const Templates& templates,
                           Teardown& teardown, const LifeLimits& limits)
    : config_(std::move(config)), channel_name_(camera + "/" + config_.name), templates_(templates),
      teardown_(teardown), life_(limits, random_fraction), channel_(adopt(sluice_channel_get(channel_name_.c_str()))),
      self_(std::make_shared<CameraStream*>(this)) {
    // From the streaming thread, so that the first picture does not wait for the next poll.
    using Holder = std::weak_ptr<CameraStream*>;
    producer_signal_ = g_signal_connect_data(
        channel_.get(), "producer-changed", G_CALLBACK(+[](SluiceChannel*, gboolean, gpointer data) {
            g_idle_add_full(
                G_PRIORITY_DEFAULT,
                [](gpointer holder) -> gboolean {
                    if (const auto self = static_cast<Holder*>(holder)->lock())
                        (*self)->poll();
                    return G_SOURCE_REMOVE;
                },
                new Holder(*static_cast<Holder*>(data)), [](gpointer holder) { delete static_cast<Holder*>(holder); });
        }),
        new Holder(self_), [](gpointer holder, GClosure*) { delete static_cast<Holder*>(holder); }, GConnectFlags(0));
}

CameraStream::~CameraStream() {
    stop();
    g_signal_handler_disconnect(channel_.get(), producer_signal_);
    g_clear_handle_id(&timer_, g_source_remove);
}

void CameraStream::start() { apply(life_.start(now())); }

void CameraStream::stop(const std::string& reason) {
    apply(life_.stop(now()));
    if (!reason.empty())
        sluice_channel_set_unavailable(channel_.get(), reason.c_str());
}

void CameraStream::apply(const CameraLife::Actions& actions) {
    if (actions.end_attempt) {
        diagnosis_.reset();
        source_.reset();
    }
    if (actions.changed)
        report();
    if (actions.begin_attempt)
        begin_attempt();
    arm();
}

void CameraStream::begin_attempt() {
    if (teardown_.zombies(channel_name_) >= max_zombies_per_stream) {
        apply(life_.failed(now(), FailureKind::transient, "earlier connections hang while they are closed"));
        return;
    }
    seen_ = progress();
    SourceEvents events;
    events.handshake_done = [this] { apply(life_.handshake_done(now())); };
    events.failed = [this](const SourceFailure& failure) { source_failed(failure); };
    auto source =
        SourcePipeline::create(templates_, config_.sources.front(), channel_name_, teardown_, std::move(events));
    if (!source) {
        apply(life_.failed(now(), FailureKind::denied, source.error().text));
        return;
    }
    source_ = std::move(source).value();
    source_->start();
}

void CameraStream::source_failed(const SourceFailure& failure) {
    std::string why;
    const auto url = parse_camera_url(config_.sources.front().url, why);
    if (!failure.could_not_connect || !url) {
        apply(life_.failed(now(), failure.kind, failure.reason));
        return;
    }
    diagnosis_ = std::make_unique<Diagnosis>(url->host, url->port, [this, failure](const std::string& reason) {
        // end_attempt destroys the Diagnosis, and with it what this function holds.
        const FailureKind kind = failure.kind;
        apply(life_.failed(now(), kind, reason.empty() ? failure.reason : reason));
    });
}

CameraStream::Progress CameraStream::progress() const {
    const GstStructurePtr stats = channel_stats(channel_.get());
    guint64 units = 0, before_key = 0;
    if (stats) {
        gst_structure_get_uint64(stats.get(), "access-units", &units);
        gst_structure_get_uint64(stats.get(), "before-key", &before_key);
    }
    return {units, before_key};
}

void CameraStream::poll() {
    if (source_) {
        const Progress before = std::exchange(seen_, progress());
        if (seen_.units != before.units)
            apply(life_.picture(now()));
        else if (seen_.before_key != before.before_key)
            apply(life_.data(now()));
    }
    apply(life_.tick(now()));
}

void CameraStream::arm() {
    g_clear_handle_id(&timer_, g_source_remove);
    const auto next = life_.next_tick();
    if (!next)
        return;
    auto wait = std::max(std::chrono::ceil<milliseconds>(*next - now()), milliseconds(0));
    if (source_)
        wait = std::min(wait, poll_interval);
    timer_ = g_timeout_add(
        static_cast<guint>(wait.count()),
        [](gpointer data) -> gboolean {
            auto* self = static_cast<CameraStream*>(data);
            self->timer_ = 0;
            self->poll();
            return G_SOURCE_REMOVE;
        },
        this);
}

void CameraStream::report() {
    if (changed_)
        changed_();
    const LifeState state = life_.state();
    const std::string& reason = life_.reason();
    const bool streaming = state == LifeState::streaming;
    const std::string told = reason.empty() ? "connecting to the camera" : reason;
    sluice_channel_set_unavailable(channel_.get(), streaming ? nullptr : told.c_str());
    const std::string name = "camera " + channel_name_ + ": ";
    if (streaming) {
        log_info(name + "streaming");
        logged_reason_.clear();
    } else if (state == LifeState::stalled || state == LifeState::backoff) {
        // A camera that is away for the night says so once a minute at most.
        if (reason == logged_reason_ && now() - logged_at_ < repeat_log)
            return;
        logged_reason_ = reason;
        logged_at_ = now();
        log_warning(name + reason);
    }
}

StreamStatus CameraStream::status() const {
    StreamStatus out;
    out.name = config_.name;
    out.channel = channel_name_;
    out.state = life_.state();
    out.reason = life_.reason();
    out.state_seconds = std::chrono::duration<double>(now() - life_.since()).count();
    out.attempts = life_.attempts();
    out.losses = life_.losses();
    GstCaps* caps = nullptr;
    guint readers = 0;
    g_object_get(channel_.get(), "caps", &caps, "readers", &readers, nullptr);
    const Ref<GstCaps> held = adopt(caps);
    if (held)
        out.codec = codec_name(codec_from_caps(held.get()));
    out.readers = readers;
    if (const GstStructurePtr stats = channel_stats(channel_.get())) {
        guint64 bitrate = 0;
        gst_structure_get_uint(stats.get(), "width", &out.width);
        gst_structure_get_uint(stats.get(), "height", &out.height);
        gst_structure_get_double(stats.get(), "fps", &out.fps);
        gst_structure_get_uint64(stats.get(), "bitrate", &bitrate);
        if (out.state == LifeState::streaming)
            out.bitrate = bitrate;
        else
            out.fps = 0;
    }
    return out;
}

} // namespace sluice
