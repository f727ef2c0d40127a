// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-fanoutsink
 * @title: fanoutsink
 *
 * Writes one stream, with all its tracks, to a named channel of this process. Readers (#fanoutsrc, webrtcserversink) find
 * the channel by its name; they neither see this pipeline nor can hold it back. A channel has one producer at a time:
 * who opens it last takes it over, and the one before ends with an error.
 *
 * A second source can run beside the one that writes: with #fanoutsink:standby it writes nothing, and #fanoutsink:source-stats
 * says how it does. When it is taken out of standby it takes the channel over with its next key unit (a stream of sound alone:
 * with its next buffer), so that readers miss nothing; the order may come at any time, from any thread. Put into standby while it
 * writes, it leaves the channel at once.
 *
 * Element messages: `sluice-source-key-unit`, once per start, when the first key unit has come, written or not (sound alone: when
 * it has come for a second and no picture has begun); `sluice-source-writing` when, after standby, the first unit was written.
 *
 * Readers can start at IDR pictures (H.265: IRAP) that have all their parameter sets. A camera that sends none, but recovery points
 * or I pictures, gives them no place to start (#fanoutsink:source-stats: `before-key` counts). With
 * #fanoutsink:recovery-points these count as key units; who starts there may see an incomplete picture at first.
 *
 * Of motion JPEG, one picture a buffer, each is a key unit. It is not decoded here; one that claims more samples than 7680x4320, or
 * takes more than 16 MiB, is an error.
 *
 * Buffers that know when they were captured (GstReferenceTimestampMeta, `timestamp/x-unix` or `timestamp/x-ntp`, as rtspsrc gives
 * with add-reference-timestamp-meta) keep that in the channel.
 *
 * With #fanoutsink:bitrate-requests an encoder in front of it can follow what viewers' paths carry: whenever that changes, the custom
 * upstream event `sluice-bitrate` leaves the video pad. Its field `bitrate` (guint64, bit/s) is what the path of the slowest viewer
 * that watches this channel carries of the picture; 0: no path has shown a limit. It comes as the viewers' estimates go up and down, a
 * few times a second at most for each; how fast to follow, and how far down, is the encoder side's to decide. Encoders let the event
 * pass: catch it with a probe on their src pad and set their bit rate there.
 *
 * Does not wait for the clock: give it live sources.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=30 ! x264enc tune=zerolatency ! h264parse ! fanoutsink channel=front/main
 * ]|
 */
#include "plugins/fanout/channel_property.hpp"
#include "plugins/fanout/elements.hpp"
#include "plugins/fanout/sink_writer.hpp"

GST_DEBUG_CATEGORY(sluice_fanoutsink_debug);
#define GST_CAT_DEFAULT sluice_fanoutsink_debug

using namespace sluice;

namespace {

enum {
    PROP_0,
    PROP_CHANNEL,
    PROP_KEY_UNIT_REQUESTS,
    PROP_RECOVERY_POINTS,
    PROP_BITRATE_REQUESTS,
    PROP_STANDBY,
    PROP_STATS,
    PROP_SOURCE_STATS
};

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; "
                    "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au; image/jpeg; "
                    "audio/x-mulaw, rate=(int)8000, channels=(int)1; audio/x-alaw, rate=(int)8000, channels=(int)1; "
                    "audio/x-opus; audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"));

} // namespace

struct _SluiceFanoutSink {
    GstElement parent;
    SinkWriter* writer;
};

G_DEFINE_FINAL_TYPE(SluiceFanoutSink, sluice_fanout_sink, GST_TYPE_ELEMENT)

namespace {

SinkWriter& writer_of(gpointer element) { return *SLUICE_FANOUT_SINK(element)->writer; }

gboolean sink_event(GstPad* pad, GstObject* parent, GstEvent* raw) {
    SinkWriter& writer = writer_of(parent);
    const auto event = adopt(raw);
    switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(raw, &caps);
        return writer.set_caps(pad, caps);
    }
    case GST_EVENT_SEGMENT: gst_event_copy_segment(raw, &SinkPad::of(pad).segment); break;
    case GST_EVENT_FLUSH_STOP: writer.flushed(pad); break;
    case GST_EVENT_STREAM_START: writer.stream_started(pad); break;
    case GST_EVENT_EOS: writer.ended(pad, gst_event_get_seqnum(raw)); break;
    default: break;
    }
    return TRUE; // nothing is behind a sink
}

