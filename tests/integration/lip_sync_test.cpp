// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound and picture of one moment reach a viewer as of one moment. A camera flashes and beeps in the same instant; a viewer
// receives it; what it received is decoded with the times that RTP and the sender reports give each packet.
#include "launcher/camera/pipeline_factory.hpp"
#include "launcher/camera/sound_version.hpp"
#include "launcher/camera/track_offer.hpp"
#include "launcher/camera/worker_source.hpp"
#include "launcher/worker/transcode.hpp"
#include "plugins/core/opus_chain.hpp"
#include "tests/support/simcam_stream.hpp"
#include "tests/support/whep_viewer.hpp"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

namespace sluice {
namespace {

using namespace test;

// What a camera sees and hears, right into the channel: no network moves its times.
class DirectSource {
public:
    DirectSource(const std::string& sound, const std::string& channel)
        : stream_({.width = 320, .height = 184, .gop = 2, .bitrate = 300, .sound = sound}) {
        pipeline_ = sink(
            gst_parse_launch(("fanoutsink name=fanout channel=" + channel +
                              " appsrc name=feed is-live=true format=time ! h264parse config-interval=-1 ! "
                              "video/x-h264,stream-format=byte-stream,alignment=au ! fanout.sink_0 "
                              "appsrc name=sound is-live=true format=time ! " +
                              (sound == "aac" ? "aacparse ! audio/mpeg,stream-format=raw ! " : "") + "fanout.sink_1")
                                 .c_str(),
                             nullptr));
        feed_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "feed"));
        const auto sound_feed = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sound"));
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
        stream_.add(feed_.get(), sound_feed.get());
    }
    ~DirectSource() {
        stream_.remove(feed_.get());
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    }
    DirectSource(const DirectSource&) = delete;
    DirectSource& operator=(const DirectSource&) = delete;

private:
    Ref<GstElement> pipeline_, feed_;
    simcam::Stream stream_;
};

// The simulated camera, a program of its own.
class Simcam {
public:
    explicit Simcam(const char* sound) {
        GError* error = nullptr;
        process_ = adopt(g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, std::getenv("SLUICE_SIMCAM"),
                                          "--sound", sound, "--gop", "2", "--width", "320", "--height", "184",
                                          "--bitrate", "300", nullptr));
        const GErrorPtr owned(error);
        if (!process_)
            throw std::runtime_error(error->message);
        const auto lines = adopt(g_data_input_stream_new(g_subprocess_get_stdout_pipe(process_.get())));
        g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines.get()), FALSE);
        url = line(lines.get());
        if (line(lines.get()) != "ready")
            throw std::runtime_error("the simulated camera does not start");
    }
    ~Simcam() {
        g_subprocess_send_signal(process_.get(), SIGTERM);
        g_subprocess_wait(process_.get(), nullptr, nullptr);
    }
    Simcam(const Simcam&) = delete;
    Simcam& operator=(const Simcam&) = delete;
    std::string url;

private:
    static std::string line(GDataInputStream* in) {
        const GString8 text(g_data_input_stream_read_line(in, nullptr, nullptr, nullptr));
        return text ? text.get() : "";
    }
    Ref<GSubprocess> process_;
};

