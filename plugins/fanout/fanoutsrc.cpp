// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-fanoutsrc
 * @title: fanoutsrc
 *
 * Reads a named channel of this process: the other half of #fanoutsink. Has a sometimes pad for each track. Sources of the
 * channel may come and go: the next buffer is then marked DISCONT, and the timeline goes on. Never holds the source or
 * another reader back: who is too slow continues at the newest key unit (DISCONT, counted in #fanoutsrc:stats). Waits, without
 * an error, while the channel has no producer.
 *
 * One thread serves all pads: put a queue behind each, as behind a demuxer. Buffers have no DTS; put h264timestamper in
 * front of what needs it. What was written before the pipeline played (the cached GOP) is squeezed into its first 40 ms.
 * Buffers carry the camera's wall clock time of their capture, where it is known: GstReferenceTimestampMeta, `timestamp/x-unix`.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=60 ! x264enc tune=zerolatency ! h264parse ! fanoutsink channel=front/main fanoutsrc channel=front/main ! queue ! h264parse ! fakesink num-buffers=20
 * ]|
 */
#include "plugins/fanout/channel_property.hpp"
#include "plugins/fanout/clock_bridge.hpp"
#include "plugins/fanout/elements.hpp"
#include "plugins/fanout/src_control.hpp"
#include "plugins/fanout/src_pads.hpp"

#include <atomic>

GST_DEBUG_CATEGORY_STATIC(fanoutsrc_debug);
#define GST_CAT_DEFAULT fanoutsrc_debug

using namespace sluice;

namespace {

enum { PROP_0, PROP_CHANNEL, PROP_START_MODE, PROP_MEDIA, PROP_STATS };

GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; "
                    "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au; image/jpeg"));
GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("audio/x-mulaw, rate=(int)8000, channels=(int)1; audio/x-alaw, rate=(int)8000, channels=(int)1; "
                    "audio/x-opus; audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"));

GType start_mode_type() {
    static const GEnumValue values[] = {{int(Channel::Start::cached_gop),
                                         "At the cached GOP's key unit if there is one, else at the next",
                                         "cached-gop"},
                                        {int(Channel::Start::next_key_unit), "At the next key unit", "next-key-unit"},
                                        {int(Channel::Start::live), "At once, whatever comes next", "live"},
                                        {0, nullptr, nullptr}};
    static const GType type = g_enum_register_static("SluiceFanoutSrcStartMode", values);
    return type;
}

enum Media { MEDIA_VIDEO = 1, MEDIA_AUDIO = 2, MEDIA_ALL = MEDIA_VIDEO | MEDIA_AUDIO };

GType media_type() {
    static const GFlagsValue values[] = {
        {MEDIA_VIDEO, "The video track", "video"}, {MEDIA_AUDIO, "The audio tracks", "audio"}, {0, nullptr, nullptr}};
    static const GType type = g_flags_register_static("SluiceFanoutSrcMedia", values);
    return type;
}

// From READY to PAUSED and back.
struct Run {
    std::shared_ptr<Channel> channel;
    std::shared_ptr<SrcControl> control = std::make_shared<SrcControl>();
    Channel::Start start = Channel::Start::cached_gop;
    unsigned media = MEDIA_ALL;
    // The thread's own; the state change's again when the thread is gone.
    std::unique_ptr<Channel::Reader> reader;
    std::unique_ptr<SrcPads> pads;
    uint64_t skips_before = 0; // of the readers before this one
    GstTask* task = nullptr;
    GRecMutex task_mutex;
    // For `stats`, from any thread.
    std::atomic<uint64_t> units = 0, bytes = 0, skips = 0, generation = 0;
    std::atomic<bool> waiting = true;
};

struct FanoutSrc {
    std::mutex mutex; // everything below
    std::string name;
    Channel::Start start = Channel::Start::cached_gop;
    unsigned media = MEDIA_ALL;
    Ref<SluiceChannel> face;
    std::shared_ptr<Run> run;
};

} // namespace

