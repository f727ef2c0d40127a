// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-fanoutsink
 * @title: fanoutsink
 *
 * Writes one stream, with all its tracks, to a named channel of this process. Readers (#fanoutsrc, webrtcserversink) find
 * the channel by its name; they neither see this pipeline nor can hold it back. A channel has one producer at a time:
 * who opens it last takes it over, and the one before ends with an error.
 *
 * Does not wait for the clock: give it live sources.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=30 ! x264enc tune=zerolatency ! h264parse ! fanoutsink channel=front/main
 * ]|
 */
#include "plugins/core/weak_ref.hpp"
#include "plugins/fanout/channel_property.hpp"
#include "plugins/fanout/clock_bridge.hpp"
#include "plugins/fanout/elements.hpp"

#include <cstdlib>
#include <set>

GST_DEBUG_CATEGORY_STATIC(fanoutsink_debug);
#define GST_CAT_DEFAULT fanoutsink_debug

using namespace sluice;

namespace {

enum { PROP_0, PROP_CHANNEL, PROP_KEY_UNIT_REQUESTS, PROP_STATS };

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; "
                    "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au; "
                    "audio/x-mulaw, rate=(int)8000, channels=(int)1; audio/x-alaw, rate=(int)8000, channels=(int)1; "
                    "audio/x-opus; audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"));

// One track. Used under the pad's stream lock, but for what the element's mutex guards.
struct SinkPad {
    unsigned index = 0;
    GstSegment segment{};
    bool lost = false; // units before the next one were flushed
    // Guarded by FanoutSink::mutex:
    bool eos = false;
    bool video = false;
    GstClockTime position = GST_CLOCK_TIME_NONE; // stream time
};

using WeakElement = WeakRef<GstElement>;

struct FanoutSink {
    std::mutex mutex; // everything below; never held while the channel is called
    std::string name;
    bool key_unit_requests = false;
    Ref<SluiceChannel> face;
    std::shared_ptr<Channel> channel;
    Channel::Token token = 0;
    bool playing = false;
    unsigned next_index = 0;
    std::set<GstPad*> pads; // owned by the element
    guint32 eos_seqnum = GST_SEQNUM_INVALID;
    ChannelTime next_key_unit_request = 0;
    guint key_unit_requests_sent = 0;
};

} // namespace

struct _SluiceFanoutSink {
    GstElement parent;
    FanoutSink* state;
};

G_DEFINE_FINAL_TYPE(SluiceFanoutSink, sluice_fanout_sink, GST_TYPE_ELEMENT)

namespace {

SinkPad& state_of(GstPad* pad) { return *static_cast<SinkPad*>(gst_pad_get_element_private(pad)); }

struct Target {
    std::shared_ptr<Channel> channel;
    Channel::Token token = 0;
};
Target target_of(FanoutSink& s) {
    std::lock_guard lock(s.mutex);
    return {s.channel, s.token};
}

// False with an error message posted: no name, or one that is not allowed.
bool take_channel(SluiceFanoutSink* self) {
    FanoutSink& s = *self->state;
    std::string name;
    {
        std::lock_guard lock(s.mutex);
        if (s.channel && s.channel->name() == s.name)
            return true;
        name = s.name;
    }
    auto face = find_channel(GST_ELEMENT(self), name);
    if (!face)
        return false;
    std::lock_guard lock(s.mutex);
    s.channel = channel_of(face.get());
    std::swap(s.face, face);
    return true;
}

void leave_channel(FanoutSink& s) {
    Ref<SluiceChannel> face;
    std::shared_ptr<Channel> channel;
    std::lock_guard lock(s.mutex);
    std::swap(s.face, face); // declared before the lock: let go behind it
    std::swap(s.channel, channel);
}

// From a reader's thread. An encoder that hears it makes a large frame for everybody: not more often than once a second.
void request_key_unit(SluiceFanoutSink* self) {
    FanoutSink& s = *self->state;
    const auto clock = channel_clock();
    const GstClockTime now = gst_clock_get_time(clock.get());
    Ref<GstPad> pad;
    guint count = 0;
    {
        std::lock_guard lock(s.mutex);
        if (!s.key_unit_requests || now < s.next_key_unit_request)
            return;
        for (GstPad* p : s.pads)
            if (state_of(p).video)
                pad = ref(p);
        if (!pad)
            return;
        s.next_key_unit_request = now + GST_SECOND;
        count = s.key_unit_requests_sent++;
    }
    gst_pad_push_event(pad.get(),
                       gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                            gst_structure_new("GstForceKeyUnit", "running-time", G_TYPE_UINT64,
                                                              GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, TRUE,
                                                              "count", G_TYPE_UINT, count, nullptr)));
}

