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

void ViewerStream::set_spot_checks(bool on) {
    spot_checks_ = on;
    path_.set_wide(on);
    if (sound_)
        sound_->set_numbered(on ? Numbered::none : Numbered::all);
}

void ViewerStream::leave_extension_out() {
    writer_.leave_extension_out();
    if (sound_)
        sound_->leave_extension_out();
}

void ViewerStream::ask_delay(GstClockTime delay, ChannelTime now) {
    if (delay_.value_or(0) == delay)
        return;
    delay_ = delay;
    tell_delay_until_ = now + tell_delay;
}

void ViewerStream::rewind() {
    catching_up_ = true;
    behind_ = GST_CLOCK_TIME_NONE;
    forget_outgoing();
    if (!reader_->rewind())
        ask_key_ = scene_.at(stream_);
}

std::unique_ptr<Channel::Reader> ViewerStream::reader_for(const std::string& stream) const {
    const auto from = channel(stream);
    return from ? from->attach(Channel::Start::cached_gop, true, false) : nullptr;
}

void ViewerStream::request_stream(const std::string& stream, std::unique_ptr<Channel::Reader>& reader, ChannelTime now,
                                  Way way) {
    wanted_ = stream;
    next_reader_.swap(reader);
    fleeing_ = false;
    if (wanted_ == stream_)
        return;
    const Channel& to = *scene_.at(wanted_);
    const bool wait = way == Way::key_unit ||
                      (path_.limited() && (way == Way::flight ? to.stats(now).next_key_in(now) <= key_very_near
                                                              : costs_too_much(to, now)));
    fleeing_ = way == Way::flight && path_.limited();
    if (fleeing_) {
        retransmissions_.begin_at(writer_.next_seq());
        path_.pause(now + queue_); // the first key unit is to arrive whole
    }
    if (wait) {
        next_reader_->skip_all();
        next_reader_->skip_to_next_key();
    } else if (next_reader_->backlog() == 0)
        ask_key_ = scene_.at(wanted_);
}

// Until it has brought the present, with what is new meanwhile.
GstClockTime ViewerStream::burst_time(const Channel& channel, ChannelTime now) const {
    const ChannelStats stats = channel.stats(now);
    const uint64_t carries = path_.sustained();
    const uint64_t spare = std::max<uint64_t>(carries - std::min(carries, stats.bitrate), carries / 4);
    return gst_util_uint64_scale(stats.cached_bytes * 8, GST_SECOND, std::max<uint64_t>(spare, 1));
}

uint64_t ViewerStream::burst_rate(const ChannelStats& stream) {
    return stream.bitrate + gst_util_uint64_scale(stream.cached_bytes * 8, GST_SECOND, longest_burst_up);
}

// The past of the other stream, which brings its picture at once, would fill the path for too long. Who goes down has nothing better
// to do than to wait for it; who goes up has a picture.
bool ViewerStream::costs_too_much(const Channel& to, ChannelTime now) const {
    const ChannelStats there = to.stats(now), here = scene_.at(stream_)->stats(now);
    return burst_time(to, now) > (there.bitrate > here.bitrate ? longest_burst_up : longest_burst_down);
}

// The next key unit is there before a burst would have brought the present, or nearly so.
bool ViewerStream::better_wait(const Channel& channel, ChannelTime now) const {
    const GstClockTime wait = channel.stats(now).next_key_in(now);
    return wait <= key_near || (wait <= most_patience && wait <= burst_time(channel, now));
}

// A repeat loads a path that has just lost something: not while the last burst is under way, nor where a key unit comes anyway.
bool ViewerStream::may_repeat(ChannelTime now) {
    if (stats_.units == 0 || (path_.limited() && waits_for_key_) ||
        (last_burst_ && now < last_burst_ + repeat_interval))
        return false;
    if (!path_.limited())
        return true;
    const bool under_way = catching_up_ || (outgoing_.packets && outgoing_.key) ||
                           (acknowledged_ && acknowledged_ < std::max(live_since_, key_left_));
    const bool costs = strained_ && burst_time(reader_->channel(), now) > longest_repeat;
    if ((!under_way || now >= last_burst_ + burst_lost) && !costs && !better_wait(reader_->channel(), now))
        return true;
    if (refused_ == 0 || now > refused_ + 2 * most_patience)
        refused_ = now;
    return now >= refused_ + most_patience && !under_way;
}

