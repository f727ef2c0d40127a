// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/sink_writer.hpp"

#include "plugins/core/weak_ref.hpp"
#include "plugins/fanout/channel_property.hpp"
#include "plugins/fanout/clock_bridge.hpp"

#include <algorithm>

GST_DEBUG_CATEGORY_EXTERN(sluice_fanoutsink_debug);
#define GST_CAT_DEFAULT sluice_fanoutsink_debug

namespace sluice {

namespace {

using WeakElement = WeakRef<GstElement>;
using State = SinkGate::State;

// The presentation time on the clock of the channels; GST_CLOCK_TIME_NONE if the buffer does not say it.
GstClockTime channel_time_of(GstElement* element, const ClockBridge& bridge, const GstSegment& segment,
                             GstClockTime pts) {
    if (!GST_CLOCK_TIME_IS_VALID(pts) || segment.format != GST_FORMAT_TIME)
        return GST_CLOCK_TIME_NONE;
    guint64 running = 0;
    // The full form: what a parser lets pass in front of the segment is decodable and has its place in time.
    const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, pts, &running);
    const GstClockTime base = gst_element_get_base_time(element);
    if (sign > 0)
        return bridge.to_channel(base + running);
    return sign < 0 && running <= base ? bridge.to_channel(base - running) : GST_CLOCK_TIME_NONE;
}

// Data flows there, of a kind that is not known yet, but from what is upstream it can be video only.
bool awaits_video(GstPad* pad) {
    if (!adopt(gst_pad_get_sticky_event(pad, GST_EVENT_STREAM_START, 0)))
        return false;
    const auto caps = adopt(gst_pad_peer_query_caps(pad, nullptr));
    for (guint i = 0; caps && i < gst_caps_get_size(caps.get()); i++)
        for (const char* kind : {"video/", "image/"})
            if (g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps.get(), i)), kind))
                return true;
    return false;
}

} // namespace

// --- properties ---

void SinkWriter::set_name(const char* name) {
    std::lock_guard lock(mutex_);
    name_ = name ? name : "";
}

std::string SinkWriter::name() const {
    std::lock_guard lock(mutex_);
    return name_;
}

void SinkWriter::set_key_unit_requests(bool on) {
    std::lock_guard lock(mutex_);
    key_unit_requests_ = on;
}

bool SinkWriter::key_unit_requests() const {
    std::lock_guard lock(mutex_);
    return key_unit_requests_;
}

void SinkWriter::set_recovery_points(bool on) {
    std::lock_guard lock(mutex_);
    recovery_points_ = on;
}

bool SinkWriter::recovery_points() const {
    std::lock_guard lock(mutex_);
    return recovery_points_;
}

void SinkWriter::set_bitrate_requests(bool on) {
    std::lock_guard lock(mutex_);
    bitrate_requests_ = on;
}

bool SinkWriter::bitrate_requests() const {
    std::lock_guard lock(mutex_);
    return bitrate_requests_;
}

void SinkWriter::set_standby(bool on) {
    Target t;
    bool waits = false;
    {
        std::lock_guard lock(mutex_);
        t = {channel_, gate_.set_standby(on)};
        waits = gate_.state() == State::waiting;
    }
    if (t.channel && t.token)
        t.channel->close(t.token);
    if (waits)
        request_key_unit();
}

bool SinkWriter::standby() const {
    std::lock_guard lock(mutex_);
    return gate_.standby();
}

Ref<SluiceChannel> SinkWriter::face() const {
    std::lock_guard lock(mutex_);
    return face_;
}

GstStructure* SinkWriter::source_stats() const {
    std::lock_guard lock(mutex_);
    const Channel::Token token = gate_.token();
    return gst_structure_new("sluice-source-stats", "standby", G_TYPE_BOOLEAN, gboolean(gate_.standby()), "writing",
                             G_TYPE_BOOLEAN, gboolean(token != 0 && written_ == token), "video-units", G_TYPE_UINT64,
                             guint64(counts_.video_units), "key-units", G_TYPE_UINT64, guint64(counts_.key_units),
                             "before-key", G_TYPE_UINT64, guint64(counts_.before_key), "last-video-unit", G_TYPE_UINT64,
                             guint64(counts_.last_video), "audio-units", G_TYPE_UINT64, guint64(counts_.audio_units),
                             "last-audio-unit", G_TYPE_UINT64, guint64(counts_.last_audio), "start-points",
                             G_TYPE_STRING, start_points_name(recovery_points_now_), nullptr);
}

