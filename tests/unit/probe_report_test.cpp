// SPDX-License-Identifier: LGPL-2.1-or-later
// What sluice probe makes of what it has measured: who can play it, what to set, how it ends.
#include "launcher/probe/playability.hpp"
#include "launcher/probe/probe_options.hpp"
#include "launcher/probe/report.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace sluice;
using namespace sluice::probe;

namespace {

// A camera as it should be.
Facts good() {
    VideoFacts v{.codec = "H264", .profile = "high", .level = "4", .width = 1920, .height = 1080};
    v.figures = {
        .pictures = 150, .seconds = 6, .fps = 25, .bitrate = 4'000'000, .peak_bitrate = 5'000'000, .key_units = 4};
    v.figures.gop = StreamFigures::Gop{{2, 2, 2}, {50, 50, 50}};
    Facts f{.url = "rtsp://10.0.0.5/1", .source_template = "rtsp", .transport = "tcp", .watched = 6};
    f.video = v;
    f.clock = ClockFigures{.packets = 3000, .fps = 25, .uncertainty_ppm = 50, .jitter_ms = 1, .sender_reports = true};
    return f;
}

Facts with_sound(const char* codec) {
    Facts f = good();
    f.sound = SoundFacts{.codec = codec, .rate = 48000, .channels = 1, .bitrate = 64000, .packets = 100};
    return f;
}

Facts failed(FailureClass kind, const char* reason) {
    Facts f{.url = "rtsp://10.0.0.5/1", .source_template = "rtsp", .transport = "tcp"};
    f.failure = {kind, reason};
    return f;
}

std::set<std::string> ids(const Facts& facts) {
    std::set<std::string> out;
    for (const Advice& a : advice(facts)) {
        EXPECT_FALSE(a.text.empty());
        out.insert(a.id);
    }
    return out;
}

Consumer consumer(const Facts& facts, const std::string& id) {
    for (const Consumer& c : playability(facts))
        if (c.id == id)
            return c;
    ADD_FAILURE() << "no " << id;
    return {};
}

Plays video(const Facts& facts, const std::string& id) { return consumer(facts, id).video.plays; }
Plays sound(const Facts& facts, const std::string& id) { return consumer(facts, id).sound.plays; }

} // namespace

TEST(ProbePlays, AGoodCameraPlaysEverywhere) {
    const auto all = playability(good());
    EXPECT_EQ(all.size(), 7u);
    for (const Consumer& c : all) {
        EXPECT_EQ(c.video.plays, Plays::yes) << c.id;
        EXPECT_EQ(c.sound.plays, Plays::none) << c.id;
    }
    EXPECT_TRUE(playability(failed(FailureClass::refused, "no")).empty());
}

TEST(ProbePlays, EveryNoHasAReason) {
    for (const char* codec : {"H264", "H265", "JPEG"})
        for (const char* profile : {"high", "main", "main-10", "high-4:4:4", ""})
            for (const char* tone : {"AAC", "OPUS", "PCMU", "PCMA"})
                for (const bool b : {false, true}) {
                    Facts f = with_sound(tone);
                    f.video->codec = codec;
                    f.video->profile = profile;
                    f.video->b_frames = b;
                    for (const Consumer& c : playability(f)) {
                        EXPECT_EQ(c.video.plays == Plays::yes, c.video.reason.empty()) << c.id;
                        EXPECT_EQ(c.sound.plays == Plays::yes, c.sound.reason.empty()) << c.id;
                    }
                }
}

TEST(ProbePlays, BFramesAreForEverybodyButWebrtc) {
    Facts f = good();
    f.video->b_frames = true;
    for (const char* id : {"chromium-webrtc", "firefox-webrtc", "safari-webrtc"})
        EXPECT_EQ(video(f, id), Plays::no);
    for (const char* id : {"hls", "safari-hls", "rtsp", "recorder"})
        EXPECT_EQ(video(f, id), Plays::yes);
}

TEST(ProbePlays, H265) {
    Facts f = good();
    f.video->codec = "H265";
    f.video->profile = "main";
    EXPECT_EQ(video(f, "chromium-webrtc"), Plays::some);
    EXPECT_EQ(video(f, "firefox-webrtc"), Plays::no);
    EXPECT_EQ(video(f, "safari-webrtc"), Plays::some);
    EXPECT_EQ(video(f, "safari-hls"), Plays::yes);
    EXPECT_EQ(video(f, "rtsp"), Plays::yes);
    f.video->profile = "main-444";
    EXPECT_EQ(video(f, "safari-hls"), Plays::no);
}

