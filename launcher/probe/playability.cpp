// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/playability.hpp"

#include <array>

namespace sluice::probe {

namespace {

enum class Kind : uint8_t { chromium_webrtc, firefox_webrtc, safari_webrtc, hls, safari_hls, rtsp, recorder };

struct Row {
    Kind kind;
    const char* id;
    const char* name;
};
constexpr std::array<Row, 7> rows{{{Kind::chromium_webrtc, "chromium-webrtc", "Chromium, WebRTC"},
                                   {Kind::firefox_webrtc, "firefox-webrtc", "Firefox, WebRTC"},
                                   {Kind::safari_webrtc, "safari-webrtc", "Safari, WebRTC"},
                                   {Kind::hls, "hls", "HLS, other browsers"},
                                   {Kind::safari_hls, "safari-hls", "HLS, Safari"},
                                   {Kind::rtsp, "rtsp", "RTSP clients"},
                                   {Kind::recorder, "recorder", "recorder (fMP4)"}}};

bool is_webrtc(Kind kind) { return kind <= Kind::safari_webrtc; }
bool is_browser(Kind kind) { return kind <= Kind::safari_hls; }

// 8 bits, 4:2:0: what decoders in browsers and most hardware know. An unknown profile gets the benefit of the doubt.
bool usual_profile(const VideoFacts& v) {
    if (v.codec == "H265")
        return v.profile.empty() || v.profile == "main" || v.profile == "main-still-picture";
    for (const char* profile :
         {"", "constrained-baseline", "baseline", "main", "high", "progressive-high", "constrained-high", "extended"})
        if (v.profile == profile)
            return true;
    return false;
}

Answer h265(Kind kind, const VideoFacts& v) {
    if (!is_browser(kind))
        return {};
    switch (kind) {
    case Kind::firefox_webrtc: return {Plays::no, "Firefox has no H.265 in WebRTC"};
    case Kind::chromium_webrtc: return {Plays::some, "H.265 from Chromium 136 on, with a decoder in hardware"};
    case Kind::safari_webrtc: return {Plays::some, "H.265 from Safari 18 on"};
    case Kind::hls: return {Plays::some, "H.265 with a decoder in hardware or of the system"};
    default: break;
    }
    if (!usual_profile(v) && v.profile != "main-10")
        return {Plays::no, "the profile " + v.profile};
    return {};
}

Answer jpeg(Kind kind) {
    if (is_webrtc(kind))
        return {Plays::no, "no browser takes JPEG in WebRTC"};
    if (kind == Kind::rtsp)
        return {};
    return {Plays::no, std::string(kind == Kind::recorder ? "fMP4" : "HLS") + " has no motion JPEG"};
}

Answer video(Kind kind, const VideoFacts& v) {
    if (v.figures.key_units == 0 && kind != Kind::rtsp)
        return {Plays::no, "no key frame to begin with"};
    if (is_webrtc(kind) && v.b_frames)
        return {Plays::no, "B-frames: pictures jump back and forth"};
    if (v.codec == "H265")
        return h265(kind, v);
    if (v.codec == "JPEG")
        return jpeg(kind);
    if (is_browser(kind) && !usual_profile(v))
        return {Plays::no, "the profile " + v.profile};
    if (kind == Kind::firefox_webrtc && v.interlaced)
        return {Plays::no, "interlaced"};
    return {};
}

Answer sound(Kind kind, const Facts& facts) {
    if (!facts.sound)
        return {Plays::none, "no sound"};
    const std::string& codec = facts.sound->codec;
    const bool telephone = codec == "PCMU" || codec == "PCMA";
    if (is_webrtc(kind))
        return codec == "AAC" ? Answer{Plays::converted, "WebRTC has no AAC; Sluice makes Opus of it"} : Answer{};
    if (kind == Kind::rtsp || codec == "AAC")
        return {};
    if (telephone)
        return {Plays::no, std::string(kind == Kind::recorder ? "fMP4" : "HLS") + " has no G.711"};
    return kind == Kind::safari_hls ? Answer{Plays::some, "Opus from Safari 17 on"} : Answer{};
}

} // namespace

const char* to_string(Plays plays) {
    switch (plays) {
    case Plays::yes: return "yes";
    case Plays::some: return "some";
    case Plays::converted: return "as-opus";
    case Plays::no: return "no";
    case Plays::none: return "none";
    }
    return "no";
}

std::vector<Consumer> playability(const Facts& facts) {
    std::vector<Consumer> out;
    if (const VideoFacts* served = facts.served())
        for (const Row& row : rows)
            out.push_back({row.id, row.name, video(row.kind, *served), sound(row.kind, facts)});
    return out;
}

} // namespace sluice::probe
