// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-keyframefanout
 * @title: keyframefanout
 *
 * Hands one stream to any number of branches, like tee, but each branch begins with a picture that a decoder can start at: at
 * once, with the cached GOP, or at the next key unit. Each src pad has a thread and a place in the stream of its own: a branch
 * that is slow, blocked, failed, ended or released is no matter of the source or of the other branches. One that is too slow
 * goes on at the newest key unit (DISCONT, counted). No queue is needed behind the pads.
 *
 * H.264 and H.265 are taken as byte streams with one access unit a buffer, and key units are found in the data. Of other
 * streams (raw, audio, intra codecs...) each buffer that is not DELTA_UNIT is a key unit. Buffers are handed on as they are,
 * with their timestamps: those of the cached GOP lie in the past.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=60 ! x264enc tune=zerolatency key-int-max=30 ! h264parse ! keyframefanout name=f f. ! fakesink f. ! fakesink
 * ]|
 */
#include "plugins/core/key_unit.hpp"
#include "plugins/fanout/branch.hpp"
#include "plugins/fanout/elements.hpp"

#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

GST_DEBUG_CATEGORY_STATIC(keyframefanout_debug);
#define GST_CAT_DEFAULT keyframefanout_debug

using namespace sluice;

namespace {

enum {
    PROP_0,
    PROP_MAX_GOP_BYTES,
    PROP_MAX_GOP_BUFFERS,
    PROP_MAX_GOP_TIME,
    PROP_START_MODE,
    PROP_BURST_PACE,
    PROP_STATS
};

// An encoder that is asked for a key unit more often than that does nothing else.
constexpr GstClockTime key_request_interval = GST_SECOND;
// Branches have so long to end when the element stops; one that still hangs then ends when it can.
constexpr std::chrono::seconds stop_limit{2};

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

GType start_mode_type() {
    static const GEnumValue values[] = {
        {int(BranchStart::cached_gop), "At the cached GOP's key unit if there is one, else at the next", "cached-gop"},
        {int(BranchStart::next_key_unit), "At the next key unit", "next-key-unit"},
        {int(BranchStart::live), "At once, whatever comes next", "live"},
        {0, nullptr, nullptr}};
    static const GType type = g_enum_register_static("SluiceKeyframeFanoutStartMode", values);
    return type;
}

struct KeyframeFanout {
    const std::shared_ptr<Fanout> fanout = std::make_shared<Fanout>();
    Ref<GstPad> sink;
    KeyUnitCheck is_key_unit; // under the sink pad's stream lock
    bool ended = false;       // likewise: EOS has come
    std::mutex mutex;         // everything below
    std::map<GstPad*, std::shared_ptr<Branch>> branches;
    unsigned next_pad = 0;
    bool active = false;
    bool can_make_key_units = true; // upstream has not refused so far
    bool key_unit_wanted = false;   // since a request that came too soon
    GstClockTime last_key_request = GST_CLOCK_TIME_NONE;
};

} // namespace

struct _SluiceKeyframeFanout {
    GstElement parent;
    KeyframeFanout* state;
};
G_DEFINE_FINAL_TYPE(SluiceKeyframeFanout, sluice_keyframe_fanout, GST_TYPE_ELEMENT)

