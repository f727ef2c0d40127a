// SPDX-License-Identifier: LGPL-2.1-or-later
// The GObject face of sluice::Channel and the process-wide list of channels by name.
#include "plugins/core/sluicechannel.h"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/demand.hpp"

#include <cctype>
#include <map>
#include <string_view>

namespace {

constexpr GstClockTime demand_grace = 5 * GST_SECOND;

struct ChannelFace {
    std::shared_ptr<sluice::Channel> channel;
    std::mutex demand_mutex; // everything below
    sluice::Demand demand{demand_grace};
    GstClockID demand_timer = nullptr;
    // What listeners were told last, and whether a thread is telling now: it goes on until they know the newest state, so
    // that two threads cannot tell in the wrong order.
    bool demand_told = false, telling_demand = false;
    bool present_told = false, telling_present = false;
};

struct Registry {
    std::mutex mutex;
    std::map<std::string, GWeakRef*, std::less<>> channels;
};
Registry& registry() {
    static auto* r = new Registry; // outlives every plugin's destructors
    return *r;
}

enum {
    PROP_0,
    PROP_NAME,
    PROP_PRODUCER_PRESENT,
    PROP_CAPS,
    PROP_AUDIO_CAPS,
    PROP_READERS,
    PROP_LAST_RESORT,
    PROP_WANTED,
    PROP_MAX_BYTES,
    PROP_MAX_BUFFERS,
    PROP_MAX_TIME,
    PROP_STATS,
    N_PROPS
};
enum { SIGNAL_DEMAND, SIGNAL_PRODUCER_CHANGED, N_SIGNALS };
GParamSpec* props[N_PROPS];
guint signals[N_SIGNALS];

} // namespace

struct _SluiceChannel {
    GObject parent;
    ChannelFace* face;
};

G_DEFINE_FINAL_TYPE(SluiceChannel, sluice_channel, G_TYPE_OBJECT)

using namespace sluice;

namespace sluice {

Ref<GstClock>& clock_slot() {
    static auto* slot = new Ref<GstClock>(adopt(gst_system_clock_obtain()));
    return *slot;
}
Ref<GstClock> channel_clock() { return clock_slot(); }
void set_channel_clock_for_testing(GstClock* clock) { clock_slot() = ref(clock); }

std::shared_ptr<Channel> channel_of(SluiceChannel* channel) { return channel->face->channel; }

std::vector<Ref<SluiceChannel>> all_channels() {
    std::vector<Ref<SluiceChannel>> list;
    std::lock_guard lock(registry().mutex);
    for (const auto& [name, weak] : registry().channels)
        if (auto* c = static_cast<SluiceChannel*>(g_weak_ref_get(weak)))
            list.push_back(adopt(c));
    return list;
}

} // namespace sluice