// --- state ---

bool SinkWriter::take_channel() {
    std::string name;
    {
        std::lock_guard lock(mutex_);
        if (channel_ && channel_->name() == name_)
            return true;
        name = name_;
    }
    auto face = find_channel(element_, name);
    if (!face)
        return false;
    std::lock_guard lock(mutex_);
    channel_ = channel_of(face.get());
    std::swap(face_, face); // the one before is let go behind the lock
    return true;
}

void SinkWriter::leave_channel() {
    Ref<SluiceChannel> face;
    std::shared_ptr<Channel> channel;
    std::lock_guard lock(mutex_);
    std::swap(face_, face); // declared before the lock: let go behind it
    std::swap(channel_, channel);
}

void SinkWriter::start() {
    std::optional<Ticket> ticket;
    {
        std::lock_guard lock(mutex_);
        counts_ = {};
        written_ = 0;
        recovery_points_now_ = recovery_points_;
        eos_seqnum_ = GST_SEQNUM_INVALID;
        next_key_unit_request_ = 0;
        ticket = gate_.start();
    }
    if (ticket)
        open(*ticket, false);
}

void SinkWriter::stop() {
    Target t;
    {
        std::lock_guard lock(mutex_);
        t = {channel_, gate_.end()};
    }
    if (t.channel && t.token)
        t.channel->close(t.token);
}

void SinkWriter::set_playing(bool on) {
    std::lock_guard lock(mutex_);
    playing_ = on;
}

void SinkWriter::reset_pads() {
    for (const auto& pad : pads()) {
        SinkPad& p = SinkPad::of(pad.get());
        gst_segment_init(&p.segment, GST_FORMAT_UNDEFINED);
        p.maker = {};
        p.wrote = 0; // a channel that was gone meanwhile counts its generations from one again
        p.lost = false;
        Ref<GstCaps> caps;
        std::lock_guard lock(mutex_);
        std::swap(p.caps, caps);
        p.told = 0;
        p.eos = p.video = false;
        p.position = GST_CLOCK_TIME_NONE;
    }
}

// The message that ends a pipeline, once every track has ended and the pipeline plays (a bin forgets earlier ones).
void SinkWriter::post_eos_if_due() {
    guint32 seqnum = GST_SEQNUM_INVALID;
    {
        std::lock_guard lock(mutex_);
        const auto ended = [](GstPad* pad) { return SinkPad::of(pad).eos; };
        if (pads_.empty() || !std::all_of(pads_.begin(), pads_.end(), ended))
            return;
        seqnum = eos_seqnum_;
    }
    stop(); // a source that has ended is no producer any more
    {
        std::lock_guard lock(mutex_);
        if (!playing_)
            return;
    }
    GstMessage* message = gst_message_new_eos(GST_OBJECT(element_));
    if (seqnum != GST_SEQNUM_INVALID)
        gst_message_set_seqnum(message, seqnum);
    gst_element_post_message(element_, message);
}

