// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/simcam_stream.hpp"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

namespace sluice::simcam {

namespace {

GstVideoInfo video_info(const StreamOptions& o) {
    GstVideoInfo info;
    gst_video_info_init(&info);
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, unsigned(o.width), unsigned(o.height));
    info.fps_n = o.fps;
    info.fps_d = 1;
    return info;
}

std::string encoder_text(const StreamOptions& o) {
    const int key_interval = std::max(1, int(std::lround(o.gop * o.fps)));
    const std::string bitrate = " bitrate=" + std::to_string(o.bitrate);
    if (o.h265)
        return "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=" + std::to_string(key_interval) + bitrate +
               " option-string=scenecut=0:bframes=" + std::to_string(o.bframes) +
               ":pools=none:frame-threads=1 ! video/x-h265,stream-format=byte-stream,alignment=au";
    // No key frame but those of the interval: a reader that joins between two of them gets none, as from a real camera.
    return "x264enc tune=zerolatency speed-preset=ultrafast threads=1 b-adapt=false key-int-max=" +
           std::to_string(key_interval) + bitrate + " bframes=" + std::to_string(o.bframes) +
           // ultrafast turns off what makes a stream Main or High
           " cabac=" + (o.profile == "main" || o.profile == "high" ? "true" : "false") +
           " dct8x8=" + (o.profile == "high" ? "true" : "false") +
           " option-string=scenecut=0:slices=" + std::to_string(o.slices) +
           " ! video/x-h264,stream-format=byte-stream,alignment=au,profile=" + o.profile;
}

} // namespace

Stream::Stream(const StreamOptions& options)
    : options_(options), info_(video_info(options)), picture_(info_, options.id, options.noise) {
    const std::string text = "appsrc name=source is-live=true format=time max-buffers=3 leaky-type=downstream ! " +
                             encoder_text(options_) + " ! appsink name=sink sync=false max-buffers=60 drop=true";
    GError* error = nullptr;
    pipeline_ = Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(text.c_str(), &error))));
    if (error) {
        std::string why = error->message;
        g_error_free(error);
        throw std::runtime_error("the encoder cannot be made: " + why);
    }
    source_ = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    sink_ = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
    auto caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info_));
    gst_app_src_set_caps(GST_APP_SRC(source_.get()), caps.get());

    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = [](GstAppSink* sink, gpointer self) {
        if (auto sample = Ref<GstSample>::adopt(gst_app_sink_pull_sample(sink)))
            static_cast<Stream*>(self)->deliver(sample.get());
        return GST_FLOW_OK;
    };
    gst_app_sink_set_callbacks(GST_APP_SINK(sink_.get()), &callbacks, this, nullptr);
    // The same clock as every RTSP media: a frame's time can be carried over by the two base times.
    auto clock = Ref<GstClock>::adopt(gst_system_clock_obtain());
    gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        throw std::runtime_error("the encoder cannot be started: " + encoder_text(options_));
    thread_ = std::thread(&Stream::draw_frames, this);
}

Stream::~Stream() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable())
        thread_.join();
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void Stream::draw_frames() {
    using namespace std::chrono;
    const auto start = steady_clock::now();
    auto clock = Ref<GstClock>::adopt(gst_system_clock_obtain());
    for (uint64_t n = 0;; n++) {
        const auto due = start + nanoseconds(n * uint64_t(1'000'000'000) / uint64_t(options_.fps));
        {
            std::unique_lock lock(mutex_);
            if (stop_.wait_until(lock, due, [this] { return stopping_; }))
                return;
        }
        if (steady_clock::now() > due + milliseconds(500))
            continue; // stopped for a while (SIGSTOP): a camera does not catch up
        auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr));
        GstMapInfo map;
        if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE))
            continue;
        const auto unix_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
        const GstClockTime now = gst_clock_get_time(clock.get());
        picture_.draw({map.data, map.size}, n, unix_ms);
        gst_buffer_unmap(buffer.get(), &map);
        const GstClockTime base = gst_element_get_base_time(pipeline_.get());
        GST_BUFFER_PTS(buffer.get()) = now > base ? now - base : 0;
        GST_BUFFER_DURATION(buffer.get()) = GST_SECOND / GstClockTime(options_.fps);
        gst_app_src_push_buffer(GST_APP_SRC(source_.get()), buffer.release());
    }
}

void Stream::request_key_frame() {
    auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(sink_.get(), "sink"));
    gst_pad_push_event(pad.get(),
                       gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                            gst_structure_new("GstForceKeyUnit", "all-headers", G_TYPE_BOOLEAN, TRUE,
                                                              "count", G_TYPE_UINT, 0u, nullptr)));
}

void Stream::add(GstElement* feed) {
    std::lock_guard lock(mutex_);
    consumers_.push_back({Ref<GstElement>::add(feed), false});
}

void Stream::remove(GstElement* feed) {
    std::lock_guard lock(mutex_);
    std::erase_if(consumers_, [feed](const Consumer& c) { return c.feed.get() == feed; });
}

void Stream::deliver(GstSample* sample) {
    GstBuffer* in = gst_sample_get_buffer(sample);
    // Signed: the time of a first B-frame stream begins before its segment.
    guint64 running = 0;
    const int sign =
        gst_segment_to_running_time_full(gst_sample_get_segment(sample), GST_FORMAT_TIME, GST_BUFFER_PTS(in), &running);
    const GstClockTime base = gst_element_get_base_time(pipeline_.get());
    if (sign == 0)
        return;
    const GstClockTime absolute = sign > 0 ? base + running : base - std::min<guint64>(running, base);
    const bool key = !GST_BUFFER_FLAG_IS_SET(in, GST_BUFFER_FLAG_DELTA_UNIT);

    std::vector<std::pair<Ref<GstElement>, GstClockTime>> ready;
    bool want_key = false;
    {
        std::lock_guard lock(mutex_);
        for (auto& c : consumers_) {
            // An RTSP media that is being prepared has no time yet.
            const GstClockTime media_base = gst_element_get_base_time(c.feed.get());
            if (media_base == 0 || GST_STATE(c.feed.get()) < GST_STATE_PAUSED)
                continue;
            if (!c.started && !key) {
                want_key = true;
                continue;
            }
            c.started = true;
            ready.emplace_back(c.feed, absolute > media_base ? absolute - media_base : 0);
        }
        if (want_key && absolute < key_requested_ + 200 * GST_MSECOND)
            want_key = false;
        if (want_key)
            key_requested_ = absolute;
    }
    if (want_key)
        request_key_frame();
    GstCaps* caps = gst_sample_get_caps(sample);
    for (auto& [feed, pts] : ready) {
        auto out = Ref<GstBuffer>::adopt(gst_buffer_copy(in)); // metadata only, the bytes are shared
        GST_BUFFER_PTS(out.get()) = pts;
        GST_BUFFER_DTS(out.get()) = GST_CLOCK_TIME_NONE;
        GST_BUFFER_OFFSET(out.get()) = GST_BUFFER_OFFSET_END(out.get()) = GST_BUFFER_OFFSET_NONE;
        gst_app_src_set_caps(GST_APP_SRC(feed.get()), caps);
        gst_app_src_push_buffer(GST_APP_SRC(feed.get()), out.release());
    }
}

} // namespace sluice::simcam
