// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound beside the picture of one viewer: in which order, and from where.
#include "plugins/webrtc/viewer_stream.hpp"
#include "tests/support/rtp_packet.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

constexpr const char* aac = "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw";
constexpr const char* opus = "audio/x-opus, channel-mapping-family=(int)0";
const Bytes opus_packet{0xf8, 0xff, 0xfe}; // 20 ms of silence

struct ViewerSoundTest : testing::Test {
    std::shared_ptr<Channel> main = std::make_shared<Channel>("front/main"),
                             sub = std::make_shared<Channel>("front/sub"),
                             version = std::make_shared<Channel>("front/main~opus");
    Producer camera{main}, second{sub}, encoder{version};
    GstClockTime now = 1000 * GST_SECOND;
    std::unique_ptr<ViewerStream> viewer;
    std::vector<RtpPacket> sound;
    bool looks = false;

    void set_sound(Producer& p, const char* text) {
        const auto c = caps(text);
        ASSERT_TRUE(p.channel->set_track(p.token, 1, c.get()));
    }
    void watch(Codec codec, const std::string& stream = "main") {
        viewer = std::make_unique<ViewerStream>(
            ViewerStream::Scene{{"main", main}, {"sub", sub}}, stream, Codec::h264,
            RtpWriter::Identity{.ssrc = 1, .payload_type = 96},
            ViewerSound(codec,
                        {.ssrc = 2, .payload_type = 111, .clock_rate = rtp_clock_rate(codec), .first_seq = 65534}));
        follow();
        viewer->start();
    }
    // What Viewer does.
    bool follow() {
        const auto wanted = viewer->sound_wanted();
        if (!wanted)
            return false;
        const auto channel = wanted->as_opus ? version : wanted->stream;
        ViewerSound::Feed feed{*wanted, channel, channel->attach(Channel::Start::live, false, true)};
        viewer->take_sound(feed);
        return true;
    }
    void key(Producer& p) { write(p, key_unit(), 0); }
    void delta(Producer& p) { write(p, p_slice(), 0); }
    void beep(Producer& p, const Bytes& data = Bytes(160, 0x55)) { write(p, data, 1); }
    void write(Producer& p, const Bytes& data, unsigned track) {
        p.now = now;
        ASSERT_EQ(p.write(data, now, false, track), Channel::Written::ok);
        now += 20 * GST_MSECOND;
    }
    // What goes out now: v a unit of video, a one of sound.
    std::string send() {
        std::string out;
        for (int i = 0; i < 1000; ++i) {
            auto step = viewer->step(now);
            looks |= step.look_for_sound;
            if (step.packets && step.sound) {
                out += 'a';
                for (auto& p : rtp_packets(step.packets.get()))
                    sound.push_back(std::move(p));
            } else if (step.packets) {
                out += 'v';
            } else if (step.wait_until) {
                now = std::max(now, step.wait_until);
            } else {
                break;
            }
        }
        return out;
    }
};

TEST_F(ViewerSoundTest, BeginsNowWhileThePictureBeginsWithItsGop) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    beep(camera);
    delta(camera);
    beep(camera);
    watch(Codec::pcmu);
    EXPECT_EQ(send(), "vv") << "old sound helps nobody";
    beep(camera);
    EXPECT_EQ(send(), "a");
    ASSERT_EQ(sound.size(), 1u);
    EXPECT_EQ(sound[0].ssrc, 2u);
    EXPECT_EQ(sound[0].payload_type, 111);
    EXPECT_FALSE(sound[0].marker);
}

TEST_F(ViewerSoundTest, WhatCameBeforeTheConnectionIsOldToo) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    watch(Codec::pcmu);
    for (int i = 0; i < 5; ++i)
        beep(camera);
    viewer->start(); // connected
    EXPECT_EQ(send(), "v");
}

TEST_F(ViewerSoundTest, NeverWaitsForABurstOfPictures) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    for (int i = 0; i < 50; ++i)
        delta(camera);
    watch(Codec::pcmu);
    beep(camera);
    auto step = viewer->step(now);
    EXPECT_TRUE(step.sound && step.packets) << "in front of the burst";
    EXPECT_TRUE(viewer->step(now).packets);
    beep(camera);
    beep(camera);
    EXPECT_EQ(send().substr(0, 3), "aav") << "in the middle of it";
}

TEST_F(ViewerSoundTest, SequenceNumbersAndSamplesGoOnWithoutAGap) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    watch(Codec::pcmu);
    for (int i = 0; i < 4; ++i)
        beep(camera);
    send();
    ASSERT_EQ(sound.size(), 4u);
    for (size_t i = 1; i < sound.size(); ++i) {
        EXPECT_EQ(sound[i].seq, static_cast<uint16_t>(sound[i - 1].seq + 1));
        EXPECT_EQ(sound[i].timestamp, sound[i - 1].timestamp + 160);
    }
}

