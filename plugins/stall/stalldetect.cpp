// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-stalldetect
 * @title: stalldetect
 *
 * Watches a live stream while it plays and says when no usable media comes although nothing has failed: no data at all, no
 * key unit, or timestamps that stand still. Buffers pass as they are; any caps.
 *
 * Posts the element messages `stall` and `recovered` with the fields `reason` (string: no-data, no-key-unit,
 * frozen-timestamps), `since` (guint64, running time in ns at which the last good thing came), `elapsed` (guint64, ns from
 * then to this message) and `last-pts` (guint64, the greatest PTS so far, GST_CLOCK_TIME_NONE if none). For each reason a
 * stall is followed by one recovery, unless the element leaves PLAYING: watching begins anew then.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=30 ! stalldetect no-data-limit=1000000000 error-on-stall=true ! fakesink
 * ]|
 */
#include "plugins/core/key_unit.hpp"
#include "plugins/core/weak_ref.hpp"
#include "plugins/stall/elements.hpp"
#include "plugins/stall/stall_detector.hpp"

#include <deque>
#include <mutex>

GST_DEBUG_CATEGORY_STATIC(stalldetect_debug);
#define GST_CAT_DEFAULT stalldetect_debug

using namespace sluice;

namespace {

enum { PROP_0, PROP_NO_DATA_LIMIT, PROP_NO_KEY_UNIT_LIMIT, PROP_FROZEN_TIMESTAMPS_LIMIT, PROP_ERROR_ON_STALL };

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

struct StallDetect {
    KeyUnitCheck is_key_unit; // under the sink pad's stream lock
    std::mutex mutex;         // everything below; never held while a message is posted or a clock is called to wait
    StallDetector detector;
    bool error_on_stall = false;
    bool ended = false;  // EOS has come
    Ref<GstClock> clock; // while it watches
    GstClockID timer = nullptr;
    GstClockTime timer_at = GST_CLOCK_TIME_NONE;
    uint64_t timer_number = 0; // a callback of an earlier timer does nothing
    std::deque<StallDetector::Change> to_post;
    bool posting = false; // somebody posts: messages of several threads stay in order
};

// For a clock's thread: the element may be gone by then.
struct Alarm {
    Alarm(gpointer e, uint64_t n) : element(e), number(n) {}
    WeakRef<GstElement> element;
    const uint64_t number;
};

} // namespace

struct _SluiceStallDetect {
    GstBaseTransform parent;
    StallDetect* state;
};

G_DEFINE_FINAL_TYPE(SluiceStallDetect, sluice_stall_detect, GST_TYPE_BASE_TRANSFORM)