void open_generation(SluiceFanoutSink* self) {
    FanoutSink& s = *self->state;
    const auto channel = target_of(s).channel;
    const Channel::Token token = channel->open();
    channel->set_key_unit_handler(token, [weak = std::make_shared<WeakElement>(self)] {
        if (const auto element = weak->get())
            request_key_unit(SLUICE_FANOUT_SINK(element.get()));
    });
    std::lock_guard lock(s.mutex);
    s.token = token;
    s.eos_seqnum = GST_SEQNUM_INVALID;
    s.next_key_unit_request = 0;
}

void close_generation(FanoutSink& s) {
    Target t;
    {
        std::lock_guard lock(s.mutex);
        t = {s.channel, std::exchange(s.token, 0)};
    }
    if (t.channel && t.token)
        t.channel->close(t.token);
}

// The message that ends a pipeline, once every track has ended and the pipeline plays (a bin forgets earlier ones).
void post_eos_if_due(SluiceFanoutSink* self) {
    FanoutSink& s = *self->state;
    guint32 seqnum = GST_SEQNUM_INVALID;
    {
        std::lock_guard lock(s.mutex);
        bool all = !s.pads.empty();
        for (GstPad* pad : s.pads)
            all = all && state_of(pad).eos;
        if (!all)
            return;
        seqnum = s.eos_seqnum;
    }
    close_generation(s); // a source that has ended is no producer any more
    {
        std::lock_guard lock(s.mutex);
        if (!s.playing)
            return;
    }
    GstMessage* message = gst_message_new_eos(GST_OBJECT(self));
    if (seqnum != GST_SEQNUM_INVALID)
        gst_message_set_seqnum(message, seqnum);
    gst_element_post_message(GST_ELEMENT(self), message);
}

// The channel no longer takes this token.
GstFlowReturn refused(SluiceFanoutSink* self, const Target& target) {
    if (target_of(*self->state).token != target.token)
        return GST_FLOW_FLUSHING; // it was us: shutting down
    GST_ELEMENT_ERROR(self, RESOURCE, BUSY,
                      ("Another producer has taken over the channel '%s'.", target.channel->name().c_str()), (nullptr));
    return GST_FLOW_ERROR;
}

bool set_caps(SluiceFanoutSink* self, GstPad* pad, const GstCaps* caps) {
    FanoutSink& s = *self->state;
    const Codec codec = codec_from_caps(caps);
    if (codec == Codec::other) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("The channel cannot carry what %s:%s gets.", GST_DEBUG_PAD_NAME(pad)),
                          ("%" GST_PTR_FORMAT, static_cast<const void*>(caps)));
        return false;
    }
    Target t;
    bool second = false;
    {
        std::lock_guard lock(s.mutex);
        t = {s.channel, s.token};
        for (GstPad* other : s.pads)
            second = second || (other != pad && state_of(other).video && is_video(codec));
        if (!second)
            state_of(pad).video = is_video(codec);
    }
    if (second) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                          ("A channel has one video track, %s:%s is a second one.", GST_DEBUG_PAD_NAME(pad)),
                          ("Give each variant of a scene a channel of its own."));
        return false;
    }
    if (!t.channel || !t.token)
        return false; // shutting down
    if (t.channel->set_track(t.token, state_of(pad).index, caps))
        return true;
    refused(self, t);
    return false;
}