GstFlowReturn sink_chain(GstPad* pad, GstObject* parent, GstBuffer* raw) {
    const auto buffer = adopt(raw);
    return writer_of(parent).write(pad, raw);
}

gboolean sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_ALLOCATION: // no wishes: the channel copies what belongs to a pool
    case GST_QUERY_DRAIN:      // for the same reason
        return TRUE;
    default: return gst_pad_query_default(pad, parent, query);
    }
}

gboolean query_latency(GstElement* element, GstQuery* query) {
    bool live = false, any = false;
    GstClockTime min = 0, max = GST_CLOCK_TIME_NONE;
    for (const auto& pad : writer_of(element).pads()) {
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

gboolean query_position(GstElement* element, GstQuery* query) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_query_parse_position(query, &format, nullptr);
    const auto position = format == GST_FORMAT_TIME ? writer_of(element).position() : std::nullopt;
    if (!position)
        return FALSE;
    gst_query_set_position(query, GST_FORMAT_TIME, static_cast<gint64>(*position));
    return TRUE;
}

void free_sink_pad(gpointer data) { delete static_cast<SinkPad*>(data); }

void free_writer(SluiceFanoutSink* self) {
    delete self->writer;
    self->writer = nullptr;
}

} // namespace

static GstPad* sluice_fanout_sink_request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* wanted,
                                                  const GstCaps*) {
    SinkWriter& writer = writer_of(element);
    std::optional<unsigned> number;
    if (wanted && g_str_has_prefix(wanted, "sink_")) {
        guint64 value = 0;
        if (!g_ascii_string_to_unsigned(wanted + 5, 10, 0, G_MAXINT, &value, nullptr)) {
            GST_WARNING_OBJECT(element, "'%s' is no pad name of the form sink_%%u", wanted);
            return nullptr;
        }
        number = static_cast<unsigned>(value);
    }
    auto* p = new SinkPad;
    p->index = writer.take_index(number);
    gst_segment_init(&p->segment, GST_FORMAT_UNDEFINED);
    const GString8 name(g_strdup_printf("sink_%u", p->index));
    GstPad* pad = gst_pad_new_from_template(templ, name.get());
    gst_pad_set_element_private(pad, p);
    g_object_set_data_full(G_OBJECT(pad), "sluice-sink-pad", p, free_sink_pad);
    gst_pad_set_chain_function(pad, sink_chain);
    gst_pad_set_event_function(pad, sink_event);
    gst_pad_set_query_function(pad, sink_query);
    writer.add(pad);
    // Fails, and takes the pad with it, if there is one of this name.
    const auto keep = adopt(GST_PAD(gst_object_ref_sink(pad)));
    if (!gst_element_add_pad(element, pad)) {
        writer.forget(pad);
        return nullptr;
    }
    return pad;
}

static void sluice_fanout_sink_release_pad(GstElement* element, GstPad* pad) {
    SinkWriter& writer = writer_of(element);
    writer.forget(pad);
    const auto keep = ref(pad);
    gst_pad_set_active(pad, FALSE);
    writer.release(pad);
    gst_element_remove_pad(element, pad);
    writer.post_eos_if_due(); // it may have been the only one still running
}

static GstStateChangeReturn sluice_fanout_sink_change_state(GstElement* element, GstStateChange change) {
    SinkWriter& writer = writer_of(element);
    switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
        if (!writer.take_channel())
            return GST_STATE_CHANGE_FAILURE;
        break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (!writer.take_channel())
            return GST_STATE_CHANGE_FAILURE;
        writer.start();
        break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING: writer.set_playing(true); break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED: writer.set_playing(false); break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
        writer.stop(); // first: a source thread that hangs above us must not write when it wakes
        break;
    default: break;
    }
    const GstStateChangeReturn ret = GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->change_state(element, change);
    switch (change) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (ret == GST_STATE_CHANGE_FAILURE)
            writer.stop();
        break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING: writer.post_eos_if_due(); break;
    case GST_STATE_CHANGE_PAUSED_TO_READY: writer.reset_pads(); break; // inactive now: no thread is in them
    case GST_STATE_CHANGE_READY_TO_NULL: writer.leave_channel(); break;
    default: break;
    }
    return ret;
}

static gboolean sluice_fanout_sink_query(GstElement* element, GstQuery* query) {
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY: return query_latency(element, query);
    case GST_QUERY_POSITION: return query_position(element, query);
    default: return GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->query(element, query);
    }
}

