// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/camera_stream.hpp"

#include "launcher/camera/teardown.hpp"
#include "launcher/camera/transcode_source.hpp"
#include "launcher/log.hpp"
#include "plugins/core/codec.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace sluice {

using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds repeat_log{60};
// A pipeline that hangs while it is closed keeps threads and sockets: do not pile them up.
constexpr size_t max_zombies_per_stream = 3;
// Over UDP silence after PLAY means a firewall more often than a slow camera.
constexpr milliseconds udp_first_picture{2000};

double random_fraction() {
    static std::mt19937 engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

GstStructurePtr channel_stats(SluiceChannel* channel) {
    GstStructure* stats = nullptr;
    g_object_get(channel, "stats", &stats, nullptr);
    return GstStructurePtr(stats);
}

// The parser has accepted it; nothing: a template that needs no address.
std::optional<CameraUrl> address_of(const SourceConfig& source) {
    std::string why;
    return parse_camera_url(source.url, why);
}

LifeLimits limits_of(const StreamConfig& stream, const SourceConfig& source, const std::optional<CameraUrl>& url,
                     LifeLimits limits) {
    limits.stall = milliseconds(stream.stall_ms);
    if (source.transport == Transport::udp)
        limits.first_picture = std::min(limits.first_picture, udp_first_picture);
    limits.patient = !url || !url->listens; // while it does not listen nobody can call
    return limits;
}

// Of several sources without a picture the one that is nearest to giving one.
int hope(LifeState state) {
    switch (state) {
    case LifeState::idle: return 0;
    case LifeState::backoff: return 1;
    case LifeState::connecting: return 2;
    case LifeState::stalled: return 3;
    case LifeState::streaming: return 4;
    }
    return 0;
}

} // namespace

CameraStream::Source::Source(CameraStream& stream, size_t i)
    : index(i), config(stream.config_.sources[i]), url(address_of(config)),
      life(limits_of(stream.config_, config, url, stream.tools_.limits), random_fraction),
      timer(stream.tools_.timers, [&stream, this] { stream.look(*this); }) {}

CameraStream::CameraStream(const std::string& camera, StreamConfig config, const StreamTools& tools)
    : config_(std::move(config)), channel_name_(camera + "/" + config_.name), tools_(tools),
      channel_(adopt(sluice_channel_get(channel_name_.c_str()))), choice_(config_.sources.size()),
      choose_timer_(tools.timers, [this] { look_again(); }), sound_(channel_name_, tools.teardown, tools.timers) {
    for (size_t i = 0; i < config_.sources.size(); i++)
        sources_.push_back(std::make_unique<Source>(*this, i));
    g_object_set(channel_.get(), "last-resort", gboolean(config_.last_resort), nullptr);
    remember();
    if (config_.on_demand)
        demand_.emplace(channel_, [this] { settle(); });
}

CameraStream::~CameraStream() { stop(); }

void CameraStream::remember() {
    const StreamMemory::Media media = tools_.memory.of(channel_name_);
    const auto caps = [](const std::string& text) {
        return adopt(text.empty() ? nullptr : gst_caps_from_string(text.c_str()));
    };
    // What our own encoder makes is known before it is made for the first time.
    const SourceConfig& first = config_.sources.front();
    const SourceTemplate* found = first.derived ? tools_.templates.find(first.source_template) : nullptr;
    const bool encoded = found && uses_element(*found, chosen_encoder);
    const Ref<GstCaps> video = caps(encoded && media.video.empty() ? transcoded_caps : media.video),
                       audio = caps(media.audio);
    if (video)
        sluice_channel_remember(channel_.get(), video.get(), audio.get());
}

void CameraStream::learn() {
    const auto text = [this](const char* property) {
        GstCaps* raw = nullptr;
        g_object_get(channel_.get(), property, &raw, nullptr);
        const Ref<GstCaps> caps = adopt(raw);
        const GString8 words(caps ? gst_caps_to_string(caps.get()) : nullptr);
        return std::string(words ? words.get() : "");
    };
    const StreamMemory::Media media{text("caps"), text("audio-caps")};
    if (!media.video.empty())
        tools_.memory.learn(channel_name_, media);
}