struct _SluiceFanoutSrc {
    GstElement parent;
    FanoutSrc* state;
};

G_DEFINE_FINAL_TYPE(SluiceFanoutSrc, sluice_fanout_src, GST_TYPE_ELEMENT)

namespace {

std::shared_ptr<Run> run_of(SluiceFanoutSrc* self) {
    std::lock_guard lock(self->state->mutex);
    return self->state->run;
}

bool take_channel(SluiceFanoutSrc* self) {
    FanoutSrc& s = *self->state;
    std::string name;
    {
        std::lock_guard lock(s.mutex);
        if (s.face && channel_of(s.face.get())->name() == s.name)
            return true;
        name = s.name;
    }
    auto face = find_channel(GST_ELEMENT(self), name);
    if (!face)
        return false;
    std::lock_guard lock(s.mutex);
    std::swap(s.face, face); // the one before is let go behind the lock
    return true;
}

void leave_channel(SluiceFanoutSrc* self) {
    Ref<SluiceChannel> face;
    std::lock_guard lock(self->state->mutex);
    std::swap(self->state->face, face);
}

void start_reading(Run& run) {
    const auto before = std::move(run.reader); // lives on until the new one is there: demand does not flicker
    if (before)
        run.skips_before += before->skips();
    run.reader = run.channel->attach(run.start, run.media & MEDIA_VIDEO, run.media & MEDIA_AUDIO);
    run.pads->restart();
    if (run.start != Channel::Start::live && (run.media & MEDIA_VIDEO) && !run.channel->stats(0).gop_complete)
        run.channel->request_key_unit();
}

// True: there may be more.
bool push_next(SluiceFanoutSrc* self, Run& run) {
    const auto next = run.reader->next();
    run.skips = run.skips_before + run.reader->skips();
    if (!next.unit) {
        run.waiting = true;
        return false;
    }
    run.waiting = false;
    run.units++;
    run.bytes += next.unit->bytes;
    run.generation = next.unit->generation;
    const auto clock = adopt(gst_element_get_clock(GST_ELEMENT(self)));
    const ClockBridge bridge(clock.get());
    const auto running =
        bridge.to_pipeline(next.unit->time) - GstClockTimeDiff(gst_element_get_base_time(GST_ELEMENT(self)));
    const GstFlowReturn flow = run.pads->push(*next.unit, next.skipped, running);
    if (flow == GST_FLOW_OK)
        return true;
    if (flow == GST_FLOW_FLUSHING && run.control->flushing())
        return false;
    GST_DEBUG_OBJECT(self, "nobody takes it: %s", gst_flow_get_name(flow));
    run.control->ended();
    if (flow == GST_FLOW_EOS) {
        run.pads->push_event(gst_event_new_eos());
    } else if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS) {
        GST_ELEMENT_FLOW_ERROR(self, flow);
        run.pads->push_event(gst_event_new_eos());
    }
    return false;
}

void thread_function(gpointer data) {
    auto* self = SLUICE_FANOUT_SRC(data);
    const auto run = run_of(self);
    switch (run->control->wait()) {
    case SrcControl::Order::stop: gst_task_stop(run->task); return; // not paused: that would undo the stop of a join
    case SrcControl::Order::end:
        run->pads->push_event(gst_event_new_eos());
        run->control->ended();
        return;
    case SrcControl::Order::restart: start_reading(*run); break;
    case SrcControl::Order::read: break;
    }
    while (run->control->may_go_on() && push_next(self, *run)) {
    }
}

void start_run(SluiceFanoutSrc* self) {
    FanoutSrc& s = *self->state;
    auto run = std::make_shared<Run>();
    {
        std::lock_guard lock(s.mutex);
        run->channel = channel_of(s.face.get());
        run->start = s.start;
        run->media = s.media;
        s.run = run;
    }
    run->pads =
        std::make_unique<SrcPads>(GST_ELEMENT(self), run->channel, run->media & MEDIA_VIDEO, run->media & MEDIA_AUDIO);
    run->channel->add_wakeup(run->control);
    g_rec_mutex_init(&run->task_mutex);
    run->task = gst_task_new(thread_function, self, nullptr);
    gst_task_set_lock(run->task, &run->task_mutex);
    const GString8 name(g_strdup_printf("%s:src", GST_OBJECT_NAME(self)));
    gst_object_set_name(GST_OBJECT(run->task), name.get());
    gst_task_start(run->task);
}

