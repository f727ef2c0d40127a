// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/file_loop.hpp"

#include "plugins/core/refs.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace sluice {

namespace {

constexpr GstClockTime shortest_round = 100 * GST_MSECOND;
constexpr GstClockTime usual_frame = 40 * GST_MSECOND; // where the file does not say

struct Track {
    GstSegment segment{};
    bool video = false, ended = false;
    bool stale = false; // what still comes belongs to the round before, until it is flushed
    GstClockTime last = GST_CLOCK_TIME_NONE, step = usual_frame;
    // Running time of the earliest picture, and when the latest has been shown for its time.
    GstClockTime begin = GST_CLOCK_TIME_NONE, end = 0;
};

// Shared by the probes; the streaming threads and the one that rewinds meet here.
struct Loop {
    std::mutex mutex;
    std::map<GstPad*, Track> tracks; // those that have caps
    bool rewinding = false;

    bool any_video() const {
        return std::any_of(tracks.begin(), tracks.end(), [](const auto& t) { return t.second.video; });
    }

    // False: not of this round.
    bool buffer(GstPad* pad, GstBuffer* buffer) {
        const std::lock_guard lock(mutex);
        Track& t = tracks[pad];
        if (t.stale)
            return false;
        if (t.segment.format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID(buffer))
            return true;
        const GstClockTime time = gst_segment_to_running_time(&t.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
        if (!GST_CLOCK_TIME_IS_VALID(time))
            return true;
        if (GST_BUFFER_DURATION_IS_VALID(buffer) && GST_BUFFER_DURATION(buffer) > 0)
            t.step = GST_BUFFER_DURATION(buffer);
        else if (GST_CLOCK_TIME_IS_VALID(t.last) && time > t.last)
            t.step = std::min<GstClockTime>(time - t.last, GST_SECOND);
        t.last = time;
        if (t.video == any_video()) {
            t.begin = std::min(t.begin, time); // GST_CLOCK_TIME_NONE is the greatest
            t.end = std::max(t.end, time + t.step);
        }
        return true;
    }

    // True if the file has come to its end just now.
    bool ended(GstPad* pad) {
        const std::lock_guard lock(mutex);
        if (tracks[pad].stale)
            return false;
        tracks[pad].ended = true;
        const bool all = std::all_of(tracks.begin(), tracks.end(), [video = any_video()](const auto& t) {
            return t.second.ended || t.second.video != video;
        });
        return all && !std::exchange(rewinding, true);
    }

    void flushed(GstPad* pad) {
        const std::lock_guard lock(mutex);
        tracks[pad].stale = false;
    }

    // How long the round was; the next one begins.
    GstClockTime next_round() {
        const std::lock_guard lock(mutex);
        GstClockTime length = 0;
        for (auto& [pad, t] : tracks) {
            if (t.end > t.begin)
                length = std::max(length, t.end - t.begin);
            t.ended = false;
            t.begin = t.last = GST_CLOCK_TIME_NONE;
            t.end = 0;
            t.stale = true;
        }
        rewinding = false;
        return length;
    }
};

using Shared = std::shared_ptr<Loop>;

struct Rewind {
    Shared loop;
    Ref<GstPad> pad; // of the track that ended last
};

void move_base_time(GstElement* pipeline, GstClockTime by) {
    const GstClockTime base = gst_element_get_base_time(pipeline) + by;
    GstIterator* it = gst_bin_iterate_recurse(GST_BIN(pipeline));
    gst_iterator_foreach(
        it,
        [](const GValue* item, gpointer time) {
            gst_element_set_base_time(GST_ELEMENT(g_value_get_object(item)), *static_cast<GstClockTime*>(time));
        },
        const_cast<GstClockTime*>(&base));
    gst_iterator_free(it);
    gst_element_set_base_time(pipeline, base);
}

// In a thread of its own: a flushing seek waits for the streaming threads.
void rewind(GstElement* pipeline, gpointer data) {
    const auto& [loop, pad] = *static_cast<Rewind*>(data);
    const GstClockTime length = loop->next_round();
    if (length < shortest_round) {
        GST_ELEMENT_ERROR(pipeline, STREAM, FAILED, ("the file is too short to be played again and again"), (nullptr));
        return;
    }
    // Before data comes again: after the flush running time begins anew at zero.
    move_base_time(pipeline, length);
    GstEvent* seek =
        gst_event_new_seek(1.0, GST_FORMAT_TIME, GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT),
                           GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
    if (!gst_pad_push_event(pad.get(), seek))
        GST_ELEMENT_ERROR(pipeline, STREAM, FAILED, ("the file cannot be played again from its start"), (nullptr));
}

Ref<GstElement> pipeline_of(GstPad* pad) {
    const Ref<GstElement> element = adopt(gst_pad_get_parent_element(pad));
    return adopt(element ? GST_ELEMENT(gst_object_get_parent(GST_OBJECT(element.get()))) : nullptr);
}

GstPadProbeReturn watch(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    const Shared& loop = *static_cast<Shared*>(data);
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
        return loop->buffer(pad, GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event, &caps);
        const std::lock_guard lock(loop->mutex);
        loop->tracks[pad].video = g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/");
        return GST_PAD_PROBE_OK;
    }
    case GST_EVENT_SEGMENT: {
        const std::lock_guard lock(loop->mutex);
        gst_event_copy_segment(event, &loop->tracks[pad].segment);
        return GST_PAD_PROBE_OK;
    }
    case GST_EVENT_FLUSH_STOP: loop->flushed(pad); return GST_PAD_PROBE_OK;
    case GST_EVENT_EOS: break;
    default: return GST_PAD_PROBE_OK;
    }
    if (loop->ended(pad)) {
        if (const auto pipeline = pipeline_of(pad))
            gst_element_call_async(pipeline.get(), rewind, new Rewind{loop, ref(pad)},
                                   [](gpointer r) { delete static_cast<Rewind*>(r); });
    }
    return GST_PAD_PROBE_DROP;
}

} // namespace

void loop_pipeline(GstElement* pipeline) {
    const Ref<GstElement> fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline), "fanout"));
    if (!fanout)
        return;
    const auto loop = std::make_shared<Loop>();
    GstIterator* it = gst_element_iterate_sink_pads(fanout.get());
    gst_iterator_foreach(
        it,
        [](const GValue* item, gpointer data) {
            gst_pad_add_probe(GST_PAD(g_value_get_object(item)),
                              GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                              GST_PAD_PROBE_TYPE_EVENT_FLUSH),
                              watch, new Shared(*static_cast<const Shared*>(data)),
                              [](gpointer shared) { delete static_cast<Shared*>(shared); });
        },
        const_cast<void*>(static_cast<const void*>(&loop)));
    gst_iterator_free(it);
}

} // namespace sluice
