// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/webrtc/scene.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

Viewer::Viewer(Info info, std::unique_ptr<ViewerStream> stream, const ViewerPath::Start& path,
               std::function<void(const std::string&)> on_end, OpusOf opus_of)
    : info_(std::move(info)), on_end_(std::move(on_end)), opus_of_(std::move(opus_of)), stream_(std::move(stream)),
      path_(path), control_(*stream_, path_), life_(info_.posted, info_.expires) {
    follow(
        path_.decide(*stream_, channel_now())); // a source that is needed has time to start while ICE and DTLS are busy
    follow_sound(); // an encoder that is needed has time to start while ICE and DTLS are still busy
}

void Viewer::follow_sound() {
    ViewerSound::Feed feed;
    {
        std::lock_guard lock(mutex_);
        const auto wanted = stream_->sound_wanted();
        if (!wanted)
            return;
        feed.source = *wanted;
    }
    feed.channel = feed.source.as_opus && opus_of_ ? opus_of_(feed.source.stream) : feed.source.stream;
    if (!feed.channel)
        return;
    feed.reader = feed.channel->attach(Channel::Start::live, false, true);
    std::lock_guard lock(mutex_);
    stream_->take_sound(feed);
}

GstClockTime Viewer::run() {
    // A viewer far behind lets the others of its thread have their turn.
    for (int units = 0; units < 16; ++units) {
        const GstClockTime now = channel_now();
        ViewerControl::Turn turn;
        std::optional<SentStream> switched;
        {
            std::lock_guard lock(mutex_);
            if (life_.state() != SessionLife::State::streaming)
                return 0;
            turn = control_.turn(now);
            if (turn.step.packets)
                rate_.add(now, turn.step.bytes);
            if (listener_ && told_stream_ != stream_->stream()) {
                told_stream_ = stream_->stream();
                switched = sent_now();
            }
        }
        if (turn.orders) {
            follow(*turn.orders);
            continue;
        }
        ViewerStream::Step& step = turn.step;
        if (step.probe)
            GST_TRACE("%s: %s", info_.id.c_str(), trace_line(*step.probe).c_str());
        if (switched)
            tell({.kind = SessionEvent::Kind::switched, .sent = *switched});
        if (step.key_unit_wanted)
            step.key_unit_wanted->request_key_unit();
        if (step.rate_changed)
            step.rate_changed->tell_rate();
        if (step.look_for_sound)
            follow_sound();
        if (step.wrong_codec) {
            on_end_("the camera has changed its codec");
            return 0;
        }
        if (!step.again.empty())
            peer_->send_again(step.again);
        if (!step.packets)
            return turn.come_back();
        if (!peer_->push(step.sound ? Peer::Kind::audio : Peer::Kind::video, std::move(step.packets), step.numbered,
                         channel_now())) {
            on_end_("the connection takes no more media");
            return 0;
        }
    }
    return channel_now();
}

// With no lock held: channels tell that they are read.
void Viewer::follow(const StreamChooser::Decision& orders) {
    auto change = control_.prepare(orders);
    std::lock_guard lock(mutex_);
    control_.carry_out(change, channel_now());
}

bool Viewer::feedback(const std::vector<PacketResult>& packets, ChannelTime now) {
    GST_TRACE("%s: %s", info_.id.c_str(), trace_line(packets, now).c_str());
    std::lock_guard lock(mutex_);
    path_.feedback(packets, now);
    return stream_->pace().waits_for_news();
}

bool Viewer::missed(uint16_t seq, ChannelTime now) {
    std::lock_guard lock(mutex_);
    return control_.retransmit(seq, now);
}

void Viewer::read_reports(ChannelTime now) {
    {
        std::lock_guard lock(mutex_);
        if (!peer_ || !path_.wants_reports())
            return;
    }
    const Peer::Stats report = peer_->stats();
    if (report.rtt_ms < 0)
        return;
    std::lock_guard lock(mutex_);
    path_.report(report.fraction_lost, static_cast<GstClockTime>(report.rtt_ms * 1e6), now);
}

void Viewer::leave_extension_out() {
    std::lock_guard lock(mutex_);
    stream_->leave_extension_out();
}

void Viewer::leave_delay_out() {
    std::lock_guard lock(mutex_);
    stream_->leave_delay_out();
}

Viewer::Learnt Viewer::learnt(ChannelTime now) const {
    std::lock_guard lock(mutex_);
    return {path_.learnt(), connected_at_ ? now - connected_at_ : 0};
}

std::vector<std::shared_ptr<Channel>> Viewer::listening() {
    std::lock_guard lock(mutex_);
    return stream_->listening();
}

bool Viewer::connected(ChannelTime now) {
    std::optional<StreamChooser::Decision> orders;
    {
        std::lock_guard lock(mutex_);
        path_.connected(now, *stream_);
        orders = path_.decide(*stream_, now);
    }
    follow(*orders); // nobody else does before this returns
    std::lock_guard lock(mutex_);
    if (!life_.connected(now))
        return false;
    stream_->start();
    connected_at_ = now;
    return true;
}