namespace {

using Self = SluiceKeyframeFanout;

std::vector<std::shared_ptr<Branch>> branches_of(Self* self) {
    std::lock_guard lock(self->state->mutex);
    std::vector<std::shared_ptr<Branch>> out;
    for (const auto& [pad, branch] : self->state->branches)
        out.push_back(branch);
    return out;
}

GstStructure* to_structure(const char* name, const Branch::Stats& s) {
    return gst_structure_new(name, "buffers", G_TYPE_UINT64, s.buffers, "bytes", G_TYPE_UINT64, s.bytes, "skips",
                             G_TYPE_UINT64, s.skips, "failures", G_TYPE_UINT64, s.failures, "backlog", G_TYPE_UINT64,
                             s.backlog, "flow", G_TYPE_STRING, gst_flow_get_name(s.flow), nullptr);
}

// --- the sink ---

void request_key_unit(Self* self) {
    KeyframeFanout& s = *self->state;
    const auto clock = adopt(gst_system_clock_obtain());
    const GstClockTime now = gst_clock_get_time(clock.get());
    {
        std::lock_guard lock(s.mutex);
        if (!s.can_make_key_units)
            return;
        // Too soon: when a later buffer comes, if no key unit has come by then.
        s.key_unit_wanted =
            GST_CLOCK_TIME_IS_VALID(s.last_key_request) && now < s.last_key_request + key_request_interval;
        if (s.key_unit_wanted)
            return;
        s.last_key_request = now;
    }
    const bool done = gst_pad_push_event(s.sink.get(), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE,
                                                                                                   TRUE, 0)) != FALSE;
    std::lock_guard lock(s.mutex);
    s.can_make_key_units = done;
}

GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
    KeyframeFanout& s = *SLUICE_KEYFRAME_FANOUT(parent)->state;
    Fanout& f = *s.fanout;
    UnitRing::Item item;
    item.buffer = adopt(buffer);
    if (s.ended)
        return GST_FLOW_EOS;
    item.key = s.is_key_unit(buffer);
    item.time = GST_BUFFER_DTS_OR_PTS(buffer);
    gsize offset = 0, max = 0;
    gst_buffer_get_sizes(buffer, &offset, &max);
    item.bytes = max; // what it holds, not what it shows
    const bool key = item.key;
    {
        std::lock_guard lock(f.mutex);
        if (f.flushing)
            return GST_FLOW_FLUSHING;
        item.sticky = f.sticky;
        f.ring.push(std::move(item));
        f.changed.notify_all();
    }
    bool again = false;
    {
        std::lock_guard lock(s.mutex);
        again = s.key_unit_wanted = s.key_unit_wanted && !key;
    }
    if (again)
        request_key_unit(SLUICE_KEYFRAME_FANOUT(parent));
    return GST_FLOW_OK;
}

// The set with this event instead of the one it replaces, in the order that GStreamer asks for.
std::shared_ptr<const StickyEvents> with(const StickyEvents& now, GstEvent* event) {
    auto out = std::make_shared<StickyEvents>();
    const GstEventType type = GST_EVENT_TYPE(event);
    const bool multi = (gst_event_type_get_flags(type) & GST_EVENT_TYPE_STICKY_MULTI) != 0;
    for (const auto& e : now) {
        const GstEventType other = GST_EVENT_TYPE(e.get());
        const bool replaced =
            other == type &&
            (!multi || gst_event_has_name(e.get(), gst_structure_get_name(gst_event_get_structure(event))));
        // What a pad forgets when a new stream begins; encoders do not say equal caps again.
        const bool forgotten = type == GST_EVENT_STREAM_START && (other == GST_EVENT_TAG || other == GST_EVENT_TOC ||
                                                                  other == GST_EVENT_STREAM_GROUP_DONE);
        if (!replaced && !forgotten)
            out->push_back(e);
    }
    out->push_back(ref(event));
    std::stable_sort(out->begin(), out->end(), [](const Ref<GstEvent>& a, const Ref<GstEvent>& b) {
        return GST_EVENT_TYPE(a.get()) < GST_EVENT_TYPE(b.get());
    });
    return out;
}

void put_event(Fanout& f, GstEvent* event) {
    UnitRing::Item item;
    item.event = adopt(event);
    std::lock_guard lock(f.mutex);
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
        f.eos = ref(event);
        ++f.eos_number;
    }
    item.sticky = f.sticky;
    f.ring.push(std::move(item));
    f.changed.notify_all();
}

