// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/channel.hpp"

#include "plugins/core/jpeg.hpp"
#include "plugins/core/mapped_buffer.hpp"

#include <algorithm>

namespace sluice {

namespace {

// Readers that are a moment behind keep what stands before a new key unit, instead of being moved for one late frame.
constexpr GstClockTime tail_before_key = 400 * GST_MSECOND;

TrackPtr make_track(unsigned index, const GstCaps* caps) {
    auto track = std::make_shared<Track>();
    track->index = index;
    track->codec = codec_from_caps(caps);
    track->caps = adopt(gst_caps_copy(caps));
    return track;
}

} // namespace

Channel::Channel(std::string name, ChannelLimits limits)
    : name_(std::move(name)), limits_(limits), wakeups_(std::make_shared<const Wakeups>()) {}

void Channel::set_limits(const ChannelLimits& limits) {
    std::lock_guard lock(mutex_);
    limits_ = limits;
    trim();
}

ChannelLimits Channel::limits() const {
    std::lock_guard lock(mutex_);
    return limits_;
}

// --- producer ---

Channel::Token Channel::open(const GenerationOptions& options) {
    decltype(key_unit_handler_) handler; // let go behind the lock
    decltype(rate_handler_) rate_handler;
    std::unique_lock lock(mutex_);
    const Token token = ++stats_.generation;
    tracks_.clear();
    handler.swap(key_unit_handler_);
    rate_handler.swap(rate_handler_);
    wants_rates_ = false;
    time_.begin_generation();
    newest_key_.reset(); // what was learned of the stream stays: the next producer is usually the same camera
    stats_.recovery_points = options.recovery_points;
    begun_ = false;
    if (!options.at_once)
        set_present(lock, false);
    return token;
}

void Channel::close(Token token) {
    decltype(key_unit_handler_) handler;
    decltype(rate_handler_) rate_handler;
    std::unique_lock lock(mutex_);
    if (token != stats_.generation)
        return;
    ++stats_.generation; // whoever still holds the token writes nowhere
    handler.swap(key_unit_handler_);
    rate_handler.swap(rate_handler_);
    wants_rates_ = false;
    begun_ = false;
    newest_key_.reset(); // running readers finish what is there; nobody is shown an old picture as if it were live
    set_present(lock, false);
}

bool Channel::set_track(Token token, unsigned index, const GstCaps* caps) {
    const TrackPtr track = make_track(index, caps);
    std::unique_lock lock(mutex_);
    if (token == 0 || token != stats_.generation)
        return false;
    TrackState& ts = tracks_[index];
    if (ts.track && gst_caps_is_equal(ts.track->caps.get(), caps))
        return true;
    ts.maker.set_codec(track->codec);
    ts.maker.set_recovery_points(stats_.recovery_points);
    if (is_video(track->codec)) {
        if (!ts.track || ts.track->codec != track->codec)
            ts.wants_key = true;
        if (!has_video())
            newest_key_.reset(); // so far sound was enough to start with
        remembered_video_ = track;
    } else if (!remembered_audio_ || remembered_audio_->index >= index || !tracks_.contains(remembered_audio_->index)) {
        remembered_audio_ = track;
    }
    ts.track = track;
    lock.unlock();
    notify(); // who waits to know what the stream is need not wait for its next key unit
    return true;
}

void Channel::remove_track(Token token, unsigned index) {
    std::lock_guard lock(mutex_);
    if (token != 0 && token == stats_.generation)
        tracks_.erase(index);
}

bool Channel::has_video() const {
    return std::any_of(tracks_.begin(), tracks_.end(),
                       [](const auto& t) { return t.second.track && is_video(t.second.track->codec); });
}

bool Channel::set_key_unit_handler(Token token, std::function<void()> handler) {
    auto shared = handler ? std::make_shared<const std::function<void()>>(std::move(handler)) : nullptr;
    std::lock_guard lock(mutex_);
    if (token == 0 || token != stats_.generation)
        return false;
    shared.swap(key_unit_handler_);
    return true;
}

void Channel::request_key_unit() {
    std::shared_ptr<const std::function<void()>> handler;
    {
        std::lock_guard lock(mutex_);
        handler = key_unit_handler_;
    }
    if (handler)
        (*handler)();
}

bool Channel::set_rate_handler(Token token, std::function<void(uint64_t)> handler) {
    auto shared = handler ? std::make_shared<const RateHandler>(std::move(handler)) : nullptr;
    {
        std::lock_guard lock(mutex_);
        if (token == 0 || token != stats_.generation)
            return false;
        wants_rates_ = shared != nullptr;
        shared.swap(rate_handler_);
        told_rate_ = 0;
    }
    tell_rate(); // readers may have outlived the producer before
    return true;
}

void Channel::tell_rate() {
    std::unique_lock lock(mutex_);
    if (std::exchange(telling_rate_, true))
        return;
    while (rate_handler_ && told_rate_ != carried()) {
        auto handler = rate_handler_;
        const uint64_t rate = told_rate_ = carried();
        lock.unlock();
        (*handler)(rate);
        handler.reset(); // not under the lock
        lock.lock();
    }
    telling_rate_ = false;
}

void Channel::forget_carried(uint64_t carries) {
    if (const auto it = carried_.find(carries); it != carried_.end())
        carried_.erase(it);
}

// What the newest unit says of the stream: size and profile from its SPS, B-frames from its slices; a JPEG's size.
void Channel::learn(const AccessUnit& unit) {
    const Codec codec = unit.track->codec;
    const MappedBuffer map(unit.buffer.get());
    if (!map)
        return;
    if (codec == Codec::jpeg) {
        const JpegSize size = jpeg_size(map.data()).value_or(JpegSize{});
        stats_.video = {.width = size.width, .height = size.height};
        stats_.reorder = saw_b_slice_ = false;
        last_sps_.clear();
        return;
    }
    const uint8_t sps_type = codec == Codec::h264 ? 7 : 33;
    for (const NalUnit& n : unit.nals) {
        const auto nal = map.data().subspan(n.offset, n.size);
        if (unit.key && n.type == sps_type &&
            !(last_sps_.size() == nal.size() && std::equal(nal.begin(), nal.end(), last_sps_.begin()))) {
            last_sps_.assign(nal.begin(), nal.end());
            saw_b_slice_ = false;
            stats_.video = parse_sps(codec, nal).value_or(SequenceInfo{});
        }
        if (!saw_b_slice_ && is_slice(codec, n.type)) {
            saw_b_slice_ = is_b_slice(codec, nal).value_or(false);
            break; // one slice tells for the picture well enough
        }
    }
    // A B slice reorders unless the stream promises that it does not (VUI bitstream_restriction).
    const bool promised_none = stats_.video.reorder_depth && *stats_.video.reorder_depth == 0;
    if (codec == Codec::h264)
        stats_.reorder = saw_b_slice_ && !promised_none;
    else
        stats_.reorder = stats_.video.reorder_depth.value_or(0) > 0;
}

// NULL: there is no such track. Does not look at the generation.
Channel::TrackState* Channel::track_state(unsigned track, bool discont) {
    const auto found = tracks_.find(track);
    if (found == tracks_.end())
        return nullptr;
    found->second.discont |= discont; // also when what comes now is nothing that readers get
    return &found->second;
}

Channel::Written Channel::write(Token token, unsigned track, GstBuffer* buffer, GstClockTime pts, ChannelTime now,
                                bool discont) {
    std::unique_lock lock(mutex_);
    if (!is_current(token))
        return Written::stale;
    TrackState* ts = track_state(track, discont);
    return write_unit(lock, ts, ts ? ts->maker.make(buffer) : nullptr, pts, now);
}

Channel::Written Channel::write(Token token, unsigned track, std::shared_ptr<AccessUnit> unit, GstClockTime pts,
                                ChannelTime now, bool discont) {
    std::unique_lock lock(mutex_);
    if (!is_current(token))
        return Written::stale;
    return write_unit(lock, track_state(track, discont), std::move(unit), pts, now);
}

// Of a producer that writes; counts those that may not.
bool Channel::is_current(Token token) {
    const bool current = token != 0 && token == stats_.generation;
    stats_.stale_writes += !current;
    return current;
}

// Releases the lock.
Channel::Written Channel::write_unit(std::unique_lock<std::mutex>& lock, TrackState* ts,
                                     std::shared_ptr<AccessUnit> unit, GstClockTime pts, ChannelTime now) {
    if (!ts || !unit) {
        ++stats_.refused;
        return Written::refused;
    }
    unit->track = ts->track;
    const bool video = is_video(ts->track->codec), with_video = has_video();
    if (video)
        learn(*unit);
    // Neither pictures before the first key unit nor sound before the first picture are of use to anybody.
    if (video ? ts->wants_key && !unit->key : with_video && !begun_) {
        ++stats_.before_key;
        return Written::before_key;
    }
    ts->wants_key = false;
    unit->generation = stats_.generation;
    unit->time = time_.map(ts->track->index, pts, now, video && stats_.reorder);
    unit->discont = std::exchange(ts->discont, false);
    if (!with_video || (video && unit->key)) {
        newest_key_ = next_seq_;
        stats_.key_units += video;
        stats_.key_interval = stats_.last_key && begun_ ? now - std::min(now, stats_.last_key) : 0;
        stats_.last_key = now;
    }
    ++stats_.access_units;
    stats_.bytes += unit->bytes;
    stats_.last_unit = now;
    if (video || !with_video)
        rate_.add(now, unit->bytes);
    append(std::move(unit));
    if (!std::exchange(begun_, true))
        set_present(lock, true);
    else
        lock.unlock();
    notify();
    return Written::ok;
}

// Each picture of JPEG stands for itself: who is late needs none but the newest. Sound beside them would have gaps.
bool Channel::only_jpeg() const {
    return tracks_.size() == 1 && tracks_.begin()->second.track && tracks_.begin()->second.track->codec == Codec::jpeg;
}

void Channel::append(std::shared_ptr<AccessUnit> unit) {
    unit->seq = next_seq_++;
    unit->videos_before = videos_;
    videos_ += is_video(unit->track->codec);
    stats_.cached_bytes += unit->bytes;
    units_.push_back(std::move(unit));
    trim();
}

void Channel::trim() {
    const auto drop_front = [this] {
        stats_.cached_bytes -= units_.front()->bytes;
        units_.pop_front();
    };
    if (newest_key_ && !units_.empty()) {
        const ChannelTime newest = units_.back()->time;
        const GstClockTime tail = only_jpeg() ? 0 : tail_before_key;
        while (units_.front()->seq < *newest_key_ && units_.front()->time + tail < newest)
            drop_front();
    }
    const auto over = [this] {
        if (units_.size() <= 1)
            return false;
        const ChannelTime first = units_.front()->time, last = units_.back()->time;
        return (limits_.max_bytes && stats_.cached_bytes > limits_.max_bytes) ||
               (limits_.max_buffers && units_.size() > limits_.max_buffers) ||
               (limits_.max_time && last > first && last - first > limits_.max_time);
    };
    while (over()) {
        if (newest_key_ && units_.front()->seq == *newest_key_) {
            newest_key_.reset(); // the GOP does not fit: running readers go on, new ones wait for the next key unit
            ++stats_.overflows;
        }
        drop_front();
    }
}

void Channel::set_present(std::unique_lock<std::mutex>& lock, bool present) {
    const bool changed = std::exchange(stats_.producer_present, present) != present;
    if (present)
        unavailable_.clear();
    lock.unlock();
    if (changed && on_producer_changed)
        on_producer_changed(present);
}

void Channel::notify() {
    std::shared_ptr<const Wakeups> list;
    {
        std::lock_guard lock(mutex_);
        list = wakeups_;
    }
    for (const auto& w : *list)
        w->wake();
}

void Channel::add_wakeup(const std::shared_ptr<Wakeup>& w) {
    std::lock_guard lock(mutex_);
    auto list = std::make_shared<Wakeups>(*wakeups_);
    list->push_back(w);
    wakeups_ = std::move(list);
}

void Channel::remove_wakeup(const std::shared_ptr<Wakeup>& w) {
    std::lock_guard lock(mutex_);
    auto list = std::make_shared<Wakeups>(*wakeups_);
    if (const auto it = std::find(list->begin(), list->end(), w); it != list->end())
        list->erase(it);
    wakeups_ = std::move(list);
}

// --- state ---

ChannelStats Channel::stats(ChannelTime now) const {
    std::lock_guard lock(mutex_);
    ChannelStats s = stats_;
    s.cached_units = units_.size();
    s.cached_time = units_.empty() ? 0 : units_.back()->time - std::min(units_.front()->time, units_.back()->time);
    s.gop_complete = newest_key_.has_value();
    s.time = time_.repairs();
    s.fps = rate_.units_per_second(now);
    s.bitrate = static_cast<uint64_t>(rate_.bytes_per_second(now) * 8);
    s.peak_bitrate = rate_.peak_bytes(now) * 8;
    s.carried = carried();
    return s;
}

bool Channel::producer_present() const {
    std::lock_guard lock(mutex_);
    return stats_.producer_present;
}

TrackPtr Channel::video_track() const {
    std::lock_guard lock(mutex_);
    return remembered_video_;
}

TrackPtr Channel::audio_track() const {
    std::lock_guard lock(mutex_);
    return remembered_audio_;
}

std::vector<TrackPtr> Channel::tracks() const {
    std::lock_guard lock(mutex_);
    std::vector<TrackPtr> list;
    for (const auto& [index, ts] : tracks_)
        list.push_back(ts.track);
    return list;
}

void Channel::remember(const GstCaps* video, const GstCaps* audio) {
    // Behind every track of a producer: the first of those takes its place.
    const auto track = [](const GstCaps* caps) { return caps ? make_track(G_MAXUINT, caps) : nullptr; };
    const TrackPtr v = track(video), a = track(audio);
    {
        std::lock_guard lock(mutex_);
        if (v && is_video(v->codec) && !remembered_video_)
            remembered_video_ = v;
        if (a && a->codec != Codec::other && !is_video(a->codec) && !remembered_audio_)
            remembered_audio_ = a;
    }
    notify();
}

void Channel::set_unavailable(std::string reason) {
    std::lock_guard lock(mutex_);
    unavailable_ = std::move(reason);
}

std::string Channel::unavailable() const {
    std::lock_guard lock(mutex_);
    return unavailable_;
}

// --- readers ---

std::unique_ptr<Channel::Reader> Channel::attach(Start start, bool video, bool audio) {
    std::unique_ptr<Reader> r(new Reader(shared_from_this(), video, audio));
    unsigned readers = 0;
    {
        std::lock_guard lock(mutex_);
        readers = ++stats_.readers;
        r->cursor_ = next_seq_;
        r->waiting_key_ = start != Start::live;
        if (start == Start::cached_gop && newest_key_) {
            r->cursor_ = *newest_key_;
            r->waiting_key_ = false;
        }
    }
    if (on_readers_changed)
        on_readers_changed(readers);
    return r;
}

Channel::Reader::~Reader() { channel_->reader_gone(carries_); }

void Channel::reader_gone(uint64_t carries) {
    unsigned readers = 0;
    {
        std::lock_guard lock(mutex_);
        readers = --stats_.readers;
        forget_carried(carries);
    }
    if (carries)
        tell_rate();
    if (on_readers_changed)
        on_readers_changed(readers);
}

Channel::Reader::Next Channel::Reader::next() {
    std::lock_guard lock(channel_->mutex_);
    const auto& units = channel_->units_;
    if (units.empty())
        return {};
    const uint64_t first = units.front()->seq;
    if (cursor_ < first) { // what it wanted is gone
        if (!std::exchange(skipped_, true)) {
            ++skips_;
            ++channel_->stats_.skips;
        }
        waiting_key_ = true;
        cursor_ = channel_->newest_key_.value_or(channel_->next_seq_);
        cursor_ = std::max(cursor_, first);
    }
    const bool needs_picture = video_ && channel_->has_video();
    while (cursor_ < channel_->next_seq_) {
        const AccessUnitPtr& unit = units[cursor_ - first];
        ++cursor_;
        const bool video = is_video(unit->track->codec);
        if (video ? !video_ : !audio_)
            continue;
        if (waiting_key_) {
            if (!unit->key || (needs_picture && !video))
                continue;
            waiting_key_ = false;
            skipped_ = true;
        }
        return {unit, std::exchange(skipped_, false)};
    }
    return {};
}

bool Channel::Reader::set_carries(uint64_t bits_per_second) {
    if (carries_ == bits_per_second)
        return false;
    std::lock_guard lock(channel_->mutex_);
    const uint64_t before = channel_->carried();
    channel_->forget_carried(std::exchange(carries_, bits_per_second));
    if (carries_)
        channel_->carried_.insert(carries_);
    return channel_->carried() != before;
}

bool Channel::Reader::rewind() {
    std::lock_guard lock(channel_->mutex_);
    skipped_ = true;
    if (channel_->newest_key_) {
        cursor_ = *channel_->newest_key_;
        waiting_key_ = false;
        return true;
    }
    waiting_key_ = true;
    return false;
}

bool Channel::Reader::skip_to_newest_key() {
    std::lock_guard lock(channel_->mutex_);
    if (!channel_->newest_key_ || *channel_->newest_key_ <= cursor_)
        return false;
    cursor_ = *channel_->newest_key_;
    waiting_key_ = false;
    skipped_ = true;
    ++skips_;
    ++channel_->stats_.skips;
    return true;
}

bool Channel::Reader::newer_key_waiting() const {
    std::lock_guard lock(channel_->mutex_);
    return channel_->newest_key_ && *channel_->newest_key_ > cursor_;
}

uint64_t Channel::Reader::backlog() const {
    std::lock_guard lock(channel_->mutex_);
    const auto& units = channel_->units_;
    if (units.empty() || cursor_ >= channel_->next_seq_)
        return 0;
    const uint64_t from = std::max(cursor_, units.front()->seq);
    const uint64_t videos = channel_->videos_ - units[from - units.front()->seq]->videos_before;
    return (video_ ? videos : 0) + (audio_ ? channel_->next_seq_ - from - videos : 0);
}

void Channel::Reader::skip_to_next_key() {
    std::lock_guard lock(channel_->mutex_);
    if (std::exchange(waiting_key_, true))
        return;
    skipped_ = true;
    ++skips_;
    ++channel_->stats_.skips;
}

void Channel::Reader::skip_all() {
    std::lock_guard lock(channel_->mutex_);
    cursor_ = channel_->next_seq_;
    skipped_ = true;
}

} // namespace sluice