void CameraStream::start() {
    started_ = true;
    sound_.start();
    settle();
}

void CameraStream::stop(const std::string& reason) {
    started_ = false;
    sound_.stop();
    choose();
    if (!reason.empty())
        sluice_channel_set_unavailable(channel_.get(), reason.c_str());
}

void CameraStream::apply(Source& source, const CameraLife::Actions& actions) {
    if (actions.end_attempt) {
        source.diagnosis.reset();
        source.pipeline.reset();
    }
    if (actions.end_attempt || source.life.state() != LifeState::connecting)
        source.permit.reset();
    if (source.life.state() == LifeState::idle || source.life.state() == LifeState::streaming)
        source.waiting.reset();
    if (actions.ask_permit)
        source.permit = tools_.gate.request(source.life.urgent(now()) || config_.on_demand, [this, &source] {
            apply(source, source.life.permitted(now()));
            choose(); // patience with it begins now
        });
    if (actions.begin_attempt)
        begin_attempt(source);
    source.timer.set(source.life.next_tick());
    if (!actions.changed)
        return;
    if (actions.end_attempt && source.life.urgent(now()))
        hurry(source);
    settle();
}

// A healthy source is lost. If nobody else has a picture, all do what they can, for as long as that one does.
void CameraStream::hurry(const Source& lost) {
    for (const auto& other : sources_)
        if (other->life.state() == LifeState::streaming)
            return;
    for (const auto& other : sources_)
        if (other->index != lost.index) {
            other->life.hurry(now(), *lost.life.quick_until());
            other->timer.set(other->life.next_tick());
        }
}

bool CameraStream::stands_by(const Source& source) const {
    return active_ && *active_ != source.index && sources_[*active_]->life.state() == LifeState::streaming;
}

void CameraStream::begin_attempt(Source& source) {
    if (tools_.teardown.zombies(channel_name_) >= max_zombies_per_stream) {
        apply(source,
              source.life.failed(now(), {FailureClass::timed_out, "earlier connections hang while they are closed"}));
        return;
    }
    SourceEvents events;
    events.connected = [this, &source] {
        // A listener waits for its caller, a file and a device cost the network nothing: others need the permit more.
        if (!source.url || source.url->listens || source.url->host.empty())
            source.permit.reset();
        apply(source, source.life.connected(now()));
    };
    events.handshake_done = [this, &source] {
        source.permit.reset(); // the rest is waiting for a key unit, which costs nobody anything
        apply(source, source.life.handshake_done(now()));
    };
    events.key_unit = [this, &source] { look(source); };
    events.writing = [this] { settle(); };
    events.failed = [this, &source](const SourceFailure& failure) { source_failed(source, failure); };
    auto pipeline = SourcePipeline::create(tools_.templates, source.config, channel_name_, tools_.teardown,
                                           std::move(events), &tools_.transcoding, &tools_.timers);
    if (!pipeline) {
        apply(source, source.life.failed(now(), {FailureClass::codec, pipeline.error().text}));
        return;
    }
    source.pipeline = std::move(pipeline).value();
    source.standby = stands_by(source);
    source.pipeline->start(sources_.size() == 1 ? SourcePipeline::Mode::at_once
                           : source.standby     ? SourcePipeline::Mode::standby
                                                : SourcePipeline::Mode::at_key_unit);
}

// Over UDP a camera that promised pictures and sends none, or refuses to begin with, is asked for TCP from now on.
bool CameraStream::use_tcp(Source& source) {
    if (source.config.transport != Transport::udp)
        return false;
    source.config.transport = Transport::tcp;
    source.life.set_first_picture(tools_.limits.first_picture);
    log_warning("camera " + channel_name_ + ": nothing comes over UDP; from now on over TCP");
    apply(source, source.life.again(now()));
    return true;
}

// Its own time to try again may be a minute away.
void CameraStream::wait_for_room(Source& source) {
    source.waiting = tools_.transcoding.room().wait([this, &source] {
        source.waiting.reset();
        apply(source, source.life.retry(now()));
    });
}