gboolean sink_event(GstPad* pad, GstObject* parent, GstEvent* raw) {
    auto* self = SLUICE_KEYFRAME_FANOUT(parent);
    KeyframeFanout& s = *self->state;
    Fanout& f = *s.fanout;
    Ref<GstEvent> event = adopt(raw);
    switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_FLUSH_START: {
        std::lock_guard lock(f.mutex);
        f.flushing = true;
        f.ring.clear();
        f.eos = nullptr;
        f.changed.notify_all();
    }
        for (const auto& branch : branches_of(self)) {
            branch->flush();
            gst_pad_push_event(branch->pad(), gst_event_ref(raw));
        }
        return TRUE;
    case GST_EVENT_FLUSH_STOP: {
        s.ended = false;
        std::lock_guard lock(f.mutex);
        f.flushing = false;
        f.flush_stop = event;
        auto kept = std::make_shared<StickyEvents>(); // what a flush leaves on a pad
        for (const auto& e : *f.sticky)
            if (GST_EVENT_TYPE(e.get()) != GST_EVENT_SEGMENT)
                kept->push_back(e);
        f.sticky = kept;
        f.changed.notify_all(); // each branch passes it on itself: who hangs holds up nobody
        return TRUE;
    }
    case GST_EVENT_EOS:
        s.ended = true;
        put_event(f, event.release());
        return TRUE;
    case GST_EVENT_STREAM_START: {
        std::lock_guard lock(s.mutex);
        s.can_make_key_units = true;
    }
        {
            std::lock_guard lock(f.mutex);
            f.eos = nullptr;
        }
        s.ended = false;
        break;
    case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(raw, &caps);
        s.is_key_unit.set_caps(caps);
        break;
    }
    default: break;
    }
    if (GST_EVENT_IS_STICKY(raw)) {
        std::lock_guard lock(f.mutex);
        f.sticky = with(*f.sticky, raw);
        return TRUE;
    }
    if (GST_EVENT_IS_SERIALIZED(raw)) {
        put_event(f, event.release());
        return TRUE;
    }
    bool any = false;
    for (const auto& branch : branches_of(self))
        any |= gst_pad_push_event(branch->pad(), gst_event_ref(raw)) != FALSE;
    return any;
}

// What we are asked for with these caps: of H.264 and H.265 only the kind in which key units can be found.
GstCaps* acceptable(GstCaps* filter) {
    if (!filter || gst_caps_is_any(filter))
        return gst_caps_new_any();
    static GstStaticCaps wanted = GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, "
                                                  "alignment=(string)au; video/x-h265, "
                                                  "stream-format=(string)byte-stream, alignment=(string)au");
    const auto good = adopt(gst_static_caps_get(&wanted));
    GstCaps* out = gst_caps_new_empty();
    for (guint i = 0; i < gst_caps_get_size(filter); ++i) {
        const auto one = adopt(gst_caps_copy_nth(filter, i));
        const GstStructure* structure = gst_caps_get_structure(one.get(), 0);
        const bool video =
            gst_structure_has_name(structure, "video/x-h264") || gst_structure_has_name(structure, "video/x-h265");
        GstCaps* part = video ? gst_caps_intersect(one.get(), good.get()) : gst_caps_ref(one.get());
        gst_caps_append(out, gst_caps_copy(part));
        gst_caps_unref(part);
    }
    return out;
}

gboolean sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS: {
        GstCaps* filter = nullptr;
        gst_query_parse_caps(query, &filter);
        GstCaps* caps = acceptable(filter);
        gst_query_set_caps_result(query, caps);
        gst_caps_unref(caps);
        return TRUE;
    }
    case GST_QUERY_ACCEPT_CAPS: {
        GstCaps* caps = nullptr;
        gst_query_parse_accept_caps(query, &caps);
        const auto good = adopt(acceptable(caps));
        gst_query_set_accept_caps_result(query, !gst_caps_is_empty(good.get()));
        return TRUE;
    }
    case GST_QUERY_DRAIN: return TRUE; // nobody downstream is waited for
    default:
        if (GST_QUERY_IS_SERIALIZED(query)) // ALLOCATION among them: buffers live as long as the slowest branch
            return FALSE;
        return gst_pad_query_default(pad, parent, query);
    }
}

// --- the branches ---