void stop_run(SluiceFanoutSrc* self, const std::shared_ptr<Run>& run) {
    gst_task_join(run->task);
    gst_object_unref(run->task);
    g_rec_mutex_clear(&run->task_mutex);
    run->channel->remove_wakeup(run->control);
    run->pads.reset();
    run->reader.reset();
    std::shared_ptr<Run> last;
    std::lock_guard lock(self->state->mutex);
    last.swap(self->state->run);
}

GstStructure* stats_of(SluiceFanoutSrc* self) {
    const auto run = run_of(self);
    return gst_structure_new("sluice-fanoutsrc-stats", "units", G_TYPE_UINT64, run ? guint64(run->units) : 0, "bytes",
                             G_TYPE_UINT64, run ? guint64(run->bytes) : 0, "skips", G_TYPE_UINT64,
                             run ? guint64(run->skips) : 0, "generation", G_TYPE_UINT64,
                             run ? guint64(run->generation) : 0, "waiting", G_TYPE_BOOLEAN,
                             run ? gboolean(run->waiting) : TRUE, nullptr);
}

} // namespace

static GstStateChangeReturn sluice_fanout_src_change_state(GstElement* element, GstStateChange change) {
    auto* self = SLUICE_FANOUT_SRC(element);
    switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
        if (!take_channel(self))
            return GST_STATE_CHANGE_FAILURE;
        break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (!take_channel(self))
            return GST_STATE_CHANGE_FAILURE;
        start_run(self);
        break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED: run_of(self)->control->play(false); break;
    case GST_STATE_CHANGE_PAUSED_TO_READY: run_of(self)->control->stop(); break;
    default: break;
    }
    GstStateChangeReturn ret = GST_ELEMENT_CLASS(sluice_fanout_src_parent_class)->change_state(element, change);
    switch (change) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
        if (ret == GST_STATE_CHANGE_FAILURE) {
            const auto run = run_of(self);
            run->control->stop();
            stop_run(self, run);
        } else {
            ret = GST_STATE_CHANGE_NO_PREROLL;
        }
        break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
        if (ret != GST_STATE_CHANGE_FAILURE)
            ret = GST_STATE_CHANGE_NO_PREROLL;
        break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
        if (ret != GST_STATE_CHANGE_FAILURE)
            run_of(self)->control->play(true); // base time and clock are set now
        break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
        stop_run(self, run_of(self));
        break; // the pads are inactive: nothing blocks it
    case GST_STATE_CHANGE_READY_TO_NULL: leave_channel(self); break;
    default: break;
    }
    return ret;
}

static gboolean sluice_fanout_src_query(GstElement* element, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
        gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
        return TRUE;
    }
    return GST_ELEMENT_CLASS(sluice_fanout_src_parent_class)->query(element, query);
}

static gboolean sluice_fanout_src_send_event(GstElement* element, GstEvent* raw) {
    auto* self = SLUICE_FANOUT_SRC(element);
    const auto run = run_of(self);
    const auto event = adopt(raw);
    if (!run)
        return FALSE;
    const auto to_pads = [element, raw] {
        const auto push = [](GstElement*, GstPad* pad, gpointer e) -> gboolean {
            gst_pad_push_event(pad, gst_event_ref(static_cast<GstEvent*>(e)));
            return TRUE;
        };
        gst_element_foreach_src_pad(element, push, raw);
    };
    switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_EOS: run->control->end(); return TRUE; // comes behind what the thread is pushing
    case GST_EVENT_FLUSH_START:
        run->control->flush(true);
        to_pads();
        return TRUE;
    case GST_EVENT_FLUSH_STOP:
        to_pads();
        run->control->flush(false);
        return TRUE;
    case GST_EVENT_LATENCY: return TRUE;
    case GST_EVENT_CUSTOM_UPSTREAM:
        if (!gst_event_has_name(raw, "GstForceKeyUnit"))
            return FALSE;
        run->channel->request_key_unit();
        return TRUE;
    default: return FALSE;
    }
}