static gboolean sluice_fanout_sink_send_event(GstElement* element, GstEvent* raw) {
    if (!GST_EVENT_IS_UPSTREAM(raw))
        return GST_ELEMENT_CLASS(sluice_fanout_sink_parent_class)->send_event(element, raw);
    const auto event = adopt(raw);
    gboolean any = FALSE;
    for (const auto& pad : writer_of(element).pads())
        any = gst_pad_push_event(pad.get(), gst_event_ref(raw)) || any;
    return any;
}

static void sluice_fanout_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    SinkWriter& writer = writer_of(object);
    switch (id) {
    case PROP_CHANNEL:
        if (channel_can_be_set(GST_ELEMENT(object)))
            writer.set_name(g_value_get_string(value));
        break;
    case PROP_KEY_UNIT_REQUESTS: writer.set_key_unit_requests(g_value_get_boolean(value)); break;
    case PROP_RECOVERY_POINTS: writer.set_recovery_points(g_value_get_boolean(value)); break;
    case PROP_BITRATE_REQUESTS: writer.set_bitrate_requests(g_value_get_boolean(value)); break;
    case PROP_STANDBY: writer.set_standby(g_value_get_boolean(value)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    const SinkWriter& writer = writer_of(object);
    switch (id) {
    case PROP_CHANNEL: {
        const std::string name = writer.name();
        g_value_set_string(value, name.empty() ? nullptr : name.c_str());
        break;
    }
    case PROP_KEY_UNIT_REQUESTS: g_value_set_boolean(value, writer.key_unit_requests()); break;
    case PROP_RECOVERY_POINTS: g_value_set_boolean(value, writer.recovery_points()); break;
    case PROP_BITRATE_REQUESTS: g_value_set_boolean(value, writer.bitrate_requests()); break;
    case PROP_STANDBY: g_value_set_boolean(value, writer.standby()); break;
    case PROP_STATS:
        if (const auto face = writer.face())
            g_object_get_property(G_OBJECT(face.get()), "stats", value);
        break;
    case PROP_SOURCE_STATS: g_value_take_boxed(value, writer.source_stats()); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_sink_finalize(GObject* object) {
    free_writer(SLUICE_FANOUT_SINK(object));
    G_OBJECT_CLASS(sluice_fanout_sink_parent_class)->finalize(object);
}

static void sluice_fanout_sink_class_init(SluiceFanoutSinkClass* klass) {
    GST_DEBUG_CATEGORY_INIT(sluice_fanoutsink_debug, "fanoutsink", 0, "Writes a stream to a channel");
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
        object, PROP_BITRATE_REQUESTS,
        g_param_spec_boolean("bitrate-requests", "Bit rate requests",
                             "Ask upstream for the bit rate that the slowest viewer's path carries (event "
                             "sluice-bitrate): for encoders, cameras do not hear it; from the next start on",
                             FALSE, GParamFlags(rw | GST_PARAM_MUTABLE_READY)));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed("stats", "Statistics",
                           "Counters of the channel (sluice-channel-stats); NULL in the state NULL", GST_TYPE_STRUCTURE,
                           GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    g_object_class_install_property(
        object, PROP_RECOVERY_POINTS,
        g_param_spec_boolean("recovery-points", "Recovery points",
                             "H.264: recovery points and I pictures count as key units; from the next start on", FALSE,
                             GParamFlags(rw | GST_PARAM_MUTABLE_READY)));
    g_object_class_install_property(
        object, PROP_STANDBY,
        g_param_spec_boolean("standby", "Standby",
                             "Write nothing; when it is over, take the channel over with the next key unit", FALSE,
                             GParamFlags(rw | GST_PARAM_MUTABLE_PLAYING)));
    g_object_class_install_property(
        object, PROP_SOURCE_STATS,
        g_param_spec_boxed(
            "source-stats", "Source statistics",
            "sluice-source-stats, of this source since its start, written or not: standby, writing, video-units, "
            "key-units (with all parameter sets), before-key (pictures before the first key unit), last-video-unit "
            "(when "
            "it came, ns on the channels' clock; none: 2^64-1), audio-units, last-audio-unit, start-points (key-units "
            "or "
            "recovery-points)",
            GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_set_static_metadata(
        element, "Channel sink", "Sink/Video/Audio",
        "Writes a stream with all its tracks to a named channel, for any number of readers", "The Sluice authors");
}

static void sluice_fanout_sink_init(SluiceFanoutSink* self) {
    self->writer = new SinkWriter(GST_ELEMENT(self));
    GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