namespace {

void readers_changed(SluiceChannel* self);

gboolean demand_timer_fired(GstClock*, GstClockTime, GstClockID, gpointer data) {
    auto* weak = static_cast<GWeakRef*>(data);
    if (auto self = adopt(static_cast<SluiceChannel*>(g_weak_ref_get(weak))))
        readers_changed(self.get());
    return TRUE;
}
void free_weak(gpointer data) {
    auto* weak = static_cast<GWeakRef*>(data);
    g_weak_ref_clear(weak);
    g_free(weak);
}

// Emits with no lock held until listeners know what `now` says.
template <typename Now> void tell(SluiceChannel* self, bool ChannelFace::*told, bool ChannelFace::*telling, Now now,
                                  void (*emit)(SluiceChannel*, bool)) {
    ChannelFace& face = *self->face;
    std::unique_lock lock(face.demand_mutex);
    if (face.*telling)
        return;
    face.*telling = true;
    for (bool state = now(); state != face.*told; state = now()) {
        face.*told = state;
        lock.unlock();
        emit(self, state);
        lock.lock();
    }
    face.*telling = false;
}

void readers_changed(SluiceChannel* self) {
    ChannelFace& face = *self->face;
    const auto clock = channel_clock();
    GstClockID timer = nullptr;
    {
        std::lock_guard lock(face.demand_mutex);
        // Asked here and not handed over: two threads may come in another order than they counted.
        face.demand.update(face.channel->stats(0).readers, gst_clock_get_time(clock.get()));
        if (face.demand_timer) {
            gst_clock_id_unschedule(face.demand_timer);
            gst_clock_id_unref(face.demand_timer);
            face.demand_timer = nullptr;
        }
        if (const auto deadline = face.demand.next_deadline()) {
            timer = gst_clock_new_single_shot_id(clock.get(), *deadline);
            face.demand_timer = gst_clock_id_ref(timer);
        }
    }
    if (timer) {
        auto* weak = g_new0(GWeakRef, 1);
        g_weak_ref_init(weak, self);
        gst_clock_id_wait_async(timer, demand_timer_fired, weak, free_weak);
        gst_clock_id_unref(timer);
    }
    tell(
        self, &ChannelFace::demand_told, &ChannelFace::telling_demand, [&face] { return face.demand.level(); },
        [](SluiceChannel* c, bool wanted) { g_signal_emit(c, signals[SIGNAL_DEMAND], 0, gboolean(wanted)); });
}

void producer_changed(SluiceChannel* self) {
    tell(
        self, &ChannelFace::present_told, &ChannelFace::telling_present,
        [c = self->face->channel] { return c->producer_present(); },
        [](SluiceChannel* c, bool present) {
            g_object_notify_by_pspec(G_OBJECT(c), props[PROP_PRODUCER_PRESENT]);
            g_signal_emit(c, signals[SIGNAL_PRODUCER_CHANGED], 0, gboolean(present));
        });
}

bool name_allowed(std::string_view name) {
    if (name.empty() || name.size() > 200)
        return false;
    for (const char c : name)
        if (!std::isgraph(static_cast<unsigned char>(c)))
            return false;
    return true;
}

GstStructure* stats_structure(SluiceChannel* self) {
    const auto clock = channel_clock();
    const GstClockTime now = gst_clock_get_time(clock.get());
    const ChannelStats s = self->face->channel->stats(now);
    const guint64 age = s.last_unit ? now - std::min(*s.last_unit, now) : GST_CLOCK_TIME_NONE;
    return gst_structure_new(
        "sluice-channel-stats", "generation", G_TYPE_UINT64, guint64(s.generation), "access-units", G_TYPE_UINT64,
        guint64(s.access_units), "bytes", G_TYPE_UINT64, guint64(s.bytes), "key-units", G_TYPE_UINT64,
        guint64(s.key_units), "cached-bytes", G_TYPE_UINT64, guint64(s.cached_bytes), "cached-units", G_TYPE_UINT64,
        guint64(s.cached_units), "cached-time", G_TYPE_UINT64, guint64(s.cached_time), "gop-complete", G_TYPE_BOOLEAN,
        gboolean(s.gop_complete), "overflows", G_TYPE_UINT64, guint64(s.overflows), "skips", G_TYPE_UINT64,
        guint64(s.skips), "before-key", G_TYPE_UINT64, guint64(s.before_key), "refused", G_TYPE_UINT64,
        guint64(s.refused), "time-clamped", G_TYPE_UINT64, guint64(s.time.clamped), "time-jumps", G_TYPE_UINT64,
        guint64(s.time.jumps), "stale-writes", G_TYPE_UINT64, guint64(s.stale_writes), "reorder", G_TYPE_BOOLEAN,
        gboolean(s.reorder), "width", G_TYPE_UINT, s.video.width, "height", G_TYPE_UINT, s.video.height, "fps",
        G_TYPE_DOUBLE, s.fps, "bitrate", G_TYPE_UINT64, guint64(s.bitrate), "last-unit-age", G_TYPE_UINT64, age,
        "start-points", G_TYPE_STRING, start_points_name(s.recovery_points), nullptr);
}

void sluice_channel_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_CHANNEL(object);
    Channel& c = *self->face->channel;
    switch (id) {
    case PROP_NAME: g_value_set_string(value, c.name().c_str()); break;
    case PROP_PRODUCER_PRESENT: g_value_set_boolean(value, c.producer_present()); break;
    case PROP_CAPS: {
        const TrackPtr t = c.video_track();
        gst_value_set_caps(value, t ? t->caps.get() : nullptr);
        break;
    }
    case PROP_AUDIO_CAPS: {
        const TrackPtr t = c.audio_track();
        gst_value_set_caps(value, t ? t->caps.get() : nullptr);
        break;
    }
    case PROP_WANTED: {
        std::lock_guard lock(self->face->demand_mutex);
        g_value_set_boolean(value, self->face->demand.level());
        break;
    }
    case PROP_LAST_RESORT: g_value_set_boolean(value, c.last_resort()); break;
    case PROP_READERS: g_value_set_uint(value, c.stats(0).readers); break;
    case PROP_MAX_BYTES: g_value_set_uint64(value, c.limits().max_bytes); break;
    case PROP_MAX_BUFFERS: g_value_set_uint64(value, c.limits().max_buffers); break;
    case PROP_MAX_TIME: g_value_set_uint64(value, c.limits().max_time); break;
    case PROP_STATS: g_value_take_boxed(value, stats_structure(self)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

void sluice_channel_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    Channel& c = *SLUICE_CHANNEL(object)->face->channel;
    ChannelLimits limits = c.limits();
    switch (id) {
    case PROP_MAX_BYTES: limits.max_bytes = g_value_get_uint64(value); break;
    case PROP_MAX_BUFFERS: limits.max_buffers = g_value_get_uint64(value); break;
    case PROP_MAX_TIME: limits.max_time = g_value_get_uint64(value); break;
    case PROP_LAST_RESORT: c.set_last_resort(g_value_get_boolean(value)); return;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec); return;
    }
    c.set_limits(limits);
}

void sluice_channel_finalize(GObject* object) {
    auto* self = SLUICE_CHANNEL(object);
    ChannelFace* face = self->face;
    Ref<SluiceChannel> other; // let go outside the lock: it could be the last reference
    {
        std::lock_guard lock(registry().mutex);
        auto& map = registry().channels;
        const auto it = map.find(face->channel->name());
        if (it != map.end()) { // a new one of this name may have taken the place already
            other = adopt(static_cast<SluiceChannel*>(g_weak_ref_get(it->second)));
            if (!other) {
                free_weak(it->second);
                map.erase(it);
            }
        }
    }
    if (face->demand_timer) {
        gst_clock_id_unschedule(face->demand_timer);
        gst_clock_id_unref(face->demand_timer);
    }
    delete face;
    G_OBJECT_CLASS(sluice_channel_parent_class)->finalize(object);
}

} // namespace