TEST(ProbePlays, JpegIsForNoBrowser) {
    Facts f = good();
    f.video->codec = "JPEG";
    f.video->figures.bitrate = 25'000'000; // viewers get less, as it is encoded for them
    for (const char* id : {"chromium-webrtc", "firefox-webrtc", "safari-webrtc", "hls", "safari-hls", "recorder"})
        EXPECT_EQ(video(f, id), Plays::no) << id;
    EXPECT_EQ(video(f, "rtsp"), Plays::yes);
    const auto told = advice(f);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].weight, Weight::warning);
    EXPECT_NE(told[0].text.find("while it is watched Sluice encodes it anew"), std::string::npos) << told[0].text;
    f.encoded = good().video; // a camera of this machine
    EXPECT_EQ(advice(f)[0].weight, Weight::hint);
}

TEST(ProbePlays, ProfilesOfH264) {
    for (const char* profile : {"constrained-baseline", "baseline", "main", "high"}) {
        Facts f = good();
        f.video->profile = profile;
        EXPECT_EQ(video(f, "firefox-webrtc"), Plays::yes) << profile;
    }
    for (const char* profile : {"high-10", "high-4:2:2", "high-4:4:4"}) {
        Facts f = good();
        f.video->profile = profile;
        EXPECT_EQ(video(f, "chromium-webrtc"), Plays::no) << profile;
        EXPECT_EQ(video(f, "hls"), Plays::no) << profile;
        EXPECT_EQ(video(f, "recorder"), Plays::yes) << profile;
    }
}

TEST(ProbePlays, Sound) {
    EXPECT_EQ(sound(with_sound("AAC"), "chromium-webrtc"), Plays::converted);
    EXPECT_EQ(sound(with_sound("AAC"), "hls"), Plays::yes);
    EXPECT_EQ(sound(with_sound("OPUS"), "firefox-webrtc"), Plays::yes);
    EXPECT_EQ(sound(with_sound("OPUS"), "safari-hls"), Plays::some);
    EXPECT_EQ(sound(with_sound("OPUS"), "recorder"), Plays::yes);
    EXPECT_EQ(sound(with_sound("PCMA"), "safari-webrtc"), Plays::yes);
    EXPECT_EQ(sound(with_sound("PCMU"), "hls"), Plays::no);
    EXPECT_EQ(sound(with_sound("PCMU"), "recorder"), Plays::no);
    EXPECT_EQ(sound(with_sound("PCMU"), "rtsp"), Plays::yes);
}

TEST(ProbePlays, WhatSluiceEncodesIsWhatCounts) {
    Facts f = good();
    f.encoded = f.video;
    f.video->codec = "JPEG";
    f.video->b_frames = true;
    EXPECT_EQ(video(f, "chromium-webrtc"), Plays::yes);
}

TEST(ProbeAdvice, NoneForAGoodCamera) { EXPECT_EQ(ids(good()), std::set<std::string>()); }

TEST(ProbeAdvice, Gop) {
    Facts f = good();
    f.video->figures.gop = StreamFigures::Gop{{10, 10, 10}, {250, 250, 250}};
    EXPECT_EQ(ids(f), std::set<std::string>{"long-gop"});
    EXPECT_NE(advice(f).front().text.find("GOP is 10 s"), std::string::npos);
    f.video->figures.gop.reset();
    f.video->figures.since_key = 18;
    EXPECT_NE(advice(f).front().text.find("GOP is longer than 18 s"), std::string::npos);
    f.video->figures.since_key = 3; // interrupted early: nobody knows
    EXPECT_EQ(ids(f), std::set<std::string>());
    f.video->figures.gop = StreamFigures::Gop{{1, 2, 4}, {25, 50, 100}};
    EXPECT_EQ(ids(f), std::set<std::string>{"uneven-gop"});
    f.video->figures = {.pictures = 10, .key_units = 0, .recovery_points = 3};
    EXPECT_EQ(ids(f), std::set<std::string>{"no-key-frame"});
}

TEST(ProbeAdvice, EachRuleByItself) {
    const auto only = [](const char* id, const std::function<void(Facts&)>& change) {
        Facts f = good();
        change(f);
        EXPECT_EQ(ids(f), std::set<std::string>{id});
    };
    only("h265", [](Facts& f) { f.video->codec = "H265"; });
    only("jpeg", [](Facts& f) { f.video->codec = "JPEG"; });
    only("jpeg", [](Facts& f) { f.encoded = f.video, f.video->codec = "JPEG"; });
    only("b-frames", [](Facts& f) { f.video->b_frames = true; });
    only("profile", [](Facts& f) { f.video->profile = "high-4:2:2"; });
    only("interlaced", [](Facts& f) { f.video->interlaced = true; });
    only("large-picture", [](Facts& f) { f.video->width = 7680, f.video->height = 4320; });
    only("high-bitrate", [](Facts& f) { f.video->figures.bitrate = 8'000'000; });
    only("variable-fps", [](Facts& f) { f.video->figures.variable_fps = true; });
    only("fps-differs", [](Facts& f) { f.video->nominal_fps = 30; });
    only("many-slices", [](Facts& f) { f.video->figures.slices = 16; });
    only("udp-blocked", [](Facts& f) { f.fell_to_tcp = true; });
    only("packet-loss", [](Facts& f) { f.clock->lost = 3; });
    only("clock-stands", [](Facts& f) { f.clock->advances = false; });
    only("clock-jumps", [](Facts& f) { f.clock->jumps = 1; });
    only("clock-drifts", [](Facts& f) { f.clock->drift_ppm = -1500; });
    only("jitter", [](Facts& f) { f.clock->jitter_ms = 80; });
    only("no-sender-reports", [](Facts& f) { f.clock->sender_reports = false; });
}