// at_once: a unit to begin with is in hand, and what the tracks are is known; the generation then begins with all of it. Returns
// its token; 0 if other orders came meanwhile.
Channel::Token SinkWriter::open(Ticket ticket, bool at_once) {
    struct Known {
        Ref<GstPad> pad;
        unsigned index;
        Ref<GstCaps> caps;
    };
    std::shared_ptr<Channel> channel;
    std::vector<Known> tracks;
    GenerationOptions options{.at_once = at_once};
    bool rates = false;
    {
        std::lock_guard lock(mutex_);
        if (!gate_.opens(ticket))
            return 0; // before anything is taken from who writes now
        rates = bitrate_requests_;
        carried_ = asked_ = 0;
        channel = channel_;
        options.recovery_points = recovery_points_now_;
        for (GstPad* pad : pads_)
            if (const SinkPad& p = SinkPad::of(pad); at_once && p.caps && !p.eos)
                tracks.push_back({ref(pad), p.index, p.caps});
    }
    Channel::Token token = channel->open(options);
    channel->set_key_unit_handler(token, [this, weak = std::make_shared<WeakElement>(element_)] {
        if (const auto element = weak->get()) // and so are we
            request_key_unit();
    });
    if (rates)
        channel->set_rate_handler(token, [this, weak = std::make_shared<WeakElement>(element_)](uint64_t carried) {
            const auto element = weak->get();
            if (!element)
                return;
            {
                std::lock_guard lock(mutex_);
                carried_ = carried;
            }
            request_bitrate();
        });
    for (const Known& k : tracks)
        channel->set_track(token, k.index, k.caps.get());
    std::vector<unsigned> gone;
    bool taken = false;
    {
        std::lock_guard lock(mutex_);
        taken = gate_.opened(ticket, token);
        if (taken)
            after_standby_ = at_once ? token : 0;
        for (const Known& k : tracks) {
            if (!pads_.contains(k.pad.get()))
                gone.push_back(k.index);
            else if (SinkPad& p = SinkPad::of(k.pad.get()); p.caps.get() == k.caps.get())
                p.told = token; // else its thread tells what they are now
        }
    }
    for (const unsigned index : gone)
        channel->remove_track(token, index);
    if (!taken)
        channel->close(token);
    return taken ? token : 0;
}

void SinkWriter::post(const char* name) {
    gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), gst_structure_new_empty(name)));
}

// From a reader's thread. An encoder that hears it makes a large frame for everybody: not more often than once a second.
void SinkWriter::request_key_unit() {
    const GstClockTime now = channel_now();
    Ref<GstPad> pad;
    guint count = 0;
    {
        std::lock_guard lock(mutex_);
        if (!key_unit_requests_ || now < next_key_unit_request_)
            return;
        pad = video_pad();
        if (!pad)
            return;
        next_key_unit_request_ = now + GST_SECOND;
        count = key_unit_requests_sent_++;
    }
    gst_pad_push_event(pad.get(),
                       gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                            gst_structure_new("GstForceKeyUnit", "running-time", G_TYPE_UINT64,
                                                              GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, TRUE,
                                                              "count", G_TYPE_UINT, count, nullptr)));
}

// From any thread. Without a pad it is asked for when there is one.
void SinkWriter::request_bitrate() {
    Ref<GstPad> pad; // let go behind the lock
    std::unique_lock lock(mutex_);
    if (std::exchange(asking_, true))
        return;
    while (asked_ != carried_ && (pad = video_pad())) {
        const uint64_t rate = asked_ = carried_;
        lock.unlock();
        gst_pad_push_event(pad.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                           gst_structure_new("sluice-bitrate", "bitrate", G_TYPE_UINT64,
                                                                             guint64(rate), nullptr)));
        pad = nullptr;
        lock.lock();
    }
    asking_ = false;
}

Ref<GstPad> SinkWriter::video_pad() const {
    for (GstPad* pad : pads_)
        if (SinkPad::of(pad).video)
            return ref(pad);
    return {};
}

// --- pads ---

void SinkWriter::add(GstPad* pad) {
    std::lock_guard lock(mutex_);
    pads_.insert(pad);
}

void SinkWriter::forget(GstPad* pad) {
    std::lock_guard lock(mutex_);
    pads_.erase(pad);
}

void SinkWriter::release(GstPad* pad) {
    Target t;
    {
        std::lock_guard lock(mutex_);
        t = {channel_, gate_.token()};
    }
    if (t.channel)
        t.channel->remove_track(t.token, SinkPad::of(pad).index);
}

unsigned SinkWriter::take_index(std::optional<unsigned> wanted) {
    std::lock_guard lock(mutex_);
    const unsigned index = wanted.value_or(next_index_);
    next_index_ = std::max(next_index_, index + 1);
    return index;
}

std::vector<Ref<GstPad>> SinkWriter::pads() const {
    std::vector<Ref<GstPad>> list;
    std::lock_guard lock(mutex_);
    for (GstPad* pad : pads_)
        list.push_back(ref(pad));
    return list;
}

