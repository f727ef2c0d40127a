// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound on its way to a real viewer (a second webrtcbin): what is agreed on, what comes, and who makes AAC fit.
#include "tests/support/whep_viewer.hpp"

#include <cmath>
#include <cstring>

namespace sluice {
namespace {

using namespace test;

constexpr const char* browser = WhepViewer::browser_sound;
const Bytes opus_packet{0xf8, 0xff, 0xfe}; // 20 ms of silence
constexpr int64_t ntp_epoch_ns = INT64_C(2'208'988'800'000'000'000);

struct WebrtcAudioTest : ChannelTest {
    Camera front{"front/main"};
    WebrtcServer server;

    void SetUp() override {
        ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
        front.begin();
    }
    HttpAnswer watch(WhepViewer& viewer) {
        auto answer = viewer.join(server);
        EXPECT_EQ(answer.status, 201u) << answer.error << answer.body;
        return answer;
    }
    // A receiver believes in a stream from its second packet on: a GOP of one unit would not be seen.
    void picture(uint8_t id) {
        front.key(id);
        front.delta(static_cast<uint8_t>(id + 1));
        front.delta(static_cast<uint8_t>(id + 2));
    }
    void beep(const Bytes& data = Bytes(160, 0x55)) { front.write(data, clock_now(), 1); }
    // The lines of the m-line for sound.
    static std::string sound_of(const std::string& sdp) {
        const size_t from = sdp.find("m=audio");
        return from == std::string::npos ? "" : sdp.substr(from, sdp.find("m=", from + 2) - from);
    }
    static bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
};

TEST_F(WebrtcAudioTest, TheAnswerTakesTheCamerasCodec) {
    struct Row {
        const char *caps, *map, *line;
    };
    for (const Row& row :
         {Row{"audio/x-opus", "a=rtpmap:111 OPUS/48000/2", "SAVPF 111\r"},
          Row{"audio/x-mulaw", "a=rtpmap:0 PCMU/8000", "SAVPF 0\r"},
          Row{"audio/x-alaw", "a=rtpmap:8 PCMA/8000", "SAVPF 8\r"},
          Row{"audio/mpeg, mpegversion=4, stream-format=raw", "a=rtpmap:111 OPUS/48000/2", "SAVPF 111\r"}}) {
        SCOPED_TRACE(row.caps);
        front.begin();
        front.add_sound(row.caps);
        picture(1);
        WhepViewer viewer(browser);
        const std::string sdp = watch(viewer).body, sound = sound_of(sdp);
        EXPECT_TRUE(has(sound, row.map)) << sdp;
        EXPECT_TRUE(has(sound, row.line)) << sdp;
        EXPECT_TRUE(has(sound, "a=sendonly")) << sdp;
        EXPECT_FALSE(has(sound, "nack")) << "lost sound is over before it could come again";
        EXPECT_TRUE(has(sdp, "a=group:BUNDLE video0 audio1")) << sdp;
        EXPECT_TRUE(viewer.wait_connected());
    }
}

TEST_F(WebrtcAudioTest, TheMLineIsAcceptedBeforeThereIsSound) {
    picture(1);
    WhepViewer viewer(browser);
    const std::string sound = sound_of(watch(viewer).body);
    EXPECT_TRUE(has(sound, "OPUS/48000/2")) << sound;
    EXPECT_TRUE(has(sound, "a=sendonly")) << sound;
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3"));
    front.add_sound("audio/x-opus");
    ASSERT_TRUE(eventually([&] {
        beep(opus_packet);
        return !viewer.sound_packets().empty();
    }));
}

TEST_F(WebrtcAudioTest, AViewerWithoutSoundGetsThePicture) {
    front.add_sound("audio/x-mulaw");
    picture(1);
    WhepViewer viewer;
    EXPECT_FALSE(has(watch(viewer).body, "m=audio"));
    beep();
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3"));
    front.delta(4);
    ASSERT_TRUE(viewer.wait_for("d4"));
    EXPECT_EQ(viewer.sound_packets().size(), 0u);
}

TEST_F(WebrtcAudioTest, PacketsComeAsTheyAreWithAStreamOfTheirOwn) {
    front.add_sound("audio/x-mulaw");
    picture(1);
    WhepViewer viewer(browser);
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3"));
    for (uint8_t i = 1; i <= 5; ++i)
        beep(Bytes(320, i)); // 40 ms
    ASSERT_TRUE(viewer.wait_for_sound(10));
    const auto all = viewer.sound_packets();
    ASSERT_EQ(all.size(), 10u);
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].payload, Bytes(160, static_cast<uint8_t>(i / 2 + 1)));
        EXPECT_EQ(all[i].payload_type, 0);
        EXPECT_NE(all[i].ssrc, viewer.packets()[0].ssrc);
        EXPECT_FALSE(all[i].marker);
        if (i > 0) {
            EXPECT_EQ(all[i].seq, static_cast<uint16_t>(all[i - 1].seq + 1));
            EXPECT_EQ(all[i].timestamp, all[i - 1].timestamp + 160);
        }
    }
    const auto stats = server.request("GET", viewer.location).body;
    EXPECT_TRUE(has(stats, "\"audio-codec\":\"PCMU\"")) << stats;
    EXPECT_TRUE(has(stats, "\"audio-packets-sent\":10")) << stats;
    EXPECT_TRUE(has(stats, "\"audio-bytes-sent\":1720")) << stats;
    EXPECT_TRUE(has(stats, "\"audio-transcoded\":false")) << stats;
}

