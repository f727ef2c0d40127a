// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_stream.hpp"

#include <algorithm>

namespace sluice {

ViewerStream::ViewerStream(Scene scene, const std::string& stream, Codec codec, const RtpWriter::Identity& id,
                           std::optional<ViewerSound> sound)
    : scene_(std::move(scene)), codec_(codec), stream_(stream), wanted_(stream), writer_(id), sound_(std::move(sound)) {
    // Attached from the first moment, so that an on-demand source starts while ICE and DTLS are still busy.
    reader_ = scene_.at(stream_)->attach(Channel::Start::cached_gop, true, false);
}

void ViewerStream::start() {
    rewind();
    if (sound_)
        sound_->start();
}

std::optional<ViewerSound::Source> ViewerStream::sound_wanted() const {
    return sound_ ? sound_->wanted(scene_.at(stream_)) : std::nullopt;
}

void ViewerStream::take_sound(ViewerSound::Feed& feed) {
    if (sound_)
        sound_->take(feed);
}

void ViewerStream::rewind() {
    if (!reader_->rewind())
        ask_key_ = scene_.at(stream_);
}

std::unique_ptr<Channel::Reader> ViewerStream::reader_for(const std::string& stream) const {
    const auto from = channel(stream);
    return from ? from->attach(Channel::Start::cached_gop, true, false) : nullptr;
}

void ViewerStream::request_stream(const std::string& stream, std::unique_ptr<Channel::Reader>& reader) {
    wanted_ = stream;
    next_reader_.swap(reader);
    if (wanted_ != stream_ && next_reader_->backlog() == 0)
        ask_key_ = scene_.at(wanted_);
}

bool ViewerStream::switch_now(ChannelTime now, Channel::Reader::Next& first, Step& step) {
    first = next_reader_->next();
    if (!first.unit)
        return false; // goes on with the old one until the new one has a key unit
    if (first.unit->track->codec != codec_) {
        wanted_ = stream_; // the session's m-line is fixed: it stays where it is
        return false;
    }
    old_skips_ += reader_->skips();
    step.retired = std::move(reader_);
    reader_ = std::move(next_reader_);
    stream_ = wanted_;
    held_ = {};
    last_burst_ = now;
    pacer_.live();
    look_for_sound_ = true;
    ++stats_.switches;
    return true;
}

ViewerStream::Step ViewerStream::step(ChannelTime now) {
    Step step;
    step.look_for_sound = std::exchange(look_for_sound_, false);
    if (sound_) { // first: a burst of pictures must not keep it waiting
        auto sound = sound_->step();
        step.look_for_sound |= sound.misfit;
        if (sound.packets) {
            step.packets = std::move(sound.packets);
            step.sound = true;
            return step;
        }
    }
    Channel::Reader::Next next;
    const bool switched = wanted_ != stream_ && switch_now(now, next, step);
    if (!switched && wanted_ == stream_)
        step.retired = std::move(next_reader_); // asked back before the switch came about
    if (pli_) {
        pli_ = false;
        ++stats_.plis;
        if (!switched && (last_burst_ == 0 || now >= last_burst_ + repeat_interval) && stats_.units > 0) {
            rewind();
            held_ = {};
            last_burst_ = now;
            ++stats_.repeats;
        }
    }
    step.key_unit_wanted = std::move(ask_key_);
    if (!switched) {
        if (reader_->backlog() >= skip_backlog && reader_->skip_to_newest_key())
            held_ = {};
        next = held_.unit ? std::exchange(held_, {}) : reader_->next();
    }
    if (!next.unit)
        return step;
    if (next.unit->track->codec != codec_) {
        step.wrong_codec = true;
        return step;
    }
    const bool backlog = reader_->backlog() > 0;
    if (!pacer_.ready(now)) {
        held_ = std::move(next);
        step.wait_until = pacer_.deadline();
        return step;
    }
    if (next.unit->payloads().empty()) { // out of memory, nothing else: the next one may do
        step.wait_until = now;
        return step;
    }
    if (stats_.units++ == 0) {
        stats_.first_unit = now;
        last_burst_ = now;
    }
    step.packets = writer_.write(*next.unit);
    if (backlog)
        pacer_.sent(now, next.unit->bytes);
    else
        pacer_.live();
    return step;
}

bool ViewerStream::reordered(ChannelTime now) const {
    const auto stats = reader_->channel().stats(now);
    return stats.producer_present && stats.reorder;
}

std::vector<std::shared_ptr<Channel>> ViewerStream::listening() const {
    std::vector<std::shared_ptr<Channel>> list{scene_.at(stream_)};
    if (wanted_ != stream_)
        list.push_back(scene_.at(wanted_));
    if (sound_ && sound_->channel() && std::find(list.begin(), list.end(), sound_->channel()) == list.end())
        list.push_back(sound_->channel());
    return list;
}

ViewerStream::Stats ViewerStream::stats() const {
    Stats s = stats_;
    s.skips = old_skips_ + reader_->skips();
    return s;
}

} // namespace sluice