static void sluice_fanout_src_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    FanoutSrc& s = *SLUICE_FANOUT_SRC(object)->state;
    switch (id) {
    case PROP_CHANNEL: {
        if (!channel_can_be_set(GST_ELEMENT(object)))
            return;
        const char* name = g_value_get_string(value);
        std::lock_guard lock(s.mutex);
        s.name = name ? name : "";
        break;
    }
    case PROP_START_MODE: {
        std::lock_guard lock(s.mutex);
        s.start = static_cast<Channel::Start>(g_value_get_enum(value));
        break;
    }
    case PROP_MEDIA: {
        std::lock_guard lock(s.mutex);
        s.media = g_value_get_flags(value);
        break;
    }
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_FANOUT_SRC(object);
    FanoutSrc& s = *self->state;
    switch (id) {
    case PROP_CHANNEL: {
        std::lock_guard lock(s.mutex);
        g_value_set_string(value, s.name.empty() ? nullptr : s.name.c_str());
        break;
    }
    case PROP_START_MODE: {
        std::lock_guard lock(s.mutex);
        g_value_set_enum(value, int(s.start));
        break;
    }
    case PROP_MEDIA: {
        std::lock_guard lock(s.mutex);
        g_value_set_flags(value, s.media);
        break;
    }
    case PROP_STATS: g_value_take_boxed(value, stats_of(self)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void sluice_fanout_src_finalize(GObject* object) {
    delete SLUICE_FANOUT_SRC(object)->state;
    G_OBJECT_CLASS(sluice_fanout_src_parent_class)->finalize(object);
}

static void sluice_fanout_src_class_init(SluiceFanoutSrcClass* klass) {
    GST_DEBUG_CATEGORY_INIT(fanoutsrc_debug, "fanoutsrc", 0, "Reads a channel");
    auto* object = G_OBJECT_CLASS(klass);
    object->set_property = sluice_fanout_src_set_property;
    object->get_property = sluice_fanout_src_get_property;
    object->finalize = sluice_fanout_src_finalize;
    auto* element = GST_ELEMENT_CLASS(klass);
    element->change_state = sluice_fanout_src_change_state;
    element->query = sluice_fanout_src_query;
    element->send_event = sluice_fanout_src_send_event;
    constexpr auto rw = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
    g_object_class_install_property(
        object, PROP_CHANNEL,
        g_param_spec_string("channel", "Channel", "Name of the channel to read, such as front/main", nullptr, rw));
    g_object_class_install_property(object, PROP_START_MODE,
                                    g_param_spec_enum("start-mode", "Start mode", "Where in the channel reading begins",
                                                      start_mode_type(), int(Channel::Start::cached_gop), rw));
    g_object_class_install_property(
        object, PROP_MEDIA,
        g_param_spec_flags("media", "Media", "Tracks to read, others have no pad", media_type(), MEDIA_ALL, rw));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed(
            "stats", "Statistics",
            "sluice-fanoutsrc-stats: units, bytes, skips (times moved to the newest key unit), generation (of "
            "the producer read last), waiting (for the producer)",
            GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    gst_element_class_add_static_pad_template(element, &video_template);
    gst_element_class_add_static_pad_template(element, &audio_template);
    gst_element_class_set_static_metadata(element, "Channel source", "Source/Video/Audio",
                                          "Reads a named channel; its sources may come and go", "The Sluice authors");
    gst_type_mark_as_plugin_api(start_mode_type(), GstPluginAPIFlags(0));
    gst_type_mark_as_plugin_api(media_type(), GstPluginAPIFlags(0));
}

static void sluice_fanout_src_init(SluiceFanoutSrc* self) {
    self->state = new FanoutSrc;
    GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}