gboolean src_event(GstPad* pad, GstObject* parent, GstEvent* raw) {
    const Ref<GstEvent> event = adopt(raw);
    switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_LATENCY:
    case GST_EVENT_RECONFIGURE:
    case GST_EVENT_QOS: return TRUE; // what one branch has to say concerns no other
    case GST_EVENT_CUSTOM_UPSTREAM:
        if (gst_video_event_is_force_key_unit(raw)) {
            request_key_unit(SLUICE_KEYFRAME_FANOUT(parent));
            return TRUE;
        }
        return FALSE;
    default: return FALSE; // a seek would be one of everybody
    }
}

gboolean src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    KeyframeFanout& s = *SLUICE_KEYFRAME_FANOUT(parent)->state;
    if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS || GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS)
        return gst_pad_query_default(pad, parent, query);
    if (!gst_pad_peer_query(s.sink.get(), query))
        return FALSE;
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) { // the ring holds more than any sink asks for
        gboolean live = FALSE;
        GstClockTime min = 0, max = 0;
        gst_query_parse_latency(query, &live, &min, &max);
        if (GST_CLOCK_TIME_IS_VALID(max))
            max += UnitRing::slack_time;
        gst_query_set_latency(query, live, min, max);
    }
    return TRUE;
}

void on_link(GstPad* pad, const char* signal, const std::shared_ptr<Branch>& branch,
             void (*handler)(GstPad*, GstPad*, gpointer)) {
    g_signal_connect_data(
        pad, signal, G_CALLBACK(handler), new std::weak_ptr<Branch>(branch),
        [](gpointer data, GClosure*) { delete static_cast<std::weak_ptr<Branch>*>(data); }, GConnectFlags(0));
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name, const GstCaps*) {
    auto* self = SLUICE_KEYFRAME_FANOUT(element);
    KeyframeFanout& s = *self->state;
    std::string wanted = name && *name ? name : "";
    {
        std::lock_guard lock(s.mutex);
        guint64 number = 0;
        if (wanted.empty())
            wanted = "src_" + std::to_string(s.next_pad++);
        else if (wanted.starts_with("src_") &&
                 g_ascii_string_to_unsigned(wanted.c_str() + 4, 10, 0, G_MAXUINT - 1, &number, nullptr))
            s.next_pad = std::max(s.next_pad, static_cast<unsigned>(number) + 1);
        else
            return nullptr;
    }
    GstPad* pad = gst_pad_new_from_template(templ, wanted.c_str());
    gst_pad_set_event_function(pad, src_event);
    gst_pad_set_query_function(pad, src_query);
    auto weak = std::make_shared<WeakRef<Self>>(self);
    const auto branch = std::make_shared<Branch>(s.fanout, pad, [weak] {
        if (const auto e = weak->get())
            request_key_unit(e.get());
    });
    on_link(
        pad, "linked", branch, +[](GstPad*, GstPad*, gpointer data) {
            if (const auto b = static_cast<std::weak_ptr<Branch>*>(data)->lock())
                b->linked();
        });
    on_link(
        pad, "unlinked", branch, +[](GstPad*, GstPad*, gpointer data) {
            if (const auto b = static_cast<std::weak_ptr<Branch>*>(data)->lock())
                b->unlinked();
        });
    bool active = false;
    {
        std::lock_guard lock(s.mutex);
        active = s.active;
        s.branches[pad] = branch;
    }
    if (active)
        gst_pad_set_active(pad, TRUE);
    if (!gst_element_add_pad(element, pad)) { // the name is taken; the pad is gone
        std::lock_guard lock(s.mutex);
        s.branches.erase(pad);
        return nullptr;
    }
    if (active)
        branch->run();
    return pad;
}

void release_pad(GstElement* element, GstPad* pad) {
    KeyframeFanout& s = *SLUICE_KEYFRAME_FANOUT(element)->state;
    std::shared_ptr<Branch> branch;
    {
        std::lock_guard lock(s.mutex);
        const auto it = s.branches.find(pad);
        if (it == s.branches.end())
            return;
        branch = it->second;
        s.branches.erase(it);
    }
    branch->stop(); // not waited for: it may hang downstream for ever
    gst_pad_set_active(pad, FALSE);
    gst_element_remove_pad(element, pad);
}