std::optional<GstClockTime> SinkWriter::position() const {
    std::optional<GstClockTime> position;
    std::lock_guard lock(mutex_);
    for (GstPad* pad : pads_)
        if (const GstClockTime p = SinkPad::of(pad).position; GST_CLOCK_TIME_IS_VALID(p))
            position = std::max(position.value_or(p), p);
    return position;
}

// The channel no longer takes this token.
GstFlowReturn SinkWriter::refused(const Target& target) {
    {
        std::lock_guard lock(mutex_);
        if (gate_.state() == State::closed)
            return GST_FLOW_FLUSHING; // it was us: shutting down
        if (gate_.token() != target.token)
            return GST_FLOW_OK; // and this was an order, too
        written_ = 0;
    }
    GST_ELEMENT_ERROR(element_, RESOURCE, BUSY,
                      ("Another producer has taken over the channel '%s'.", target.channel->name().c_str()), (nullptr));
    return GST_FLOW_ERROR;
}

GstFlowReturn SinkWriter::tell_caps(GstPad* pad, const Target& target) {
    SinkPad& p = SinkPad::of(pad);
    Ref<GstCaps> caps;
    {
        std::lock_guard lock(mutex_);
        caps = p.caps;
        p.told = target.token;
    }
    if (!caps || target.channel->set_track(target.token, p.index, caps.get()))
        return GST_FLOW_OK;
    return refused(target);
}

bool SinkWriter::set_caps(GstPad* pad, const GstCaps* caps) {
    const Codec codec = codec_from_caps(caps);
    if (codec == Codec::other) {
        GST_ELEMENT_ERROR(element_, STREAM, FORMAT,
                          ("The channel cannot carry what %s:%s gets.", GST_DEBUG_PAD_NAME(pad)),
                          ("%" GST_PTR_FORMAT, static_cast<const void*>(caps)));
        return false;
    }
    SinkPad& p = SinkPad::of(pad);
    auto kept = adopt(gst_caps_copy(caps));
    if (codec ==
        Codec::jpeg) // one picture a buffer, we have seen its header: decoders then look no further than its end
        gst_caps_set_simple(kept.get(), "parsed", G_TYPE_BOOLEAN, TRUE, nullptr);
    Target t;
    bool second = false;
    {
        std::lock_guard lock(mutex_);
        if (gate_.state() == State::closed)
            return false; // shutting down
        t = {channel_, gate_.token()};
        for (GstPad* other : pads_)
            second = second || (other != pad && SinkPad::of(other).video && is_video(codec));
        if (!second) {
            p.video = is_video(codec);
            asked_ = p.video && asked_ ? G_MAXUINT64 : asked_; // perhaps of another encoder: once more
            std::swap(p.caps, kept);
            p.told = 0;
        }
    }
    if (second) {
        GST_ELEMENT_ERROR(element_, STREAM, FORMAT,
                          ("A channel has one video track, %s:%s is a second one.", GST_DEBUG_PAD_NAME(pad)),
                          ("Give each variant of a scene a channel of its own."));
        return false;
    }
    p.maker.set_codec(codec);
    if (is_video(codec))
        request_bitrate();
    return t.token == 0 || tell_caps(pad, t) == GST_FLOW_OK;
}

void SinkWriter::stream_started(GstPad* pad) {
    std::lock_guard lock(mutex_);
    SinkPad::of(pad).eos = false;
}

void SinkWriter::flushed(GstPad* pad) {
    SinkPad& p = SinkPad::of(pad);
    gst_segment_init(&p.segment, GST_FORMAT_UNDEFINED);
    p.lost = true;
    std::lock_guard lock(mutex_);
    p.eos = false;
    p.position = GST_CLOCK_TIME_NONE;
}

void SinkWriter::ended(GstPad* pad, guint32 seqnum) {
    {
        std::lock_guard lock(mutex_);
        SinkPad::of(pad).eos = true;
        eos_seqnum_ = seqnum;
    }
    post_eos_if_due();
}

// There is no picture in this stream, and none to come as far as one can tell.
bool SinkWriter::sound_alone(GstPad* pad) const {
    std::vector<Ref<GstPad>> unknown;
    {
        std::lock_guard lock(mutex_);
        for (GstPad* other : pads_) {
            const SinkPad& o = SinkPad::of(other);
            if (other == pad || o.eos)
                continue;
            if (o.video)
                return false;
            if (!o.caps)
                unknown.push_back(ref(other));
        }
    }
    return std::none_of(unknown.begin(), unknown.end(), [](const auto& other) { return awaits_video(other.get()); });
}