namespace {

void post(SluiceStallDetect* self, const StallDetector::Change& c, bool fatal) {
    auto* element = GST_ELEMENT(self);
    const GstClockTime base = gst_element_get_base_time(element);
    gst_element_post_message(
        element,
        gst_message_new_element(GST_OBJECT(self),
                                gst_structure_new(c.stalled ? "stall" : "recovered", "reason", G_TYPE_STRING,
                                                  stall_reason_name(c.reason), "since", G_TYPE_UINT64,
                                                  c.since > base ? c.since - base : 0, "elapsed", G_TYPE_UINT64,
                                                  c.at - c.since, "last-pts", G_TYPE_UINT64, c.last_pts, nullptr)));
    if (!c.stalled || !fatal)
        return;
    GST_ELEMENT_ERROR(self, RESOURCE, READ, ("The stream has stalled: %s.", stall_reason_name(c.reason)),
                      ("for %" GST_TIME_FORMAT, GST_TIME_ARGS(c.at - c.since)));
}

// Posts what waits, in order, unless another thread is at it already: that one goes on until all is told.
void post_all(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    std::unique_lock lock(s.mutex);
    if (std::exchange(s.posting, true))
        return;
    while (!s.to_post.empty()) {
        const auto change = s.to_post.front();
        s.to_post.pop_front();
        const bool fatal = s.error_on_stall;
        lock.unlock();
        post(self, change, fatal);
        lock.lock();
    }
    s.posting = false;
}

gboolean alarm_rings(GstClock*, GstClockTime, GstClockID, gpointer data);

void drop_timer(StallDetect& s, GstClockID* old) {
    *old = std::exchange(s.timer, nullptr);
    s.timer_at = GST_CLOCK_TIME_NONE;
    s.timer_number++;
}

void release_timer(GstClockID old) {
    if (!old)
        return;
    gst_clock_id_unschedule(old);
    gst_clock_id_unref(old);
}

// One timer for the nearest deadline. Data moves deadlines away: the timer stays and looks again when it rings, so that no
// buffer costs a timer.
void set_timer(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    GstClockID old = nullptr, fresh = nullptr;
    uint64_t number = 0;
    {
        std::lock_guard lock(s.mutex);
        const auto next = s.detector.next_deadline();
        if (!s.clock || !next || (s.timer && s.timer_at <= *next))
            return;
        drop_timer(s, &old);
        number = s.timer_number;
        s.timer_at = *next;
        s.timer = gst_clock_new_single_shot_id(s.clock.get(), *next);
        fresh = gst_clock_id_ref(s.timer);
    }
    release_timer(old);
    gst_clock_id_wait_async(fresh, alarm_rings, new Alarm(self, number),
                            [](gpointer p) { delete static_cast<Alarm*>(p); });
    bool replaced = false; // stopped meanwhile: who did it may have unscheduled before we scheduled
    {
        std::lock_guard lock(s.mutex);
        replaced = s.timer_number != number;
    }
    if (replaced)
        gst_clock_id_unschedule(fresh);
    gst_clock_id_unref(fresh);
}

void take(StallDetect& s, const StallDetector::Changes& changes) {
    s.to_post.insert(s.to_post.end(), changes.begin(), changes.end());
}

gboolean alarm_rings(GstClock*, GstClockTime, GstClockID, gpointer data) {
    auto& alarm = *static_cast<Alarm*>(data);
    const auto element = alarm.element.get();
    if (!element)
        return TRUE;
    auto* self = SLUICE_STALL_DETECT(element.get());
    StallDetect& s = *self->state;
    Ref<GstClock> clock;
    {
        std::lock_guard lock(s.mutex);
        if (s.timer_number != alarm.number || !s.clock)
            return TRUE;
        clock = s.clock;
    }
    const GstClockTime now = gst_clock_get_time(clock.get());
    GstClockID old = nullptr;
    {
        std::lock_guard lock(s.mutex);
        if (s.timer_number != alarm.number)
            return TRUE;
        drop_timer(s, &old);
        take(s, s.detector.check(now));
    }
    gst_clock_id_unref(old); // it has rung
    post_all(self);
    set_timer(self);
    return TRUE;
}

// f(now) tells the detector what came.
template <typename F> void feed(SluiceStallDetect* self, F f) {
    StallDetect& s = *self->state;
    Ref<GstClock> clock;
    {
        std::lock_guard lock(s.mutex);
        clock = s.clock;
    }
    if (!clock)
        return;
    const GstClockTime now = gst_clock_get_time(clock.get());
    bool news = false;
    {
        std::lock_guard lock(s.mutex);
        take(s, f(s.detector, now));
        news = !s.to_post.empty();
    }
    if (news)
        post_all(self);
    set_timer(self);
}

GstFlowReturn transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
    auto* self = SLUICE_STALL_DETECT(base);
    const bool key = self->state->is_key_unit(buffer);
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    feed(self, [&](StallDetector& d, GstClockTime now) { return d.data(now, pts, key); });
    return GST_FLOW_OK;
}

void stop_watching(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    GstClockID old = nullptr;
    Ref<GstClock> clock;
    {
        std::lock_guard lock(s.mutex);
        s.detector.stop();
        std::swap(clock, s.clock);
        s.to_post.clear();
        drop_timer(s, &old);
    }
    release_timer(old);
}

void start_watching(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    auto clock = adopt(gst_element_get_clock(GST_ELEMENT(self)));
    if (!clock)
        clock = adopt(gst_system_clock_obtain()); // an element on its own
    const GstClockTime now = gst_clock_get_time(clock.get());
    {
        std::lock_guard lock(s.mutex);
        s.clock = std::move(clock);
        if (s.ended)
            return;
        s.detector.start(now);
    }
    set_timer(self);
}

// An end is no stall.
void end_watching(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    GstClockID old = nullptr;
    {
        std::lock_guard lock(s.mutex);
        s.ended = true;
        s.detector.stop();
        drop_timer(s, &old);
    }
    release_timer(old);
}

// Something comes again behind an end.
void go_on_watching(SluiceStallDetect* self) {
    StallDetect& s = *self->state;
    {
        std::lock_guard lock(s.mutex);
        if (!std::exchange(s.ended, false) || !s.clock)
            return;
        s.detector.start(gst_clock_get_time(s.clock.get()));
    }
    set_timer(self);
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
    auto* self = SLUICE_STALL_DETECT(base);
    StallDetect& s = *self->state;
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event, &caps);
        s.is_key_unit.set_caps(caps);
        break;
    }
    case GST_EVENT_STREAM_START: go_on_watching(self); break;
    case GST_EVENT_FLUSH_STOP: go_on_watching(self); [[fallthrough]];
    case GST_EVENT_SEGMENT: {
        std::lock_guard lock(s.mutex);
        s.detector.restart_timestamps();
        break;
    }
    case GST_EVENT_GAP: feed(self, [](StallDetector& d, GstClockTime now) { return d.gap(now); }); break;
    case GST_EVENT_EOS: end_watching(self); break;
    default: break;
    }
    return GST_BASE_TRANSFORM_CLASS(sluice_stall_detect_parent_class)->sink_event(base, event);
}

} // namespace