gboolean sink_event(GstPad* pad, GstObject* parent, GstEvent* raw) {
    auto* self = SLUICE_FANOUT_SINK(parent);
    FanoutSink& s = *self->state;
    const auto event = adopt(raw);
    SinkPad& p = state_of(pad);
    switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(raw, &caps);
        return set_caps(self, pad, caps);
    }
    case GST_EVENT_SEGMENT: gst_event_copy_segment(raw, &p.segment); return TRUE;
    case GST_EVENT_FLUSH_STOP: {
        gst_segment_init(&p.segment, GST_FORMAT_UNDEFINED);
        p.lost = true;
        std::lock_guard lock(s.mutex);
        p.eos = false;
        p.position = GST_CLOCK_TIME_NONE;
        return TRUE;
    }
    case GST_EVENT_STREAM_START: {
        std::lock_guard lock(s.mutex);
        p.eos = false;
        return TRUE;
    }
    case GST_EVENT_EOS: {
        {
            std::lock_guard lock(s.mutex);
            p.eos = true;
            s.eos_seqnum = gst_event_get_seqnum(raw);
        }
        post_eos_if_due(self);
        return TRUE;
    }
    default: return TRUE; // nothing is behind a sink
    }
}

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

GstFlowReturn sink_chain(GstPad* pad, GstObject* parent, GstBuffer* raw) {
    auto* self = SLUICE_FANOUT_SINK(parent);
    FanoutSink& s = *self->state;
    const auto buffer = adopt(raw);
    SinkPad& p = state_of(pad);
    Target t;
    bool playing = false;
    {
        std::lock_guard lock(s.mutex);
        if (p.eos)
            return GST_FLOW_EOS;
        t = {s.channel, s.token};
        playing = s.playing;
        if (p.segment.format == GST_FORMAT_TIME && GST_BUFFER_PTS_IS_VALID(raw))
            p.position = gst_segment_to_stream_time(&p.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(raw));
    }
    if (!t.channel || !t.token)
        return GST_FLOW_FLUSHING;
    const auto clock = adopt(gst_element_get_clock(GST_ELEMENT(self)));
    const ClockBridge bridge(clock.get());
    // Before it plays the pipeline has no base time, so no stamp means a moment yet.
    const GstClockTime pts =
        playing ? channel_time_of(GST_ELEMENT(self), bridge, p.segment, GST_BUFFER_PTS(raw)) : GST_CLOCK_TIME_NONE;
    const bool discont = std::exchange(p.lost, false) || GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DISCONT);
    switch (t.channel->write(t.token, p.index, raw, pts, bridge.now(), discont)) {
    case Channel::Written::ok:
    case Channel::Written::before_key: return GST_FLOW_OK;
    case Channel::Written::refused: {
        GST_DEBUG_OBJECT(pad, "no access unit, left out: %" GST_PTR_FORMAT, static_cast<void*>(raw));
        return GST_FLOW_OK;
    }
    case Channel::Written::stale: break;
    }
    return refused(self, t);
}

gboolean sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_ALLOCATION: // no wishes: the channel copies what belongs to a pool
    case GST_QUERY_DRAIN:      // for the same reason
        return TRUE;
    default: return gst_pad_query_default(pad, parent, query);
    }
}

std::vector<Ref<GstPad>> sink_pads(SluiceFanoutSink* self) {
    std::vector<Ref<GstPad>> list;
    std::lock_guard lock(self->state->mutex);
    for (GstPad* pad : self->state->pads)
        list.push_back(ref(pad));
    return list;
}

gboolean query_latency(SluiceFanoutSink* self, GstQuery* query) {
    bool live = false, any = false;
    GstClockTime min = 0, max = GST_CLOCK_TIME_NONE;
    for (const auto& pad : sink_pads(self)) {
        GstQuery* q = gst_query_new_latency();
        if (gst_pad_peer_query(pad.get(), q)) {
            gboolean l = FALSE;
            GstClockTime lo = 0, hi = 0;
            gst_query_parse_latency(q, &l, &lo, &hi);
            any = true;
            if (l) {
                live = true;
                min = std::max(min, lo);
                max = std::min(max, hi); // GST_CLOCK_TIME_NONE, no limit, is the greatest value
            }
        }
        gst_query_unref(q);
    }
    if (any)
        gst_query_set_latency(query, live, min, max);
    return any;
}

gboolean query_position(SluiceFanoutSink* self, GstQuery* query) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_query_parse_position(query, &format, nullptr);
    if (format != GST_FORMAT_TIME)
        return FALSE;
    std::lock_guard lock(self->state->mutex);
    GstClockTime position = GST_CLOCK_TIME_NONE;
    for (GstPad* pad : self->state->pads)
        if (const GstClockTime p = state_of(pad).position; GST_CLOCK_TIME_IS_VALID(p))
            position = GST_CLOCK_TIME_IS_VALID(position) ? std::max(position, p) : p;
    if (!GST_CLOCK_TIME_IS_VALID(position))
        return FALSE;
    gst_query_set_position(query, GST_FORMAT_TIME, static_cast<gint64>(position));
    return TRUE;
}