void ViewerStream::repeat(ChannelTime now) {
    rewind();
    refused_ = 0;
    retransmissions_.begin_at(writer_.next_seq());
    held_ = {};
    last_burst_ = now;
    ++stats_.repeats;
}

void ViewerStream::come_back(ChannelTime now) {
    if (stats_.units > 0 && !better_wait(reader_->channel(), now))
        repeat(now);
}

bool ViewerStream::retransmit(uint16_t seq, ChannelTime now) {
    if (!retransmissions_.take(seq, now)) {
        ++stats_.retransmissions_refused;
        return false;
    }
    ++stats_.retransmitted;
    path_.sent(RetransmissionBudget::packet_bytes, now);
    return true;
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
    forget_outgoing();
    catching_up_ = true;
    behind_ = GST_CLOCK_TIME_NONE;
    last_burst_ = now;
    pacer_.live();
    begins_in_the_past_ = true;
    retransmissions_.begin_at(writer_.next_seq());
    fleeing_ = false;
    look_for_sound_ = true;
    stats_.switches += stats_.units > 0;
    return true;
}

GstClockTime ViewerStream::late(ChannelTime now) const {
    if (catching_up_ || (!outgoing_.packets && !held_.unit))
        return 0;
    const ChannelTime since = std::max(outgoing_.packets ? outgoing_.time : held_.unit->time, live_since_);
    return since < now ? now - since : 0;
}

// A burst may be as late as it began; who falls back further than that will not catch up.
bool ViewerStream::too_late(ChannelTime now) const {
    if (!path_.limited())
        return false;
    const GstClockTime most = std::min(latest + key_took_, latest_of_all);
    if (!catching_up_)
        return late(now) > most;
    if (behind_ == GST_CLOCK_TIME_NONE || (!outgoing_.packets && !held_.unit))
        return false;
    const ChannelTime picture = outgoing_.packets ? outgoing_.time : held_.unit->time;
    return now > picture + behind_ + most;
}

bool ViewerStream::worth_leaving() const {
    return gst_util_uint64_scale(outgoing_.left * 8, GST_SECOND, std::max<uint64_t>(path_.peak(), 1)) > worth_finishing;
}

// What of a unit has not left yet never will: a picture without an end, which receivers know by the next one's time.
void ViewerStream::forget_outgoing() {
    if (outgoing_.packets)
        writer_.take_back(outgoing_.packets.get(), outgoing_.next);
    outgoing_ = {};
}

void ViewerStream::caught_up(ChannelTime now) {
    if (std::exchange(catching_up_, false)) {
        live_since_ = now;
        writer_.hide(0, 0); // a stream that lags behind is to be seen all the same
    }
}

void ViewerStream::add_to_train(ChannelTime now, uint64_t bytes, unsigned packets) {
    if (train_.packets == 0)
        train_.from = now;
    train_.last = now;
    train_.bytes += bytes;
    train_.packets += packets;
}

void ViewerStream::end_train(ChannelTime now) {
    if (train_.packets && (now >= train_.last + train_gap || now >= train_.from + longest_train))
        train_ = {};
}

std::optional<Probe> ViewerStream::train_so_far() const {
    if (train_.packets < train_packets || train_.last < train_.from + PathPacer::piece)
        return std::nullopt;
    return Probe{train_.from, train_.last,
                 gst_util_uint64_scale(train_.bytes * 8, GST_SECOND, train_.last - train_.from)};
}