static GstStateChangeReturn sluice_stall_detect_change_state(GstElement* element, GstStateChange change) {
    auto* self = SLUICE_STALL_DETECT(element);
    if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
        stop_watching(self);
    const auto ret = GST_ELEMENT_CLASS(sluice_stall_detect_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING && ret != GST_STATE_CHANGE_FAILURE)
        start_watching(self);
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY) {
        std::lock_guard lock(self->state->mutex);
        self->state->ended = false;
    }
    return ret;
}

static void sluice_stall_detect_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_STALL_DETECT(object);
    StallDetect& s = *self->state;
    {
        std::lock_guard lock(s.mutex);
        auto limits = s.detector.limits();
        switch (id) {
        case PROP_NO_DATA_LIMIT: limits.no_data = g_value_get_uint64(value); break;
        case PROP_NO_KEY_UNIT_LIMIT: limits.no_key_unit = g_value_get_uint64(value); break;
        case PROP_FROZEN_TIMESTAMPS_LIMIT: limits.frozen_timestamps = g_value_get_uint64(value); break;
        case PROP_ERROR_ON_STALL: s.error_on_stall = g_value_get_boolean(value); break;
        default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec); return;
        }
        s.detector.set_limits(limits);
    }
    set_timer(self);
}

static void sluice_stall_detect_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    StallDetect& s = *SLUICE_STALL_DETECT(object)->state;
    std::lock_guard lock(s.mutex);
    const auto& limits = s.detector.limits();
    switch (id) {
    case PROP_NO_DATA_LIMIT: g_value_set_uint64(value, limits.no_data); break;
    case PROP_NO_KEY_UNIT_LIMIT: g_value_set_uint64(value, limits.no_key_unit); break;
    case PROP_FROZEN_TIMESTAMPS_LIMIT: g_value_set_uint64(value, limits.frozen_timestamps); break;
    case PROP_ERROR_ON_STALL: g_value_set_boolean(value, s.error_on_stall); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_stall_detect_finalize(GObject* object) {
    auto* self = SLUICE_STALL_DETECT(object);
    stop_watching(self);
    delete self->state;
    G_OBJECT_CLASS(sluice_stall_detect_parent_class)->finalize(object);
}

static void sluice_stall_detect_class_init(SluiceStallDetectClass* klass) {
    GST_DEBUG_CATEGORY_INIT(stalldetect_debug, "stalldetect", 0, "Tells when a stream stalls");
    auto* object = G_OBJECT_CLASS(klass);
    object->set_property = sluice_stall_detect_set_property;
    object->get_property = sluice_stall_detect_get_property;
    object->finalize = sluice_stall_detect_finalize;
    GST_ELEMENT_CLASS(klass)->change_state = sluice_stall_detect_change_state;
    auto* transform = GST_BASE_TRANSFORM_CLASS(klass);
    transform->transform_ip = transform_ip;
    transform->sink_event = sink_event;
    transform->passthrough_on_same_caps = TRUE;
    transform->transform_ip_on_passthrough = TRUE;
    constexpr auto rw = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
    const StallDetector::Limits limits;
    const auto install = [&](guint id, const char* name, const char* nick, const char* blurb, GstClockTime initial) {
        g_object_class_install_property(object, id,
                                        g_param_spec_uint64(name, nick, blurb, 0, GST_SECOND * 86400, initial, rw));
    };
    install(PROP_NO_DATA_LIMIT, "no-data-limit", "No-data limit",
            "Stalled when nothing has come for so long, in nanoseconds (0 = never)", limits.no_data);
    install(PROP_NO_KEY_UNIT_LIMIT, "no-key-unit-limit", "No-key-unit limit",
            "Stalled when no key unit has come for so long, in nanoseconds, or for three of the longest GOP seen if "
            "that is "
            "more (0 = never)",
            limits.no_key_unit);
    install(PROP_FROZEN_TIMESTAMPS_LIMIT, "frozen-timestamps-limit", "Frozen-timestamps limit",
            "Stalled when the greatest PTS has not grown for so long while buffers come, in nanoseconds (0 = never)",
            limits.frozen_timestamps);
    g_object_class_install_property(
        object, PROP_ERROR_ON_STALL,
        g_param_spec_boolean("error-on-stall", "Error on stall",
                             "A stall is an error of the pipeline too, for those who start it anew after an error",
                             FALSE, rw));
    auto* element = GST_ELEMENT_CLASS(klass);
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(
        element, "Stall detector", "Filter/Analyzer",
        "Tells by messages when a live stream brings no data, no key units or frozen timestamps, and when it recovers",
        "The Sluice authors");
}

static void sluice_stall_detect_init(SluiceStallDetect* self) {
    self->state = new StallDetect;
    gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}