void CameraStream::source_failed(Source& source, const SourceFailure& failure) {
    if (failure.wants_tcp && use_tcp(source))
        return;
    if (failure.taken_over && sources_.size() > 1) // both had their key unit before either could be told to stand by
        return apply(source, source.life.again(now()));
    if (failure.again)
        return apply(source, source.life.again(now()));
    if (failure.no_room && !source.waiting) // who tries again by itself keeps its place
        wait_for_room(source);
    if (failure.could_not_connect && source.life.state() != LifeState::connecting) {
        apply(source, source.life.failed(now(), {FailureClass::ended, "the connection to the camera broke"}));
        return;
    }
    if (!failure.could_not_connect || !source.url || source.url->host.empty()) {
        apply(source, source.life.failed(now(), {failure.kind, failure.reason}));
        return;
    }
    source.diagnosis =
        std::make_unique<Diagnosis>(source.url->host, source.url->port, [this, &source, failure](const Failure& found) {
            const Failure told = found.reason.empty() ? Failure{failure.kind, failure.reason} : found;
            apply(source, source.life.failed(now(), told));
        });
}

void CameraStream::look(Source& source) {
    if (source.pipeline) {
        const SourcePipeline::Progress progress = source.pipeline->progress();
        if (progress.last_video) { // what is no RTSP says so by its first data
            source.permit.reset();
            apply(source, source.life.handshake_done(now()));
            apply(source, progress.key_unit ? source.life.picture(*progress.last_video)
                                            : source.life.data(*progress.last_video));
        }
    }
    if (&source == &shown() && source.life.state() == LifeState::streaming) {
        learn();
        look_at_clock();
    }
    const auto due = source.life.next_tick();
    const bool silent = source.life.state() == LifeState::connecting && source.life.promised() &&
                        !source.life.data_seen() && due && *due <= now();
    if (!silent || !use_tcp(source))
        tick(source);
    report();
}

void CameraStream::tick(Source& source) {
    const CameraLife::Actions actions = source.life.tick(now());
    const bool again = actions.end_attempt && source.pipeline && source.pipeline->given_up();
    apply(source, actions);
    if (again)
        apply(source, source.life.retry(now()));
}

void CameraStream::look_at_clock() {
    const GstStructurePtr stats = channel_stats(channel_.get());
    ClockWatch::Look seen;
    if (!stats || !gst_structure_get(stats.get(), "access-units", G_TYPE_UINT64, &seen.units, "time-clamped",
                                     G_TYPE_UINT64, &seen.clamped, "time-jumps", G_TYPE_UINT64, &seen.jumps, nullptr))
        return;
    const Source& source = shown();
    seen.connection = source.life.attempts() * sources_.size() + source.index;
    if (source.pipeline)
        seen.rtp = source.pipeline->rtp_time();
    clock_.look(now(), seen);
}

void CameraStream::look_again() {
    for (const auto& source : sources_)
        if (source->life.state() == LifeState::connecting)
            look(*source);
    settle();
}

void CameraStream::settle() {
    choose();
    report();
}

// May cause changes that ask for another choice.
void CameraStream::choose() {
    choose_again_ = true;
    if (choosing_)
        return;
    choosing_ = true;
    while (std::exchange(choose_again_, false))
        choose_once();
    choosing_ = false;
}

void CameraStream::choose_once() {
    if (!started_ || (demand_ && !demand_->wanted())) {
        choose_timer_.clear();
        choice_.reset();
        active_.reset();
        for (const auto& source : sources_)
            apply(*source, source->life.stop(now()));
        return;
    }
    std::vector<const CameraLife*> lives;
    for (const auto& source : sources_)
        lives.push_back(&source->life);
    const SourceChoice::Decision decision = choice_.decide(now(), lives);
    active_ = decision.active;
    choose_timer_.set(decision.look_again);
    for (size_t i = 0; i < decision.running; i++)
        apply(*sources_[i], sources_[i]->life.start(now()));
    if (sources_.size() == 1)
        return;
    const auto writes = [](const Source& s) { return s.pipeline && s.pipeline->progress().writing; };
    const bool taken_over = active_ && writes(*sources_[*active_]);
    for (const auto& source : sources_) {
        // Whoever is shown goes on until the one that is to be shown has taken over.
        if (source->index >= decision.running && (taken_over || !writes(*source)))
            apply(*source, source->life.stop(now()));
        const bool standby = stands_by(*source);
        if (source->pipeline && source->standby != standby && !(standby && !taken_over && writes(*source))) {
            source->standby = standby;
            source->pipeline->set_standby(standby);
        }
    }
}

