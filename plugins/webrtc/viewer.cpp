// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer.hpp"

#include "plugins/core/channel_access.hpp"

#include <utility>

namespace sluice {

Viewer::Viewer(Info info, std::unique_ptr<ViewerStream> stream, std::function<void(const std::string&)> on_end,
               OpusOf opus_of)
    : info_(std::move(info)), on_end_(std::move(on_end)), opus_of_(std::move(opus_of)), stream_(std::move(stream)),
      life_(info_.posted, info_.expires) {
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
        ViewerStream::Step step;
        std::string switched_to;
        {
            std::lock_guard lock(mutex_);
            if (life_.state() != SessionLife::State::streaming)
                return 0;
            step = stream_->step(now);
            if (step.packets)
                rate_.add(now, gst_buffer_list_calculate_size(step.packets.get()));
            if (listener_ && told_stream_ != stream_->stream())
                switched_to = told_stream_ = stream_->stream();
        }
        if (!switched_to.empty())
            tell({SessionEvent::Kind::switched, switched_to});
        if (step.key_unit_wanted)
            step.key_unit_wanted->request_key_unit();
        if (step.look_for_sound)
            follow_sound();
        if (step.wrong_codec) {
            on_end_("the camera has changed its codec");
            return 0;
        }
        if (!step.packets)
            return step.wait_until;
        if (!peer_->push(step.sound ? Peer::Kind::audio : Peer::Kind::video, std::move(step.packets))) {
            on_end_("the connection takes no more media");
            return 0;
        }
    }
    return channel_now();
}

std::vector<std::shared_ptr<Channel>> Viewer::listening() {
    std::lock_guard lock(mutex_);
    return stream_->listening();
}

bool Viewer::connected(ChannelTime now) {
    std::lock_guard lock(mutex_);
    if (!life_.connected(now))
        return false;
    stream_->start();
    return true;
}

void Viewer::heard(ChannelTime now) {
    std::lock_guard lock(mutex_);
    life_.heard(now);
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
    stream_->request_key_unit();
}

bool Viewer::request_stream(const std::string& stream) {
    auto reader = stream_->reader_for(stream);
    if (!reader)
        return false;
    std::lock_guard lock(mutex_);
    stream_->request_stream(stream, reader);
    return true;
}

std::optional<std::string> Viewer::watch(SessionListener listener) {
    auto next = std::make_shared<const SessionListener>(std::move(listener));
    std::string stream;
    {
        std::lock_guard lock(mutex_);
        if (life_.state() == SessionLife::State::closed)
            return std::nullopt;
        std::swap(listener_, next);
        told_waiting_ = false;
        stream = told_stream_ = stream_->stream();
    }
    if (next)
        (*next)({SessionEvent::Kind::taken, ""});
    return stream;
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

Viewer::Stats Viewer::stats(ChannelTime now) const {
    Stats s;
    {
        std::lock_guard lock(mutex_);
        s.state = life_.state_name();
        s.stream = stream_->stream();
        if (life_.connected_after())
            s.connected_ms = static_cast<double>(*life_.connected_after()) / 1e6;
        s.media = stream_->stats();
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