void ViewerStream::send_piece(ChannelTime now, Step& step) {
    const uint64_t budget = path_.budget(now);
    if (budget == 0) {
        step.wait_until = path_.deadline(now);
        return;
    }
    GstBufferList* all = outgoing_.packets.get();
    const guint count = gst_buffer_list_length(all), first = outgoing_.next;
    uint64_t bytes = outgoing_.left;
    guint next = count;
    if (budget < bytes) {
        bytes = 0;
        next = first;
        while (next < count && (bytes == 0 || bytes < budget))
            bytes += gst_buffer_get_size(gst_buffer_list_get(all, next++));
    }
    step.bytes = bytes;
    step.numbered = outgoing_.numbered == Numbered::last && next < count ? Numbered::none : outgoing_.numbered;
    if (path_.limited())
        path_.sent(bytes, now);
    if (step.numbered == Numbered::all)
        remember(all, first, next);
    else
        newest_.clear(); // nothing would be reported of them
    if (path_.limited() && step.numbered == Numbered::all) {
        add_to_train(now, bytes, next - first);
        step.probe = train_so_far();
        // Where reports come at once, the first ones come before it is a train.
        if (!step.probe && first == 0 && train_.from == now &&
            outgoing_.left >= train_packets * RetransmissionBudget::packet_bytes)
            step.probe = Probe{now, now + longest_train, path_.peak()};
    }
    retransmissions_.leaves(writer_.next_seq());
    if (first == 0 && next == count) {
        step.packets = std::move(outgoing_.packets);
    } else {
        step.packets = adopt(gst_buffer_list_new_sized(next - first));
        for (guint i = first; i < next; ++i)
            gst_buffer_list_add(step.packets.get(), gst_buffer_ref(gst_buffer_list_get(all, i)));
    }
    outgoing_.next = next;
    outgoing_.left -= bytes;
    if (next == count)
        end_of_unit(now);
}

void ViewerStream::end_of_unit(ChannelTime now) {
    if (outgoing_.key) {
        key_left_ = now;
        key_took_ = now - outgoing_.from;
    }
    if (left_.size() >= most_left) {
        if (left_.front().at + shown_after < doubtful_)
            seen_ = std::max(seen_, left_.front().time);
        left_.pop_front();
    }
    left_.push_back({now, outgoing_.time, static_cast<uint16_t>(writer_.next_seq() - 1)});
    outgoing_ = {};
}

ChannelTime ViewerStream::missing_since(uint16_t highest) const {
    const auto first = std::find_if(left_.begin(), left_.end(), [&](const Left& picture) {
        return static_cast<int16_t>(picture.last_seq - highest) > 0;
    });
    return first == left_.end() ? 0 : first->at;
}

// The picture that the viewer has in front of him, as far as is known; it may be a newer one.
ChannelTime ViewerStream::newest_seen() const {
    ChannelTime seen = seen_;
    for (const Left& picture : left_)
        if (picture.at + shown_after < doubtful_)
            seen = std::max(seen, picture.time);
    return seen;
}

// key: the time of the unit that begins a burst. A freeze is worse than some pictures of a moment ago: what takes the path longer than
// `longest_hidden` is shown.
void ViewerStream::hide_the_past(ChannelTime key, ChannelTime now) {
    const ChannelTime seen = newest_seen();
    if (!seen)
        return;
    ChannelTime until = seen + shown_after;
    const uint64_t rate = reader_->channel().stats(now).bitrate;
    if (path_.limited() && rate)
        until = std::min(until, key + gst_util_uint64_scale(longest_hidden, path_.sustained(), rate));
    writer_.hide(until, seen);
}

void ViewerStream::remember(GstBufferList* packets, guint first, guint next) {
    for (guint i = std::max(first, next - std::min<guint>(next, newest)); i < next; ++i) {
        const uint32_t bytes = static_cast<uint32_t>(gst_buffer_get_size(gst_buffer_list_get(packets, i)));
        const uint16_t seq = static_cast<uint16_t>(outgoing_.first_seq + i);
        if (newest_.size() >= newest)
            newest_.pop_front();
        newest_.push_back({seq, bytes});
    }
}

// What the receiver has already: whether it arrives again changes nothing but what is known of the path.
void ViewerStream::send_again(ChannelTime now, Step& step) {
    Again& p = *again_;
    if (newest_.empty())
        return; // until something has left
    if (p.from == 0) {
        p.from = now;
        p.next = newest_.size();
        step.probe = Probe{now, now + p.time, p.bitrate, true};
    }
    if (now >= p.from + p.time) {
        again_.reset();
        return;
    }
    const GstClockTime piece = 2 * GST_MSECOND;
    const uint64_t due = gst_util_uint64_scale(p.bitrate, now - p.from + piece, 8 * GST_SECOND);
    uint64_t bytes = 0;
    for (; p.bytes < due; p.bytes += newest_[p.next].bytes) {
        p.next = p.next == 0 ? newest_.size() - 1 : p.next - 1;
        step.again.push_back(newest_[p.next].seq);
        bytes += newest_[p.next].bytes;
    }
    path_.sent(bytes, now);
    step.wait_until = now + piece;
}