const CameraStream::Source& CameraStream::shown() const {
    if (active_ && hope(sources_[*active_]->life.state()) >= hope(LifeState::stalled))
        return *sources_[*active_];
    const auto best = std::max_element(sources_.begin(), sources_.end(), [](const auto& a, const auto& b) {
        return hope(a->life.state()) < hope(b->life.state()); // of equals the first
    });
    return **best;
}

// Why there is no picture, or not the one that is wanted most.
Failure CameraStream::failure() const {
    const Source& source = shown();
    if (source.life.state() != LifeState::streaming)
        return source.life.failure();
    if (std::string trouble = clock_.trouble(now()); !trouble.empty())
        return {FailureClass::clock, std::move(trouble)};
    if (source.index == 0)
        return {};
    const Failure& preferred = sources_.front()->life.failure();
    return preferred.reason.empty()
               ? Failure{}
               : Failure{preferred.kind, "source 1 of " + std::to_string(sources_.size()) + ": " + preferred.reason};
}

void CameraStream::report() {
    const Source& source = shown();
    const LifeState state = source.life.state();
    const Failure failure = this->failure();
    const Told told{state, failure.kind, failure.reason, source.index, source.life.next_attempt()};
    if (told == told_)
        return;
    told_ = told;
    if (state == LifeState::streaming)
        learn();
    if (changed_)
        changed_();
    const bool streaming = state == LifeState::streaming;
    const bool waits = state == LifeState::idle; // for the first reader
    const std::string why = failure.reason.empty() ? "connecting to the camera" : failure.reason;
    sluice_channel_set_unavailable(channel_.get(), streaming || waits ? nullptr : why.c_str());
    log_state(source, failure);
}

void CameraStream::log_state(const Source& source, const Failure& failure) {
    const LifeState state = source.life.state();
    if (state == LifeState::connecting || (state == LifeState::idle && !config_.on_demand))
        return;
    std::string text = "camera " + channel_name_ + ": ";
    if (state == LifeState::backoff)
        text += std::string("reconnecting (") + to_string(failure.kind) + ")";
    else
        text += to_string(state);
    if (state == LifeState::streaming && sources_.size() > 1)
        text += " from source " + std::to_string(source.index + 1) + " of " + std::to_string(sources_.size());
    if (!failure.reason.empty())
        text += ": " + failure.reason;
    // A camera that is away for the night says so once a minute at most.
    if (text == logged_.text && now() - logged_.at < repeat_log)
        return;
    logged_ = {text, now()};
    if (state == LifeState::stalled || state == LifeState::backoff)
        log_warning(text);
    else
        log_info(text);
}

StreamStatus CameraStream::status() const {
    const Source& source = shown();
    StreamStatus out;
    out.name = config_.name;
    out.channel = channel_name_;
    out.state = source.life.state();
    const Failure failure = this->failure();
    out.failure = failure.kind;
    out.reason = failure.reason;
    out.state_seconds = std::chrono::duration<double>(now() - source.life.since()).count();
    if (const auto next = source.life.next_attempt())
        out.next_attempt = std::max(0.0, std::chrono::duration<double>(*next - now()).count());
    out.source = source.index;
    out.sources = sources_.size();
    out.on_demand = config_.on_demand;
    if (const auto& derived = config_.sources.front().derived)
        out.derived_from = derived->from;
    for (const auto& each : sources_) {
        out.attempts += each->life.attempts();
        out.losses += each->life.losses();
    }
    out.zombies = tools_.teardown.zombies(channel_name_);
    if (source.pipeline)
        out.target_bitrate = source.pipeline->target_bitrate();
    GstCaps* caps = nullptr;
    g_object_get(channel_.get(), "caps", &caps, nullptr);
    const Ref<GstCaps> held = adopt(caps);
    if (held)
        out.codec = codec_name(codec_from_caps(held.get()));
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