void free_sink_pad(gpointer data) { delete static_cast<SinkPad*>(data); }

void finalize_state(SluiceFanoutSink* self) {
    delete self->state;
    self->state = nullptr;
}

} // namespace

static GstPad* sluice_fanout_sink_request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* wanted,
                                                  const GstCaps*) {
    FanoutSink& s = *SLUICE_FANOUT_SINK(element)->state;
    auto* p = new SinkPad;
    {
        std::lock_guard lock(s.mutex);
        p->index = s.next_index;
        if (wanted && g_str_has_prefix(wanted, "sink_")) {
            guint64 number = 0;
            if (!g_ascii_string_to_unsigned(wanted + 5, 10, 0, G_MAXINT, &number, nullptr)) {
                GST_WARNING_OBJECT(element, "'%s' is no pad name of the form sink_%%u", wanted);
                delete p;
                return nullptr;
            }
            p->index = static_cast<unsigned>(number);
        }
        s.next_index = std::max(s.next_index, p->index + 1);
    }
    gst_segment_init(&p->segment, GST_FORMAT_UNDEFINED);
    const GString8 name(g_strdup_printf("sink_%u", p->index));
    GstPad* pad = gst_pad_new_from_template(templ, name.get());
    gst_pad_set_element_private(pad, p);
    g_object_set_data_full(G_OBJECT(pad), "sluice-sink-pad", p, free_sink_pad);
    gst_pad_set_chain_function(pad, sink_chain);
    gst_pad_set_event_function(pad, sink_event);
    gst_pad_set_query_function(pad, sink_query);
    {
        std::lock_guard lock(s.mutex);
        s.pads.insert(pad);
    }
    // Fails, and takes the pad with it, if there is one of this name.
    const auto keep = adopt(GST_PAD(gst_object_ref_sink(pad)));
    if (!gst_element_add_pad(element, pad)) {
        std::lock_guard lock(s.mutex);
        s.pads.erase(pad);
        return nullptr;
    }
    return pad;
}

static void sluice_fanout_sink_release_pad(GstElement* element, GstPad* pad) {
    auto* self = SLUICE_FANOUT_SINK(element);
    {
        std::lock_guard lock(self->state->mutex);
        self->state->pads.erase(pad);
    }
    const auto keep = ref(pad);
    gst_pad_set_active(pad, FALSE);
    if (const Target t = target_of(*self->state); t.channel)
        t.channel->remove_track(t.token, state_of(pad).index);
    gst_element_remove_pad(element, pad);
    post_eos_if_due(self); // it may have been the only one still running
}

static GstStateChangeReturn sluice_fanout_sink_change_state(GstElement* element, GstStateChange change) {
    auto* self = SLUICE_FANOUT_SINK(element);
    FanoutSink& s = *self->state;
    const auto set_playing = [&s](bool on) {
        std::lock_guard lock(s.mutex);
        s.playing = on;
    };
    switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
        if (!take_channel(self))
            return GST_STATE_CHANGE_FAILURE;
        break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (!take_channel(self))
            return GST_STATE_CHANGE_FAILURE;
        open_generation(self);
        break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING: set_playing(true); break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED: set_playing(false); break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
        close_generation(s); // first: a source thread that hangs above us must not write when it wakes
        break;
    default: break;
    }
    const GstStateChangeReturn ret = GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->change_state(element, change);
    switch (change) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (ret == GST_STATE_CHANGE_FAILURE)
            close_generation(s);
        break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING: post_eos_if_due(self); break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
        for (const auto& pad : sink_pads(self)) { // inactive now: no thread is in them
            SinkPad& p = state_of(pad.get());
            gst_segment_init(&p.segment, GST_FORMAT_UNDEFINED);
            std::lock_guard lock(s.mutex);
            p.eos = p.video = false;
            p.position = GST_CLOCK_TIME_NONE;
        }
        break;
    case GST_STATE_CHANGE_READY_TO_NULL: leave_channel(s); break;
    default: break;
    }
    return ret;
}