TEST(ProbeAdvice, WhatIsNotCertainIsNotSaid) {
    Facts f = good();
    f.clock->drift_ppm = 1500;
    f.clock->uncertainty_ppm = 900;
    EXPECT_EQ(ids(f), std::set<std::string>());
    f = good();
    f.watched = 2; // too short to wait for one
    f.clock->sender_reports = false;
    EXPECT_EQ(ids(f), std::set<std::string>());
}

TEST(ProbeVerdict, Codes) {
    EXPECT_TRUE(verdict(good()).usable);
    EXPECT_EQ(verdict(good()).exit_code, 0);
    const std::pair<FailureClass, int> codes[] = {
        {FailureClass::unreachable, 69},  {FailureClass::refused, 69},   {FailureClass::timed_out, 69},
        {FailureClass::unauthorised, 77}, {FailureClass::not_found, 69}, {FailureClass::protocol, 76},
        {FailureClass::codec, 65},        {FailureClass::stalled, 75},   {FailureClass::ended, 75}};
    for (const auto& [kind, code] : codes) {
        const Verdict v = verdict(failed(kind, "because"));
        EXPECT_FALSE(v.usable);
        EXPECT_EQ(v.exit_code, code) << v.cause;
        EXPECT_EQ(v.cause, to_string(kind));
        EXPECT_FALSE(v.next.empty()) << v.cause;
    }
    Facts file = failed(FailureClass::not_found, "no such file");
    file.has_host = false;
    EXPECT_EQ(verdict(file).exit_code, 66);
    Facts none;
    none.interrupted = true;
    EXPECT_EQ(verdict(none).exit_code, 130);
    Facts early = good();
    early.interrupted = true;
    EXPECT_TRUE(verdict(early).usable);
    Facts keyless = good();
    keyless.video->figures.key_units = 0;
    EXPECT_EQ(verdict(keyless).cause, "no-key-frame");
    EXPECT_EQ(verdict(keyless).exit_code, 65);
}

TEST(ProbeReport, DocumentAndText) {
    Facts f = with_sound("AAC");
    f.tracks = {{"video", "H264", true}, {"application", "vnd.onvif.metadata", false}};
    const Json d = document(f);
    EXPECT_EQ(d["probe"], 1);
    EXPECT_EQ(d["usable"], true);
    EXPECT_EQ(d["video"]["gop"]["seconds"]["median"], 2.0);
    EXPECT_EQ(d["sound"]["codec"], "AAC");
    EXPECT_EQ(d["plays"].size(), 7u);
    EXPECT_TRUE(d["cause"].is_null());
    const std::string text = text_report(f);
    for (const char* words :
         {"H.264 High, level 4, 1920x1080, 25 fps", "key frame each 2 s (50 pictures)", "no B-frames",
          "AAC, 48 kHz, mono, 64 kbit/s", "as Opus", "application vnd.onvif.metadata", "usable\n"})
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    EXPECT_EQ(text.find("advice"), std::string::npos) << text;
}

TEST(ProbeReport, NothingOfACameraControlsTheTerminal) {
    Facts f = failed(FailureClass::protocol, "\x1b[2Jgone\r");
    f.tracks = {{"vi\x07"
                 "deo",
                 "H\n264", false}};
    const std::string text = text_report(f);
    for (const char c : {'\x1b', '\x07', '\r'})
        EXPECT_EQ(text.find(c), std::string::npos) << text;
}

TEST(ProbeReport, Progress) {
    EXPECT_EQ(progress_line("connecting", 0, 6, 0), "connecting...");
    EXPECT_EQ(progress_line("", 3.2, 6, 75), "watching: 3 of 6 s, 75 pictures");
}

TEST(ProbeReport, Numbers) {
    EXPECT_EQ(short_number(25), "25");
    EXPECT_EQ(short_number(29.97), "29.97");
    EXPECT_EQ(short_number(0), "0");
    EXPECT_EQ(short_number(12.5), "12.5");
    EXPECT_EQ(bits_text(4'140'000), "4.1 Mbit/s");
    EXPECT_EQ(bits_text(64'000), "64 kbit/s");
}
