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
    if (o.jpeg)
        return "jpegenc quality=70";
    if (o.h265) // without repeat-headers who begins behind the first picture never learns the parameter sets
        return "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=" + std::to_string(key_interval) + bitrate +
               " option-string=scenecut=0:bframes=" + std::to_string(o.bframes) +
               ":pools=none:frame-threads=1:repeat-headers=1 ! video/x-h265,stream-format=byte-stream,alignment=au";
    // No key frame but those of the interval: a reader that joins between two of them gets none, as from a real camera.
    return "x264enc tune=zerolatency speed-preset=ultrafast threads=1 b-adapt=false key-int-max=" +
           std::to_string(key_interval) + bitrate + " bframes=" + std::to_string(o.bframes) +
           // ultrafast turns off what makes a stream Main or High
           " cabac=" + (o.profile == "main" || o.profile == "high" ? "true" : "false") +
           " dct8x8=" + (o.profile == "high" ? "true" : "false") +
           " option-string=scenecut=0:slices=" + std::to_string(o.slices) +
           " ! video/x-h264,stream-format=byte-stream,alignment=au,profile=" + o.profile;
}

constexpr uint64_t sound_rate = 48000;

std::string sound_text(const StreamOptions& o) {
    if (o.sound.empty())
        return "";
    const std::string encoder = o.sound == "opus"   ? "opusenc"
                                : o.sound == "aac"  ? "avenc_aac"
                                : o.sound == "pcmu" ? "audio/x-raw,rate=8000 ! mulawenc"
                                                    : "audio/x-raw,rate=8000 ! alawenc";
    return " appsrc name=sound-source is-live=true format=time max-buffers=60 leaky-type=downstream "
           "caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved ! audioconvert ! audioresample ! " +
           encoder + " ! appsink name=sound-sink sync=false max-buffers=200 drop=true";
}

// The beep lasts as long as the flash: a tenth of each second.
bool beeps(const StreamOptions& o, uint64_t frame) {
    return !o.sound.empty() && frame % uint64_t(o.fps) < uint64_t(std::max(1, o.fps / 10));
}

} // namespace

Stream::Stream(const StreamOptions& options)
    : options_(options), info_(video_info(options)), picture_(info_, options.id, options.noise) {
    const std::string text = "appsrc name=source is-live=true format=time max-buffers=3 leaky-type=downstream ! " +
                             encoder_text(options_) + " ! appsink name=sink sync=false max-buffers=60 drop=true" +
                             sound_text(options_);
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
    if (!options_.sound.empty()) {
        sound_source_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sound-source"));
        sound_sink_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sound-sink"));
        callbacks.new_sample = [](GstAppSink* sink, gpointer self) {
            if (auto sample = adopt(gst_app_sink_pull_sample(sink)))
                static_cast<Stream*>(self)->deliver_sound(sample.get());
            return GST_FLOW_OK;
        };
        gst_app_sink_set_callbacks(GST_APP_SINK(sound_sink_.get()), &callbacks, this, nullptr);
    }
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
        // When it should have been drawn (the steady clock is GStreamer's): sound has no jitter either.
        const auto time = GstClockTime(duration_cast<nanoseconds>(due.time_since_epoch()).count());
        picture_.draw({map.data, map.size}, n, unix_ms, beeps(options_, n));
        gst_buffer_unmap(buffer.get(), &map);
        const GstClockTime base = gst_element_get_base_time(pipeline_.get());
        if (time < base)
            continue;
        GST_BUFFER_PTS(buffer.get()) = time - base;
        if (sound_source_ && n > 0)
            make_sound(n - 1, time - GST_SECOND / GstClockTime(options_.fps)); // a microphone knows it only now
        GST_BUFFER_DURATION(buffer.get()) = GST_SECOND / GstClockTime(options_.fps);
        gst_app_src_push_buffer(GST_APP_SRC(source_.get()), buffer.release());
    }
}