TEST_F(ViewerSoundTest, AViewerFarBehindGoesOnWithWhatIsNew) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    watch(Codec::pcmu);
    EXPECT_EQ(send(), "v");
    for (int i = 0; i < 200; ++i)
        beep(camera);
    EXPECT_EQ(send(), "");
    beep(camera);
    EXPECT_EQ(send(), "a");
}

TEST_F(ViewerSoundTest, SoundThatDoesNotFitComesFromItsOpusVersion) {
    set_sound(camera, aac);
    set_sound(encoder, opus);
    key(camera);
    watch(Codec::opus);
    ASSERT_TRUE(viewer->sound()->as_opus()) << "known when the viewer joins";
    key(encoder);
    beep(encoder, opus_packet);
    beep(camera);
    EXPECT_EQ(send(), "av");
    EXPECT_FALSE(looks);
    EXPECT_EQ(viewer->listening().size(), 2u) << "both channels wake it";
}

TEST_F(ViewerSoundTest, SoundThatComesLaterOrChangesIsLookedFor) {
    key(camera);
    watch(Codec::opus); // nothing is known of its sound
    EXPECT_EQ(send(), "v");
    set_sound(camera, "audio/x-mulaw");
    beep(camera);
    EXPECT_EQ(send(), "");
    EXPECT_TRUE(looks);
    EXPECT_TRUE(follow());
    EXPECT_TRUE(viewer->sound()->as_opus());
    EXPECT_FALSE(follow()) << "nothing to change any more";
}

TEST_F(ViewerSoundTest, TheTrackOfOneChannelIsNotThatOfAnother) {
    set_sound(camera, opus);
    const auto c = caps(opus);
    ASSERT_TRUE(version->set_track(encoder.token, 3, c.get()));
    key(camera);
    key(encoder);
    watch(Codec::opus);
    beep(camera, opus_packet);
    EXPECT_EQ(send(), "av");
    set_sound(camera, aac); // of the same generation: nothing but the caps has changed
    beep(camera);
    send();
    ASSERT_TRUE(follow());
    write(encoder, opus_packet, 3);
    EXPECT_EQ(send(), "a");
}

TEST_F(ViewerSoundTest, AnMLineOfG711StaysSilentWhenTheCameraSpeaksOtherwise) {
    set_sound(camera, aac);
    key(camera);
    watch(Codec::pcmu);
    beep(camera);
    EXPECT_EQ(send(), "v");
    EXPECT_FALSE(follow());
}

TEST_F(ViewerSoundTest, FollowsTheStreamIfThatHasSound) {
    set_sound(camera, "audio/x-mulaw");
    set_sound(second, "audio/x-mulaw");
    key(camera);
    key(second);
    watch(Codec::pcmu);
    EXPECT_EQ(send(), "v");
    auto reader = viewer->reader_for("sub");
    viewer->request_stream("sub", reader, now);
    EXPECT_EQ(send(), "v");
    EXPECT_TRUE(looks);
    EXPECT_TRUE(follow());
    beep(camera);
    EXPECT_EQ(send(), "");
    beep(second);
    EXPECT_EQ(send(), "a");
}

TEST_F(ViewerSoundTest, StaysWithWhatItHearsIfTheOtherStreamIsMute) {
    set_sound(camera, "audio/x-mulaw");
    key(camera);
    key(second);
    watch(Codec::pcmu);
    send();
    auto reader = viewer->reader_for("sub");
    viewer->request_stream("sub", reader, now);
    EXPECT_EQ(send(), "v");
    EXPECT_FALSE(follow());
    beep(camera);
    EXPECT_EQ(send(), "a");
    const auto listening = viewer->listening();
    EXPECT_NE(std::find(listening.begin(), listening.end(), main), listening.end());
}

TEST_F(ViewerSoundTest, OneOfTwoTracksIsHeard) {
    set_sound(camera, "audio/x-mulaw");
    const auto c = caps("audio/x-mulaw");
    ASSERT_TRUE(main->set_track(camera.token, 2, c.get()));
    key(camera);
    watch(Codec::pcmu);
    EXPECT_EQ(send(), "v");
    beep(camera);
    write(camera, Bytes(160, 0x11), 2);
    beep(camera);
    EXPECT_EQ(send(), "aa");
    for (const auto& p : sound)
        EXPECT_EQ(p.payload[0], 0x55);
}

} // namespace
} // namespace sluice