static void sluice_channel_class_init(SluiceChannelClass* klass) {
    auto* object = G_OBJECT_CLASS(klass);
    object->get_property = sluice_channel_get_property;
    object->set_property = sluice_channel_set_property;
    object->finalize = sluice_channel_finalize;
    constexpr auto ro = GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    constexpr auto rw = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
    props[PROP_NAME] = g_param_spec_string("name", "Name", "Camera and stream: front/main", nullptr, ro);
    props[PROP_PRODUCER_PRESENT] =
        g_param_spec_boolean("producer-present", "Producer present", "A producer is writing", FALSE, ro);
    props[PROP_CAPS] = g_param_spec_boxed("caps", "Caps", "Caps of the video track, remembered", GST_TYPE_CAPS, ro);
    props[PROP_AUDIO_CAPS] =
        g_param_spec_boxed("audio-caps", "Audio caps", "Caps of the first audio track, remembered", GST_TYPE_CAPS, ro);
    props[PROP_READERS] = g_param_spec_uint("readers", "Readers", "Consumers attached", 0, G_MAXUINT, 0, ro);
    props[PROP_WANTED] = g_param_spec_boolean("wanted", "Wanted", "The level that the signal demand tells", FALSE, ro);
    props[PROP_MAX_BYTES] =
        g_param_spec_uint64("max-gop-bytes", "Max GOP bytes", "Memory of the cached GOP (0: no limit)", 0, G_MAXUINT64,
                            SLUICE_CHANNEL_DEFAULT_MAX_BYTES, rw);
    props[PROP_MAX_BUFFERS] =
        g_param_spec_uint64("max-gop-buffers", "Max GOP buffers", "Access units in the cached GOP (0: no limit)", 0,
                            G_MAXUINT64, SLUICE_CHANNEL_DEFAULT_MAX_BUFFERS, rw);
    props[PROP_MAX_TIME] =
        g_param_spec_uint64("max-gop-time", "Max GOP time", "Length of the cached GOP in ns (0: no limit)", 0,
                            G_MAXUINT64, SLUICE_CHANNEL_DEFAULT_MAX_TIME, rw);
    props[PROP_LAST_RESORT] = g_param_spec_boolean(
        "last-resort", "Last resort", "For viewers only who can play no other channel of the camera", FALSE, rw);
    props[PROP_STATS] = g_param_spec_boxed("stats", "Statistics", "Counters of this channel", GST_TYPE_STRUCTURE, ro);
    g_object_class_install_properties(object, N_PROPS, props);
    signals[SIGNAL_DEMAND] = g_signal_new("demand", SLUICE_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                                          nullptr, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
    signals[SIGNAL_PRODUCER_CHANGED] = g_signal_new("producer-changed", SLUICE_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0,
                                                    nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

static void sluice_channel_init(SluiceChannel* self) { self->face = new ChannelFace; }

SluiceChannel* sluice_channel_get(const char* name) {
    g_return_val_if_fail(name != nullptr, nullptr);
    if (!name_allowed(name))
        return nullptr;
    std::lock_guard lock(registry().mutex);
    GWeakRef*& weak = registry().channels[name];
    if (weak) {
        if (auto* found = static_cast<SluiceChannel*>(g_weak_ref_get(weak)))
            return found;
    } else {
        weak = g_new0(GWeakRef, 1);
        g_weak_ref_init(weak, nullptr);
    }
    auto* self = SLUICE_CHANNEL(g_object_new(SLUICE_TYPE_CHANNEL, nullptr));
    self->face->channel = std::make_shared<Channel>(name);
    // The readers hold the Channel, not the face: the face may go first, so the callbacks look it up again.
    g_weak_ref_set(weak, self);
    const auto with_face = [key = std::string(name), channel = self->face->channel.get()](void (*f)(SluiceChannel*)) {
        auto face = adopt(sluice_channel_lookup(key.c_str()));
        if (face && channel_of(face.get()).get() == channel)
            f(face.get());
    };
    self->face->channel->on_producer_changed = [with_face](bool) { with_face(producer_changed); };
    self->face->channel->on_readers_changed = [with_face](unsigned) { with_face(readers_changed); };
    return self;
}

SluiceChannel* sluice_channel_lookup(const char* name) {
    g_return_val_if_fail(name != nullptr, nullptr);
    std::lock_guard lock(registry().mutex);
    const auto it = registry().channels.find(name);
    return it == registry().channels.end() ? nullptr : static_cast<SluiceChannel*>(g_weak_ref_get(it->second));
}

const char* sluice_channel_get_name(SluiceChannel* channel) {
    g_return_val_if_fail(SLUICE_IS_CHANNEL(channel), nullptr);
    return channel->face->channel->name().c_str();
}

void sluice_channel_set_unavailable(SluiceChannel* channel, const char* reason) {
    g_return_if_fail(SLUICE_IS_CHANNEL(channel));
    channel->face->channel->set_unavailable(reason ? reason : "");
}

void sluice_channel_remember(SluiceChannel* channel, const GstCaps* video, const GstCaps* audio) {
    g_return_if_fail(SLUICE_IS_CHANNEL(channel));
    g_return_if_fail(video == nullptr || GST_IS_CAPS(video));
    g_return_if_fail(audio == nullptr || GST_IS_CAPS(audio));
    channel->face->channel->remember(video, audio);
}