// The launcher's own template, without the launcher.
class RtspSource {
public:
    RtspSource(const std::string& url, const char* channel) {
        const Result<Templates> templates = Templates::load(std::getenv("SLUICE_PIPELINES"));
        SourceConfig source;
        source.source_template = "rtsp";
        source.url = url;
        auto made = make_source_pipeline(templates.value(), source, channel);
        if (!made)
            throw std::runtime_error(made.error().text);
        pipeline_ = std::move(made).value();
        offer_ = TrackOffer::attach(pipeline_.get());
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    ~RtspSource() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    RtspSource(const RtspSource&) = delete;
    RtspSource& operator=(const RtspSource&) = delete;

private:
    Ref<GstElement> pipeline_;
    std::shared_ptr<TrackOffer> offer_;
};

// Both ends of what makes sound Opus for the launcher: all but the process.
class OpusWorker {
public:
    explicit OpusWorker(const std::string& channel)
        : from_(adopt(sluice_channel_get(channel.c_str()))), result_(adopt(sluice_channel_get("worker/out"))),
          pipeline_(make_worker_pipeline(channel + opus_suffix).value()),
          fanout_(adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fanout"))),
          inlet_(pipeline_.get(),
                 [this](GstElement* source, const GstCaps*) {
                     return gst_element_link_pads(source, "src", fanout_.get(), "sink_%u");
                 }),
          transcode_(TranscodePipeline::create(sound_job(), "worker/out", [](const TranscodeFailure& f) {
                         ADD_FAILURE() << f.reason;
                     }).value()) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no sockets");
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
        near_.emplace(ends[0], channel_of(from_.get()),
                      WorkerLink::Events{.message = [this](WireMessage& m) { EXPECT_TRUE(inlet_.take(m)); }},
                      UnitSource::Media::sound);
        far_.emplace(ends[1], channel_of(result_.get()),
                     WorkerLink::Events{.message = [this](WireMessage& m) { transcode_->take(m); }});
        near_->start();
        far_->start();
    }
    ~OpusWorker() {
        near_.reset();
        far_.reset();
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    }
    OpusWorker(const OpusWorker&) = delete;
    OpusWorker& operator=(const OpusWorker&) = delete;
    // Who writes into a channel that somebody else has taken over hears it.
    bool alone() const {
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        return !adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    }

private:
    const Ref<SluiceChannel> from_, result_;
    const Ref<GstElement> pipeline_, fanout_;
    Inlet inlet_;
    const std::unique_ptr<TranscodePipeline> transcode_;
    std::optional<WorkerLink> near_, far_;
};

struct Decoded {
    int64_t time; // ns
    Bytes data;
};

// packets: whole RTP packets, with the moment of each.
std::vector<Decoded> decode(const std::string& caps_text, const std::string& chain,
                            const std::vector<std::pair<int64_t, Ref<GstBuffer>>>& packets) {
    const auto pipeline = sink(gst_parse_launch(
        ("appsrc name=in format=time ! " + chain + " ! appsink name=out sync=false").c_str(), nullptr));
    const auto in = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
    const auto out = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    const auto c = caps(caps_text.c_str());
    gst_app_src_set_caps(GST_APP_SRC(in.get()), c.get());
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    for (const auto& [time, packet] : packets) {
        auto copy = adopt(gst_buffer_copy(packet.get()));
        GST_BUFFER_PTS(copy.get()) = static_cast<GstClockTime>(time);
        GST_BUFFER_DTS(copy.get()) = GST_CLOCK_TIME_NONE;
        gst_app_src_push_buffer(GST_APP_SRC(in.get()), copy.release());
    }
    gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
    std::vector<Decoded> list;
    while (const auto sample = adopt(gst_app_sink_pull_sample(GST_APP_SINK(out.get())))) {
        GstBuffer* b = gst_sample_get_buffer(sample.get());
        list.push_back({static_cast<int64_t>(GST_BUFFER_PTS(b)), bytes_of(b)});
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return list;
}

constexpr unsigned width = 320, height = 184;

std::vector<int64_t> flashes_in(const std::vector<Decoded>& frames) {
    std::vector<int64_t> list;
    bool white = true;
    for (const Decoded& f : frames) {
        unsigned sum = 0, n = 0;
        for (unsigned y = height * 3 / 8; y < height * 5 / 8; y += 4)
            for (unsigned x = width * 13 / 16; x < width * 15 / 16; x += 4, ++n)
                sum += f.data.at(y * width + x);
        const bool now = sum / n > 190;
        if (now && !white)
            list.push_back(f.time);
        white = now;
    }
    return list;
}

std::vector<int64_t> beeps_in(const std::vector<Decoded>& buffers, unsigned rate) {
    std::vector<int64_t> list;
    int64_t loud_at = buffers.empty() ? 0 : buffers[0].time;
    for (const Decoded& b : buffers)
        for (size_t i = 0; i + 1 < b.data.size(); i += 2) {
            const auto sample = static_cast<int16_t>(b.data[i] | b.data[i + 1] << 8);
            if (std::abs(sample) < 3000)
                continue;
            const int64_t time = b.time + static_cast<int64_t>(i / 2) * 1'000'000'000 / rate;
            if (time > loud_at + 300'000'000)
                list.push_back(time);
            loud_at = time;
        }
    return list;
}

struct Case {
    const char* camera;  // what the camera sends
    const char* sent;    // what the viewer is to get
    bool rtsp;           // over the network, through rtspsrc and the launcher's template
    double limit_ms;     // rtspsrc takes the jitter of a busy machine for drift, of each stream by itself
    bool worker = false; // makes the Opus, as in the launcher
};

class LipSync : public testing::TestWithParam<Case> {};

TEST_P(LipSync, AFlashAndABeepOfOneInstantStayTogether) {
    const int64_t watched_ns = GetParam().rtsp ? 11'000'000'000 : 7'000'000'000;
    const int64_t settle_ns = GetParam().rtsp ? 4'000'000'000 : 1'500'000'000; // until the camera's reports have come
    const bool opus = !std::strcmp(GetParam().sent, "OPUS");
    const unsigned sound_rate = opus ? 48000 : 8000;
    Camera front{"front/main"}; // holds the channel
    std::optional<DirectSource> direct;
    std::optional<Simcam> camera;
    std::optional<RtspSource> source;
    if (GetParam().rtsp) {
        camera.emplace(GetParam().camera);
        source.emplace(camera->url, "front/main");
    } else {
        direct.emplace(GetParam().camera, "front/main");
    }
    WebrtcServer server;
    server.set("opus-versions", gboolean(!GetParam().worker));
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    std::optional<OpusWorker> worker;
    if (GetParam().worker)
        worker.emplace("front/main");
    ASSERT_TRUE(eventually([&] { return front.channel().video_track() && front.channel().audio_track(); }));

    struct Received {
        std::mutex mutex;
        std::vector<Ref<GstBuffer>> video, sound;
    } received;
    WhepViewer viewer(WhepViewer::browser_sound);
    viewer.on_packet = [&](bool sound, GstBuffer* packet) {
        std::lock_guard lock(received.mutex);
        (sound ? received.sound : received.video).push_back(ref(packet));
    };
    ASSERT_EQ(viewer.join(server).status, 201u);
    ASSERT_TRUE(eventually([&] {
        const auto p = viewer.sound_packets();
        return !p.empty() && p.back().timestamp - p.front().timestamp > watched_ns / 1'000'000 * (sound_rate / 1000);
    })) << viewer.sound_packets().size()
        << " packets of sound";

    const auto timed = [&](const std::vector<Ref<GstBuffer>>& packets, unsigned rate) {
        std::vector<std::pair<int64_t, Ref<GstBuffer>>> list;
        const auto report = viewer.report_of(rtp_packet(packets.front().get()).ssrc);
        if (!report)
            throw std::runtime_error("no sender report has come");
        for (const auto& p : packets)
            list.emplace_back(report->time_of(rtp_packet(p.get()).timestamp, rate), p);
        const int64_t begin = g_get_real_time() * 1000 + INT64_C(2'208'988'800'000'000'000) - 60'000'000'000;
        for (auto& [time, p] : list)
            time -= begin / 1'000'000'000'000 * 1'000'000'000'000; // small numbers for the decoders, the same for both
        return list;
    };
    std::lock_guard lock(received.mutex);
    const auto flashes = flashes_in(
        decode("application/x-rtp, media=video, clock-rate=90000, encoding-name=H264, payload=96",
               "rtph264depay ! avdec_h264 ! videoconvert ! video/x-raw,format=GRAY8", timed(received.video, 90000)));
    const std::string sound_caps = "application/x-rtp, media=audio, clock-rate=" + std::to_string(sound_rate) +
                                   ", encoding-name=" + GetParam().sent + ", payload=" + (opus ? "111" : "0");
    const auto beeps = beeps_in(decode(sound_caps,
                                       (opus ? "rtpopusdepay ! opusdec" : "rtppcmudepay ! mulawdec") +
                                           std::string(" ! audioconvert ! audio/x-raw,format=S16LE,channels=1"),
                                       timed(received.sound, sound_rate)),
                                sound_rate);

    EXPECT_TRUE(!worker || worker->alone());
    ASSERT_FALSE(beeps.empty()) << received.sound.size() << " packets";
    std::vector<double> offsets; // ms, + is a picture later than its sound
    std::string all;
    for (const int64_t flash : flashes) {
        if (flash < beeps.front() + settle_ns)
            continue;
        const auto nearest = *std::min_element(beeps.begin(), beeps.end(), [&](int64_t a, int64_t b) {
            return std::abs(a - flash) < std::abs(b - flash);
        });
        offsets.push_back(static_cast<double>(flash - nearest) / 1e6);
        all += (all.empty() ? "" : " ") + std::to_string(std::lround(offsets.back()));
    }
    ASSERT_GE(offsets.size(), 4u) << flashes.size() << " flashes, " << beeps.size() << " beeps";
    std::sort(offsets.begin(), offsets.end());
    const double median = offsets[offsets.size() / 2];
    std::printf("%s%s -> %s: picture minus sound, median %.1f ms (%s)\n", GetParam().camera,
                GetParam().rtsp     ? " over RTSP"
                : GetParam().worker ? " by a worker"
                                    : "",
                GetParam().sent, median, all.c_str());
    EXPECT_LE(std::abs(median), GetParam().limit_ms) << all;
}

// Sound and picture know by the camera's own clock when they were captured, from its first sender reports on.
TEST(CaptureTime, OfTheCameraIsKeptWithEachUnit) {
    const Camera front("front/main");
    auto reader = front.channel().attach(Channel::Start::cached_gop, true, true);
    Simcam simcam("pcmu");
    RtspSource rtsp(simcam.url, "front/main");
    int pictures = 0, sounds = 0;
    EXPECT_TRUE(eventually([&] {
        for (auto n = reader->next(); n.unit; n = reader->next()) {
            if (!n.unit->capture_time)
                continue;
            const auto age = g_get_real_time() * 1000 - static_cast<int64_t>(*n.unit->capture_time);
            EXPECT_GE(age, -INT64_C(200'000'000)); // its reports may be a little off
            EXPECT_LE(age, INT64_C(2'000'000'000));
            ++(is_video(n.unit->track->codec) ? pictures : sounds);
        }
        return pictures >= 10 && sounds >= 10;
    })) << pictures
        << ' ' << sounds;
}

// The worker comes first: what makes Opus in this process is there for a while after the last listener.
INSTANTIATE_TEST_SUITE_P(
    Codecs, LipSync,
    testing::Values(Case{"aac", "OPUS", false, 40, true}, Case{"opus", "OPUS", false, 40},
                    Case{"pcmu", "PCMU", false, 40}, Case{"aac", "OPUS", false, 40}, Case{"aac", "OPUS", true, 125}),
    [](const auto& row) {
        return row.param.camera + std::string(row.param.rtsp ? "_rtsp" : row.param.worker ? "_worker" : "");
    });

} // namespace
} // namespace sluice