// What was heard while frame `number` was seen.
void Stream::make_sound(uint64_t number, GstClockTime time) {
    const GstClockTime base = gst_element_get_base_time(pipeline_.get());
    const auto fps = uint64_t(options_.fps);
    const uint64_t first = number * sound_rate / fps, end = (number + 1) * sound_rate / fps;
    if (time < base)
        return;
    auto buffer = adopt(gst_buffer_new_allocate(nullptr, (end - first) * 2, nullptr));
    GstMapInfo map;
    if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE))
        return;
    for (uint64_t i = first; i < end; i++) {
        const double value = beeps(options_, number) ? 12000 * std::sin(2 * M_PI * 1000 * double(i) / sound_rate) : 0;
        const auto sample = uint16_t(int16_t(std::lround(value)));
        map.data[2 * (i - first)] = uint8_t(sample);
        map.data[2 * (i - first) + 1] = uint8_t(sample >> 8);
    }
    gst_buffer_unmap(buffer.get(), &map);
    GST_BUFFER_PTS(buffer.get()) = time - base;
    GST_BUFFER_DURATION(buffer.get()) = gst_util_uint64_scale(end - first, GST_SECOND, sound_rate);
    gst_app_src_push_buffer(GST_APP_SRC(sound_source_.get()), buffer.release());
}

void Stream::request_key_frame() {
    auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(sink_.get(), "sink"));
    gst_pad_push_event(pad.get(),
                       gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                            gst_structure_new("GstForceKeyUnit", "all-headers", G_TYPE_BOOLEAN, TRUE,
                                                              "count", G_TYPE_UINT, 0u, nullptr)));
}

void Stream::add(GstElement* feed, GstElement* sound) {
    std::lock_guard lock(mutex_);
    consumers_.push_back({ref(feed), ref(sound), false});
}

void Stream::remove(GstElement* feed) {
    std::lock_guard lock(mutex_);
    std::erase_if(consumers_, [feed](const Consumer& c) { return c.feed.get() == feed; });
}

std::optional<GstClockTime> Stream::clock_time_of(GstSample* sample) const {
    // Signed: the time of a first B-frame stream begins before its segment.
    guint64 running = 0;
    const int sign = gst_segment_to_running_time_full(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                                      GST_BUFFER_PTS(gst_sample_get_buffer(sample)), &running);
    const GstClockTime base = gst_element_get_base_time(pipeline_.get());
    if (sign == 0)
        return std::nullopt;
    return sign > 0 ? base + running : base - std::min<guint64>(running, base);
}

namespace {
// Bytes are shared, only the description is a new one.
void push_copy(GstElement* feed, GstSample* sample, GstClockTime time) {
    const GstClockTime base = gst_element_get_base_time(feed);
    auto out = adopt(gst_buffer_copy(gst_sample_get_buffer(sample)));
    GST_BUFFER_PTS(out.get()) = time > base ? time - base : 0;
    GST_BUFFER_DTS(out.get()) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_OFFSET(out.get()) = GST_BUFFER_OFFSET_END(out.get()) = GST_BUFFER_OFFSET_NONE;
    gst_app_src_set_caps(GST_APP_SRC(feed), gst_sample_get_caps(sample));
    gst_app_src_push_buffer(GST_APP_SRC(feed), out.release());
}
} // namespace

void Stream::deliver_sound(GstSample* sample) {
    const auto time = clock_time_of(sample);
    if (!time)
        return;
    std::vector<Ref<GstElement>> ready;
    {
        std::lock_guard lock(mutex_);
        for (const auto& c : consumers_)
            if (c.started && c.sound)
                ready.push_back(c.sound);
    }
    for (const auto& feed : ready)
        push_copy(feed.get(), sample, *time);
}

void Stream::deliver(GstSample* sample) {
    GstBuffer* in = gst_sample_get_buffer(sample);
    const auto time = clock_time_of(sample);
    if (!time)
        return;
    const GstClockTime absolute = *time;
    const bool key = !GST_BUFFER_FLAG_IS_SET(in, GST_BUFFER_FLAG_DELTA_UNIT);

    std::vector<Ref<GstElement>> ready;
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
            ready.push_back(c.feed);
        }
        if (want_key && absolute < key_requested_ + 200 * GST_MSECOND)
            want_key = false;
        if (want_key)
            key_requested_ = absolute;
    }
    if (want_key)
        request_key_frame();
    for (const auto& feed : ready)
        push_copy(feed.get(), sample, absolute);
}

} // namespace sluice::simcam