// --- states ---

void start(Self* self) {
    KeyframeFanout& s = *self->state;
    {
        std::lock_guard lock(s.fanout->mutex);
        s.fanout->ring.clear();
        s.fanout->sticky = std::make_shared<StickyEvents>();
        s.fanout->flushing = false;
        s.fanout->eos = nullptr;
        s.fanout->running = true;
    }
    {
        std::lock_guard lock(s.mutex);
        s.active = true;
        s.can_make_key_units = true;
        s.last_key_request = GST_CLOCK_TIME_NONE;
    }
    s.ended = false;
}

void stop(Self* self) {
    KeyframeFanout& s = *self->state;
    {
        std::lock_guard lock(s.mutex);
        s.active = false;
    }
    for (const auto& branch : branches_of(self))
        branch->stop();
    std::unique_lock lock(s.fanout->mutex);
    s.fanout->running = false;
    s.fanout->ring.clear();
    if (!s.fanout->changed.wait_for(lock, stop_limit, [&] { return s.fanout->threads == 0; }))
        GST_WARNING_OBJECT(self, "%u branches hang downstream; they end when they can", s.fanout->threads);
}

void set_clock_of(Self* self, bool playing) {
    auto clock = playing ? adopt(gst_element_get_clock(GST_ELEMENT(self))) : Ref<GstClock>();
    std::lock_guard lock(self->state->fanout->mutex);
    std::swap(self->state->fanout->clock, clock);
}

} // namespace

static GstStateChangeReturn sluice_keyframe_fanout_change_state(GstElement* element, GstStateChange change) {
    auto* self = SLUICE_KEYFRAME_FANOUT(element);
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED)
        start(self);
    if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING || change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
        set_clock_of(self, change == GST_STATE_CHANGE_PAUSED_TO_PLAYING);
    const auto ret = GST_ELEMENT_CLASS(sluice_keyframe_fanout_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED && ret != GST_STATE_CHANGE_FAILURE)
        for (const auto& branch : branches_of(self)) // the pads are active by now
            branch->run();
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
        (change == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE))
        stop(self);
    return ret;
}

static void sluice_keyframe_fanout_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    Fanout& f = *SLUICE_KEYFRAME_FANOUT(object)->state->fanout;
    std::lock_guard lock(f.mutex);
    auto limits = f.ring.limits();
    switch (id) {
    case PROP_MAX_GOP_BYTES: limits.bytes = g_value_get_uint64(value); break;
    case PROP_MAX_GOP_BUFFERS: limits.buffers = g_value_get_uint(value); break;
    case PROP_MAX_GOP_TIME: limits.time = g_value_get_uint64(value); break;
    case PROP_START_MODE: f.start = BranchStart(g_value_get_enum(value)); return;
    case PROP_BURST_PACE: f.burst_pace = g_value_get_uint64(value); return;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec); return;
    }
    f.ring.set_limits(limits);
}