TEST_F(WebrtcAudioTest, SenderReportsGiveBothStreamsTheCamerasTime) {
    // A channel that no other test wrote to: times of a new generation are never before those of the one before.
    Camera camera("clock/main");
    camera.begin();
    camera.add_sound("audio/x-mulaw");
    camera.key(1);
    camera.delta(2);
    WhepViewer viewer(browser);
    ASSERT_EQ(viewer.join(server, "/whep/clock").status, 201u);
    ASSERT_TRUE(viewer.wait_for("K1 d2"));
    // Sound as if it had taken 300 ms longer through the camera than the picture: its reports have to say so.
    const GstClockTime late = 300 * GST_MSECOND;
    const GstClockTime spoken = clock_now() - late;
    camera.write(Bytes(160, 1), spoken - 20 * GST_MSECOND, 1);
    camera.write(Bytes(160, 2), spoken, 1);
    const GstClockTime seen = clock_now();
    camera.delta(4);
    ASSERT_TRUE(viewer.wait_for("d4"));
    ASSERT_TRUE(viewer.wait_for_sound(2));
    const int64_t wall_minus_clock = g_get_real_time() * 1000 - static_cast<int64_t>(clock_now()) + ntp_epoch_ns;
    const auto video = viewer.packets().back(), sound = viewer.sound_packets().back();
    std::optional<WhepViewer::Report> of_video, of_sound;
    ASSERT_TRUE(eventually([&] {
        of_video = viewer.report_of(video.ssrc);
        of_sound = viewer.report_of(sound.ssrc);
        return of_video && of_sound;
    })) << "no sender reports";
    const auto error_ms = [&](const WhepViewer::Report& r, const RtpPacket& p, unsigned rate, GstClockTime truth) {
        const int64_t told = r.time_of(p.timestamp, rate) - wall_minus_clock;
        return static_cast<double>(told - static_cast<int64_t>(truth)) / 1e6;
    };
    EXPECT_LT(std::abs(error_ms(*of_video, video, 90000, seen)), 10);
    EXPECT_LT(std::abs(error_ms(*of_sound, sound, 8000, spoken)), 10);
}