GstFlowReturn SinkWriter::write(GstPad* pad, GstBuffer* buffer) {
    SinkPad& p = SinkPad::of(pad);
    const auto clock = adopt(gst_element_get_clock(element_));
    const ClockBridge bridge(clock.get());
    State state = State::closed;
    bool playing = false, sound_counts = false;
    {
        std::lock_guard lock(mutex_);
        if (p.eos)
            return GST_FLOW_EOS;
        state = gate_.state();
        playing = playing_;
        sound_counts = counts_.sound_settled(bridge.now()) && (!counts_.announced || state == State::waiting);
        if (p.segment.format == GST_FORMAT_TIME && GST_BUFFER_PTS_IS_VALID(buffer))
            p.position = gst_segment_to_stream_time(&p.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
        p.maker.set_recovery_points(recovery_points_now_);
    }
    if (state == State::closed)
        return GST_FLOW_FLUSHING;
    Unit unit;
    bool usable = false, key = false; // it is a unit; a reader may start with it
    if (state == State::writing) {
        unit = p.maker.make(buffer);
        usable = bool(unit);
        key = unit && unit->key;
    } else if (const auto looked = p.maker.look(buffer)) { // beside the source that writes, a look is enough
        usable = true;
        key = looked.value();
    }
    if (!usable && !p.maker.fault().empty()) {
        GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("%s.", p.maker.fault().c_str()), (nullptr));
        return GST_FLOW_ERROR;
    }
    const bool video = is_video(p.maker.codec());
    const bool start_point = usable && (video ? key : sound_counts && sound_alone(pad));
    Target t;
    std::optional<Ticket> ticket;
    bool news = false, told = false;
    {
        std::lock_guard lock(mutex_);
        if (gate_.state() == State::closed)
            return GST_FLOW_FLUSHING;
        if (usable && video)
            counts_.video(key, bridge.now());
        else if (usable)
            counts_.audio(bridge.now());
        if (start_point) {
            news = !std::exchange(counts_.announced, true);
            ticket = gate_.start_point();
        }
        t = {channel_, gate_.token()};
        told = p.told == t.token;
    }
    if (ticket) {
        t.token = open(*ticket, true);
        told = true;
    }
    if (news) // whoever hears it may give another order
        post("sluice-source-key-unit");
    if (!t.token)
        return GST_FLOW_OK;
    if (!told)
        if (const GstFlowReturn flow = tell_caps(pad, t); flow != GST_FLOW_OK)
            return flow;
    if (usable && !unit)
        unit = p.maker.make(buffer);
    // Before it plays the pipeline has no base time, so no stamp means a moment yet.
    const GstClockTime pts =
        playing ? channel_time_of(element_, bridge, p.segment, GST_BUFFER_PTS(buffer)) : GST_CLOCK_TIME_NONE;
    const bool discont = std::exchange(p.lost, false) || GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    return pass_on(pad, t, std::move(unit), pts, bridge.now(), discont);
}

GstFlowReturn SinkWriter::pass_on(GstPad* pad, const Target& t, Unit unit, GstClockTime pts, ChannelTime now,
                                  bool discont) {
    SinkPad& p = SinkPad::of(pad);
    switch (t.channel->write(t.token, p.index, std::move(unit), pts, now, discont)) {
    case Channel::Written::ok: break;
    case Channel::Written::before_key: return GST_FLOW_OK;
    case Channel::Written::refused: GST_DEBUG_OBJECT(pad, "no access unit, left out"); return GST_FLOW_OK;
    case Channel::Written::stale: return refused(t);
    }
    if (std::exchange(p.wrote, t.token) == t.token)
        return GST_FLOW_OK;
    bool news = false;
    {
        std::lock_guard lock(mutex_);
        if (gate_.token() == t.token)
            news = std::exchange(written_, t.token) != t.token && after_standby_ == t.token;
    }
    if (news)
        post("sluice-source-writing");
    return GST_FLOW_OK;
}

} // namespace sluice
