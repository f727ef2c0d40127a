// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/src_pads.hpp"

#include <algorithm>

namespace sluice {

namespace {

GstStaticCaps unix_time = GST_STATIC_CAPS("timestamp/x-unix");

gboolean is_force_key_unit(GstEvent* event) {
    return GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && gst_event_has_name(event, "GstForceKeyUnit");
}

gboolean src_event(GstPad* pad, GstObject* parent, GstEvent* event) {
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_QOS:
    case GST_EVENT_LATENCY:
    case GST_EVENT_RECONFIGURE: gst_event_unref(event); return TRUE;
    default: break;
    }
    if (is_force_key_unit(event)) // the element knows the channel
        return gst_element_send_event(GST_ELEMENT(parent), event);
    gst_event_unref(event);
    return FALSE;
}

gboolean src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
        gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
        return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
}

} // namespace

SrcPads::SrcPads(GstElement* element, std::shared_ptr<Channel> channel, bool video, bool audio)
    : element_(element), channel_(std::move(channel)), video_(video), audio_(audio),
      group_id_(gst_util_group_id_next()), flows_(gst_flow_combiner_new()) {}

SrcPads::~SrcPads() {
    remove_all();
    gst_flow_combiner_free(flows_);
}

void SrcPads::restart() {
    timeline_.restart();
    for (const auto& out : pads_) {
        out->discont = true;
        if (const auto segment = adopt(gst_pad_get_sticky_event(out->pad.get(), GST_EVENT_SEGMENT, 0)); !segment) {
            timeline_ = {}; // a flush took it away, and running time begins anew
            send_segment(*out);
        }
    }
    gst_flow_combiner_reset(flows_);
}

// The pad that a track of this generation already has; else a free one of its kind.
SrcPads::Out* SrcPads::find(const Track& track, uint64_t generation) {
    for (const auto& out : pads_)
        if (out->generation == generation && out->track->index == track.index)
            return out.get();
    for (const auto& out : pads_) // pads are in the order of their numbers, tracks come in theirs
        if (out->generation != generation && out->video == is_video(track.codec))
            return out.get();
    return nullptr;
}

SrcPads::Out& SrcPads::claim(const TrackPtr& track, uint64_t generation) {
    Out* out = find(*track, generation);
    if (!out) {
        auto fresh = std::make_unique<Out>();
        fresh->video = is_video(track->codec);
        for (const auto& other : pads_)
            if (other->video == fresh->video)
                fresh->number = std::max(fresh->number, other->number + 1);
        out = fresh.get();
        pads_.push_back(std::move(fresh));
        expose(*out, track);
    }
    if (out->generation != generation) {
        out->generation = generation;
        out->discont = true;
    }
    if (out->track != track)
        send_caps(*out, track);
    return *out;
}

void SrcPads::expose(Out& out, const TrackPtr& track) {
    const char* kind = out.video ? "video" : "audio";
    const GString8 name(g_strdup_printf("%s_%u", kind, out.number));
    const GString8 templ(g_strdup_printf("%s_%%u", kind));
    out.pad = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new_from_template(
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(element_), templ.get()), name.get()))));
    gst_pad_use_fixed_caps(out.pad.get());
    gst_pad_set_event_function(out.pad.get(), src_event);
    gst_pad_set_query_function(out.pad.get(), src_query);
    gst_pad_set_active(out.pad.get(), TRUE);
    // The same for every run: what reads stream ids may recognize the stream.
    GstEvent* start = gst_event_new_stream_start((channel_->name() + "/" + name.get()).c_str());
    gst_event_set_group_id(start, group_id_);
    gst_pad_push_event(out.pad.get(), start);
    send_caps(out, track);
    send_segment(out);
    gst_flow_combiner_add_pad(flows_, out.pad.get());
    gst_element_add_pad(element_, out.pad.get());
}

void SrcPads::send_caps(Out& out, const TrackPtr& track) {
    const TrackPtr before = std::exchange(out.track, track);
    if (!before || !gst_caps_is_equal(before->caps.get(), track->caps.get()))
        gst_pad_push_event(out.pad.get(), gst_event_new_caps(track->caps.get()));
}

void SrcPads::send_segment(Out& out) {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(out.pad.get(), gst_event_new_segment(&segment));
}

void SrcPads::remove_vanished(const AccessUnit& unit) {
    if (!looks_for_vanished_ || unit.time < generation_start_ + vanished_after)
        return;
    looks_for_vanished_ = false;
    const auto tracks = channel_->tracks();
    for (auto it = pads_.begin(); it != pads_.end();) {
        Out& out = **it;
        // A track that is there and silent has its caps in the channel; the order of kinds decides as in find().
        const auto of_kind = std::count_if(tracks.begin(), tracks.end(),
                                           [&](const TrackPtr& t) { return is_video(t->codec) == out.video; });
        if (out.generation == generation_ || out.number < of_kind) {
            ++it;
            continue;
        }
        gst_pad_push_event(out.pad.get(), gst_event_new_eos());
        const auto next = std::distance(pads_.begin(), it);
        remove(it);
        it = pads_.begin() + next;
    }
}

void SrcPads::remove(std::vector<std::unique_ptr<Out>>::iterator it) {
    const auto out = std::move(*it);
    pads_.erase(it);
    gst_flow_combiner_remove_pad(flows_, out->pad.get());
    gst_pad_set_active(out->pad.get(), FALSE);
    gst_element_remove_pad(element_, out->pad.get());
}

void SrcPads::remove_all() {
    while (!pads_.empty())
        remove(pads_.end() - 1);
    exposed_ = false;
}

void SrcPads::push_event(GstEvent* raw) {
    const auto event = adopt(raw);
    for (const auto& out : pads_)
        gst_pad_push_event(out->pad.get(), gst_event_ref(raw));
}

GstFlowReturn SrcPads::push(const AccessUnit& unit, bool skipped, GstClockTimeDiff running) {
    if (unit.generation != generation_) {
        looks_for_vanished_ = generation_ != 0;
        generation_ = unit.generation;
        generation_start_ = unit.time;
    }
    if (skipped)
        for (const auto& out : pads_)
            out->discont = true;
    Out& out = claim(unit.track, unit.generation);
    if (!std::exchange(exposed_, true)) {
        // All at once, so that who collects pads (no-more-pads) knows them all. The next producer may be there already: its
        // tracks are not those of this unit.
        const auto tracks = channel_->tracks();
        if (channel_->stats(0).generation == unit.generation)
            for (const TrackPtr& t : tracks)
                if (t->codec != Codec::other && (is_video(t->codec) ? video_ : audio_) && t->index != unit.track->index)
                    claim(t, unit.generation);
        gst_element_no_more_pads(element_);
    }
    remove_vanished(unit);
    GstBuffer* buffer = gst_buffer_copy_region(unit.buffer.get(), GST_BUFFER_COPY_MEMORY, 0, -1);
    GST_BUFFER_PTS(buffer) = timeline_.map(running);
    if (out.video && !unit.key)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (std::exchange(out.discont, false) || unit.discont)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    if (unit.capture_time) {
        const auto reference = adopt(gst_static_caps_get(&unix_time));
        gst_buffer_add_reference_timestamp_meta(buffer, reference.get(), *unit.capture_time, GST_CLOCK_TIME_NONE);
    }
    const GstFlowReturn flow = gst_pad_push(out.pad.get(), buffer);
    return gst_flow_combiner_update_pad_flow(flows_, out.pad.get(), flow);
}

} // namespace sluice