static void sluice_keyframe_fanout_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_KEYFRAME_FANOUT(object);
    Fanout& f = *self->state->fanout;
    if (id == PROP_STATS) {
        GValue list = G_VALUE_INIT;
        const auto branches = branches_of(self);
        gst_value_array_init(&list, static_cast<guint>(branches.size()));
        for (const auto& branch : branches) {
            const GString8 name(gst_pad_get_name(branch->pad()));
            GValue item = G_VALUE_INIT;
            g_value_init(&item, GST_TYPE_STRUCTURE);
            g_value_take_boxed(&item, to_structure(name.get(), branch->stats()));
            gst_value_array_append_and_take_value(&list, &item);
        }
        std::lock_guard lock(f.mutex);
        GstStructure* s = gst_structure_new("keyframefanout-stats", "cached-buffers", G_TYPE_UINT64,
                                            guint64(f.ring.end() - f.ring.begin()), "cached-bytes", G_TYPE_UINT64,
                                            guint64(f.ring.bytes()), "gop-complete", G_TYPE_BOOLEAN,
                                            f.ring.newest_key().has_value(), "gops-too-large", G_TYPE_UINT64,
                                            guint64(f.ring.dropped_gops()), "threads", G_TYPE_UINT, f.threads, nullptr);
        gst_structure_take_value(s, "branches", &list);
        g_value_take_boxed(value, s);
        return;
    }
    std::lock_guard lock(f.mutex);
    switch (id) {
    case PROP_MAX_GOP_BYTES: g_value_set_uint64(value, f.ring.limits().bytes); break;
    case PROP_MAX_GOP_BUFFERS: g_value_set_uint(value, static_cast<guint>(f.ring.limits().buffers)); break;
    case PROP_MAX_GOP_TIME: g_value_set_uint64(value, f.ring.limits().time); break;
    case PROP_START_MODE: g_value_set_enum(value, int(f.start)); break;
    case PROP_BURST_PACE: g_value_set_uint64(value, f.burst_pace); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_keyframe_fanout_finalize(GObject* object) {
    delete SLUICE_KEYFRAME_FANOUT(object)->state;
    G_OBJECT_CLASS(sluice_keyframe_fanout_parent_class)->finalize(object);
}

static void sluice_keyframe_fanout_class_init(SluiceKeyframeFanoutClass* klass) {
    GST_DEBUG_CATEGORY_INIT(keyframefanout_debug, "keyframefanout", 0, "Key-frame-gated tee");
    auto* object = G_OBJECT_CLASS(klass);
    object->set_property = sluice_keyframe_fanout_set_property;
    object->get_property = sluice_keyframe_fanout_get_property;
    object->finalize = sluice_keyframe_fanout_finalize;
    auto* element = GST_ELEMENT_CLASS(klass);
    element->change_state = sluice_keyframe_fanout_change_state;
    element->request_new_pad = request_new_pad;
    element->release_pad = release_pad;
    constexpr auto rw = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
    const UnitRing::Limits limits;
    g_object_class_install_property(
        object, PROP_MAX_GOP_BYTES,
        g_param_spec_uint64("max-gop-bytes", "Maximum GOP bytes",
                            "What is kept at most; of a larger GOP only the newest part, and new branches wait", 1,
                            G_MAXUINT64, limits.bytes, rw));
    g_object_class_install_property(object, PROP_MAX_GOP_BUFFERS,
                                    g_param_spec_uint("max-gop-buffers", "Maximum GOP buffers",
                                                      "What is kept at most, in buffers", 1, G_MAXUINT,
                                                      static_cast<guint>(limits.buffers), rw));
    g_object_class_install_property(object, PROP_MAX_GOP_TIME,
                                    g_param_spec_uint64("max-gop-time", "Maximum GOP time",
                                                        "What is kept at most, in nanoseconds", 1, G_MAXINT64,
                                                        limits.time, rw));
    g_object_class_install_property(object, PROP_START_MODE,
                                    g_param_spec_enum("start-mode", "Start mode", "Where a new branch begins",
                                                      start_mode_type(), int(BranchStart::cached_gop), rw));
    g_object_class_install_property(
        object, PROP_BURST_PACE,
        g_param_spec_uint64("burst-pace", "Burst pace",
                            "Pause before each buffer of the cached GOP, in nanoseconds (0 = all at once)", 0,
                            GST_SECOND, 0, rw));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed("stats", "Statistics",
                           "What is cached, and per src pad: buffers, bytes, skips, failures, backlog, flow",
                           GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(
        element, "Key frame fan-out", "Generic",
        "Like tee, but each branch starts at a key unit, from the cached GOP, and none holds up another",
        "The Sluice developers");
}

static void sluice_keyframe_fanout_init(SluiceKeyframeFanout* self) {
    self->state = new KeyframeFanout;
    GstPad* pad = gst_pad_new_from_static_template(&sink_template, "sink");
    gst_pad_set_chain_function(pad, chain);
    gst_pad_set_event_function(pad, sink_event);
    gst_pad_set_query_function(pad, sink_query);
    gst_element_add_pad(GST_ELEMENT(self), pad);
    self->state->sink = ref(pad);
}