ViewerStream::Step ViewerStream::step(ChannelTime now) {
    Step step;
    step.look_for_sound = std::exchange(look_for_sound_, false);
    step.rate_changed = std::move(rate_changed_);
    end_train(now);
    if (sound_) { // first: a burst of pictures must not keep it waiting
        auto sound = sound_->step();
        step.look_for_sound |= sound.misfit;
        if (sound.packets) {
            step.bytes = gst_buffer_list_calculate_size(sound.packets.get());
            path_.sent(step.bytes, now);
            step.packets = std::move(sound.packets);
            step.sound = true;
            step.numbered = spot_checks_ ? Numbered::none : Numbered::all;
            return step;
        }
    }
    Channel::Reader::Next next;
    const bool switched = wanted_ != stream_ && (!outgoing_.packets || worth_leaving()) && switch_now(now, next, step);
    if (wanted_ == stream_)
        step.retired =
            switched ? std::move(step.retired) : std::move(next_reader_); // asked back before the switch came about
    if (pli_) {
        pli_ = false;
        ++stats_.plis;
        if (!switched && may_repeat(now))
            repeat(now);
    }
    step.key_unit_wanted = std::move(ask_key_);
    if (!switched && too_late(now)) {
        ++stats_.drops;
        step.dropped = waits_for_key_ = true;
        forget_outgoing();
        held_ = {};
        reader_->skip_to_next_key();
        retransmissions_.begin_at(writer_.next_seq());
    }
    if (fleeing_ && wanted_ != stream_) {
        forget_outgoing();
        held_ = {};
        reader_->skip_all();
        reader_->skip_to_next_key();
        return step;
    }
    if (outgoing_.packets) {
        send_piece(now, step);
        return step;
    }
    if (!switched) {
        if (reader_->backlog() >= skip_backlog && reader_->skip_to_newest_key())
            held_ = {};
        next = held_.unit ? std::exchange(held_, {}) : reader_->next();
    }
    if (!next.unit) {
        caught_up(now);
        if (again_)
            send_again(now, step);
        return step;
    }
    if (next.unit->track->codec != codec_) {
        step.wrong_codec = true;
        return step;
    }
    const bool backlog = reader_->backlog() > 0;
    if (!backlog)
        caught_up(now);
    if (!path_.limited() && !pacer_.ready(now)) {
        held_ = std::move(next);
        step.wait_until = pacer_.deadline();
        return step;
    }
    if (path_.limited() && path_.budget(now) == 0) {
        held_ = std::move(next);
        step.wait_until = path_.deadline(now);
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
    if (std::exchange(begins_in_the_past_, false) && catching_up_)
        hide_the_past(next.unit->time, now);
    outgoing_.first_seq = writer_.next_seq();
    std::optional<RtpWriter::Delay> delay;
    if (delay_ && (next.unit->key || now < tell_delay_until_))
        delay = {.least = *delay_, .most = any_delay};
    outgoing_.numbered = !spot_checks_                          ? Numbered::all
                         : now >= spot_checked_ + spot_interval ? Numbered::last
                                                                : Numbered::none;
    if (outgoing_.numbered == Numbered::last)
        spot_checked_ = now;
    writer_.set_numbered(outgoing_.numbered);
    const uint64_t written = writer_.bytes();
    outgoing_.packets = writer_.write(*next.unit, delay);
    outgoing_.next = 0;
    outgoing_.left = writer_.bytes() - written;
    outgoing_.time = next.unit->time;
    outgoing_.from = now;
    outgoing_.key = next.unit->key;
    waits_for_key_ &= !next.unit->key;
    if (behind_ == GST_CLOCK_TIME_NONE)
        behind_ = now - std::min(now, outgoing_.time);
    if (backlog)
        pacer_.sent(now, next.unit->bytes);
    else
        pacer_.live();
    send_piece(now, step);
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