void Viewer::heard(const std::optional<ReceiverReport>& report, ChannelTime now) {
    std::lock_guard lock(mutex_);
    life_.heard(now);
    if (life_.state() == SessionLife::State::streaming)
        control_.heard(report, now);
}

bool Viewer::close(const std::string& reason) {
    std::lock_guard lock(mutex_);
    return life_.close(reason);
}

std::optional<std::string> Viewer::overdue(ChannelTime now, int64_t unix_now) const {
    std::lock_guard lock(mutex_);
    if (auto why = life_.overdue(now, unix_now))
        return why;
    // A camera that had just begun when the viewer joined may show it only now.
    if (life_.state() == SessionLife::State::streaming && stream_->reordered(now))
        return "the camera sends B-frames, which browsers cannot play over WebRTC";
    return std::nullopt;
}

void Viewer::request_key_unit() {
    std::lock_guard lock(mutex_);
    control_.request_key_unit(channel_now());
}

bool Viewer::set_quality(const std::string& quality) {
    if (quality != quality_auto && !stream_->channel(quality))
        return false;
    std::lock_guard lock(mutex_);
    path_.pin(quality);
    return true;
}

std::string Viewer::quality() const {
    std::lock_guard lock(mutex_);
    return path_.quality();
}

std::optional<SentStream> Viewer::watch(SessionListener listener) {
    auto next = std::make_shared<const SessionListener>(std::move(listener));
    SentStream sent;
    {
        std::lock_guard lock(mutex_);
        if (life_.state() == SessionLife::State::closed)
            return std::nullopt;
        std::swap(listener_, next);
        told_waiting_ = false;
        told_stream_ = stream_->stream();
        sent = sent_now();
    }
    if (next)
        (*next)({SessionEvent::Kind::taken, ""});
    return sent;
}

void Viewer::tell(const SessionEvent& event) {
    std::shared_ptr<const SessionListener> listener;
    {
        std::lock_guard lock(mutex_);
        listener = listener_;
    }
    if (listener)
        (*listener)(event);
}

void Viewer::check_source(ChannelTime now) {
    std::shared_ptr<Channel> channel;
    {
        std::lock_guard lock(mutex_);
        if (!listener_ || life_.state() == SessionLife::State::closed)
            return;
        channel = stream_->channel(stream_->stream());
    }
    const ChannelStats source = channel->stats(now);
    const bool waiting = !source.producer_present || !source.last_unit || *source.last_unit + picture_limit <= now;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(told_waiting_, waiting) == waiting)
            return;
    }
    if (!waiting)
        return tell({SessionEvent::Kind::streaming, ""});
    const std::string why = channel->unavailable();
    tell({SessionEvent::Kind::waiting, !why.empty()              ? why
                                       : source.producer_present ? "the camera sends no pictures"
                                                                 : "the camera is away"});
}

std::string Viewer::reason() const {
    const auto channel = stream_->channel(stream_->stream());
    return channel && channel->last_resort() && !info_.instead.empty() ? info_.instead : path_.decision().reason;
}

Viewer::Stats Viewer::stats(ChannelTime now) const {
    Stats s;
    {
        std::lock_guard lock(mutex_);
        s.state = life_.state_name();
        s.stream = stream_->stream();
        s.quality = path_.quality();
        s.stream_reason = reason();
        const ViewerPath::Figures figures = path_.figures(now);
        s.path = {.known = figures.heard,
                  .feedback = figures.path.feedback,
                  .estimate = figures.path.estimate,
                  .received = figures.path.received,
                  .loss = figures.path.loss,
                  .rtt_ms = static_cast<double>(figures.path.rtt) / 1e6,
                  .queue_delay_ms = static_cast<double>(figures.path.queue_delay) / 1e6};
        s.freezes = figures.freezes;
        if (life_.connected_after())
            s.connected_ms = static_cast<double>(*life_.connected_after()) / 1e6;
        s.media = stream_->stats();
        s.playout_delay_ms = static_cast<double>(figures.playout_delay) / 1e6;
        if (s.media.first_unit)
            s.first_frame_ms = static_cast<double>(s.media.first_unit - info_.posted) / 1e6;
        s.packets = stream_->writer().packets();
        s.bytes = stream_->writer().bytes();
        if (const auto& sound = stream_->sound()) {
            s.audio_codec = codec_name(sound->codec());
            s.audio_transcoded = sound->as_opus();
            s.audio_packets = sound->writer().packets();
            s.audio_bytes = sound->writer().bytes();
        }
        s.bitrate = static_cast<uint64_t>(rate_.bytes_per_second(now) * 8);
    }
    if (peer_)
        s.network = peer_->stats();
    return s;
}

} // namespace sluice