// AAC from an encoder, into the channel in real time.
class AacSource {
public:
    explicit AacSource(const char* channel) {
        const std::string text =
            std::string("fanoutsink name=fan channel=") + channel +
            " videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! x264enc tune=zerolatency "
            "key-int-max=10 ! video/x-h264,profile=baseline ! h264parse config-interval=-1 ! "
            "video/x-h264,stream-format=byte-stream,alignment=au ! fan.sink_0 audiotestsrc is-live=true "
            "samplesperbuffer=1024 ! audio/x-raw,rate=16000,channels=1 ! avenc_aac ! aacparse ! "
            "audio/mpeg,stream-format=raw ! fan.sink_1";
        pipeline_ = sink(gst_parse_launch(text.c_str(), nullptr));
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    ~AacSource() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    AacSource(const AacSource&) = delete;
    AacSource& operator=(const AacSource&) = delete;

private:
    Ref<GstElement> pipeline_;
};

TEST_F(WebrtcAudioTest, AacIsMadeOpusOnceForAllWhoListenAndNoLonger) {
    front.end();
    const auto version = [] { return adopt(sluice_channel_lookup("front/main~opus")); };
    const auto stats_of_version = [&] {
        const auto v = version();
        return v ? channel_of(v.get())->stats(clock_now()) : ChannelStats{};
    };
    {
        const AacSource source("front/main");
        ASSERT_TRUE(eventually([&] { return front.channel().video_track() && front.channel().audio_track(); }));
        EXPECT_TRUE(eventually([&] { return !version(); }))
            << "nobody listens"; // another test's may have its grace time
        WhepViewer one(browser), two(browser), deaf;
        watch(one);
        watch(two);
        watch(deaf);
        ASSERT_TRUE(one.wait_for_sound(10));
        ASSERT_TRUE(two.wait_for_sound(10));
        EXPECT_EQ(one.sound_packets()[0].payload_type, 111);
        EXPECT_EQ(stats_of_version().generation, 1u) << "one for both";
        EXPECT_EQ(stats_of_version().readers, 2u);
        const auto stats = server.request("GET", one.location).body;
        EXPECT_TRUE(has(stats, "\"audio-transcoded\":true")) << stats;
        EXPECT_TRUE(has(server
                            .request("POST", "/whep/front?stream=main~opus", {{"Content-Type", "application/sdp"}},
                                     OfferText().text())
                            .body,
                        "has no stream 'main~opus', it has: main\""));
        EXPECT_EQ(server.request("DELETE", one.location).status, 200u);
        EXPECT_EQ(server.request("DELETE", two.location).status, 200u);
        ASSERT_TRUE(eventually([&] { return !version(); })) << "it ends when its grace time is over";
        EXPECT_EQ(server.session_count(), 1u);
        // And it begins again.
        WhepViewer three(browser);
        watch(three);
        ASSERT_TRUE(three.wait_for_sound(5));
        EXPECT_EQ(server.request("DELETE", three.location).status, 200u);
    }
    ASSERT_TRUE(eventually([&] { return !version(); }));
}

TEST_F(WebrtcAudioTest, ACameraThatChangesItsSoundIsStillHeard) {
    front.add_sound("audio/x-opus");
    picture(1);
    WhepViewer viewer(browser);
    watch(viewer);
    ASSERT_TRUE(viewer.wait_for("K1 d2 d3"));
    beep(opus_packet);
    beep(opus_packet);
    ASSERT_TRUE(viewer.wait_for_sound(2));
    // Somebody sets it to another codec, and again: what was agreed on is Opus.
    uint8_t id = 4;
    for (const char* codec : {"audio/x-mulaw, rate=(int)8000, channels=(int)1", "audio/x-opus",
                              "audio/x-alaw, rate=(int)8000, channels=(int)1"}) {
        SCOPED_TRACE(codec);
        front.begin();
        front.add_sound(codec);
        picture(id);
        id += 3;
        const size_t before = viewer.sound_packets().size();
        ASSERT_TRUE(eventually([&] {
            beep(std::strstr(codec, "opus") ? opus_packet : Bytes(160, 0x55));
            return viewer.sound_packets().size() > before + 3;
        }));
    }
    const auto all = viewer.sound_packets();
    for (size_t i = 1; i < all.size(); ++i) {
        EXPECT_EQ(all[i].payload_type, 111);
        EXPECT_EQ(all[i].seq, static_cast<uint16_t>(all[i - 1].seq + 1));
        EXPECT_GT(static_cast<int32_t>(all[i].timestamp - all[i - 1].timestamp), 0);
    }
}

TEST_F(WebrtcAudioTest, TheElementTakesSoundOnAPadOfItsOwn) {
    WebrtcServer own;
    const auto video = adopt(gst_element_request_pad_simple(own.element(), "video_%u"));
    const auto audio = adopt(gst_element_request_pad_simple(own.element(), "audio_%u"));
    ASSERT_TRUE(video && audio);
    EXPECT_STREQ(GST_OBJECT_NAME(audio.get()), "audio_0");
    EXPECT_EQ(GST_BIN_NUMCHILDREN(own.element()), 1) << "tracks of one stream";
    const auto other = adopt(gst_element_request_pad_simple(own.element(), "audio_1"));
    EXPECT_EQ(GST_BIN_NUMCHILDREN(own.element()), 2);
    gst_element_release_request_pad(own.element(), video.get());
    EXPECT_EQ(GST_BIN_NUMCHILDREN(own.element()), 2) << "its sound is still there";
    gst_element_release_request_pad(own.element(), audio.get());
    EXPECT_EQ(GST_BIN_NUMCHILDREN(own.element()), 1);
    gst_element_release_request_pad(own.element(), other.get());
    EXPECT_EQ(GST_BIN_NUMCHILDREN(own.element()), 0);
}

TEST_F(WebrtcAudioTest, ACameraThatHasOnlySoundIsRefusedInWords) {
    Camera radio("radio/main");
    radio.begin("audio/x-mulaw");
    radio.write(Bytes(160, 0x55), clock_now());
    const auto answer = server.post("/whep/radio");
    EXPECT_EQ(answer.status, 503u);
    EXPECT_TRUE(has(answer.body, "gives no picture, only sound")) << answer.body;
}

} // namespace
} // namespace sluice