static gboolean sluice_fanout_sink_query(GstElement* element, GstQuery* query) {
    auto* self = SLUICE_FANOUT_SINK(element);
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY: return query_latency(self, query);
    case GST_QUERY_POSITION: return query_position(self, query);
    default: return GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->query(element, query);
    }
}

static gboolean sluice_fanout_sink_send_event(GstElement* element, GstEvent* raw) {
    if (!GST_EVENT_IS_UPSTREAM(raw))
        return GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->send_event(element, raw);
    const auto event = adopt(raw);
    gboolean any = FALSE;
    for (const auto& pad : sink_pads(SLUICE_FANOUT_SINK(element)))
        any = gst_pad_push_event(pad.get(), gst_event_ref(raw)) || any;
    return any;
}

static void sluice_fanout_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    FanoutSink& s = *SLUICE_FANOUT_SINK(object)->state;
    switch (id) {
    case PROP_CHANNEL: {
        if (!channel_can_be_set(GST_ELEMENT(object)))
            return;
        const char* name = g_value_get_string(value);
        std::lock_guard lock(s.mutex);
        s.name = name ? name : "";
        break;
    }
    case PROP_KEY_UNIT_REQUESTS: {
        std::lock_guard lock(s.mutex);
        s.key_unit_requests = g_value_get_boolean(value);
        break;
    }
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    FanoutSink& s = *SLUICE_FANOUT_SINK(object)->state;
    switch (id) {
    case PROP_CHANNEL: {
        std::lock_guard lock(s.mutex);
        g_value_set_string(value, s.name.empty() ? nullptr : s.name.c_str());
        break;
    }
    case PROP_KEY_UNIT_REQUESTS: {
        std::lock_guard lock(s.mutex);
        g_value_set_boolean(value, s.key_unit_requests);
        break;
    }
    case PROP_STATS: {
        Ref<SluiceChannel> face;
        {
            std::lock_guard lock(s.mutex);
            face = s.face;
        }
        if (face)
            g_object_get_property(G_OBJECT(face.get()), "stats", value);
        break;
    }
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_sink_finalize(GObject* object) {
    finalize_state(SLUICE_FANOUT_SINK(object));
    G_OBJECT_CLASS(sluice_fanout_sink_parent_class)->finalize(object);
}

static void sluice_fanout_sink_class_init(SluiceFanoutSinkClass* klass) {
    GST_DEBUG_CATEGORY_INIT(fanoutsink_debug, "fanoutsink", 0, "Writes a stream to a channel");
    auto* object = G_OBJECT_CLASS(klass);
    object->set_property = sluice_fanout_sink_set_property;
    object->get_property = sluice_fanout_sink_get_property;
    object->finalize = sluice_fanout_sink_finalize;
    auto* element = GST_ELEMENT_CLASS(klass);
    element->request_new_pad = sluice_fanout_sink_request_new_pad;
    element->release_pad = sluice_fanout_sink_release_pad;
    element->change_state = sluice_fanout_sink_change_state;
    element->query = sluice_fanout_sink_query;
    element->send_event = sluice_fanout_sink_send_event;
    constexpr auto rw = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_property(object, PROP_CHANNEL,
                                    g_param_spec_string("channel", "Channel",
                                                        "Name of the channel to write to, such as front/main", nullptr,
                                                        GParamFlags(rw | GST_PARAM_MUTABLE_READY)));
    g_object_class_install_property(
        object, PROP_KEY_UNIT_REQUESTS,
        g_param_spec_boolean(
            "key-unit-requests", "Key unit requests",
            "Ask upstream for a key unit when a reader needs one: for encoders, cameras do not hear it", FALSE,
            GParamFlags(rw | GST_PARAM_MUTABLE_PLAYING)));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed("stats", "Statistics",
                           "Counters of the channel (sluice-channel-stats); NULL in the state NULL", GST_TYPE_STRUCTURE,
                           GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_set_static_metadata(
        element, "Channel sink", "Sink/Video/Audio",
        "Writes a stream with all its tracks to a named channel, for any number of readers", "The Sluice authors");
}

static void sluice_fanout_sink_init(SluiceFanoutSink* self) {
    self->state = new FanoutSink;
    GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
