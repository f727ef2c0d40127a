// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/advice.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice::probe {

namespace {

constexpr double long_gop = 4; // seconds
constexpr uint64_t high_bitrate = 6'000'000;
constexpr double much_jitter = 40; // ms
constexpr double much_drift = 500; // ppm; crystals have 100 at most
constexpr unsigned many_slices = 8;
constexpr uint64_t most_samples = 4096 * 2304; // of a picture, level 5.1
constexpr double fps_differs = 0.1;            // from what the stream says of itself

void of_gop(const VideoFacts& v, std::vector<Advice>& out) {
    const StreamFigures& f = v.figures;
    const double seconds = f.gop ? f.gop->seconds.most : f.since_key;
    if (f.key_units == 0)
        out.push_back({"no-key-frame", Weight::warning,
                       f.recovery_points
                           ? "no key frame (IDR) comes, only recovery points: switch intra refresh (\"smart\" "
                             "coding) off and set an I-frame interval of 2 s; browsers wait for an IDR"
                           : "no key frame comes: set an I-frame interval of 2 s at the camera"});
    else if (seconds > long_gop)
        out.push_back(
            {"long-gop", Weight::warning,
             std::string("GOP is ") + (f.gop ? "" : "longer than ") + short_number(std::round(seconds * 10) / 10) +
                 " s: set the I-frame interval to 2 s; until a key frame comes a viewer whose picture is lost "
                 "waits, and so do recordings and HLS"});
    if (f.gop && f.gop->pictures.most > 2 * std::max(1u, f.gop->pictures.least) && f.gop->pictures.most > 2 &&
        seconds > 2)
        out.push_back({"uneven-gop", Weight::hint,
                       "key frames come at uneven distances: switch \"smart\" or adaptive coding off for segments of "
                       "even length"});
}

// encoded: all the time, whoever watches.
void of_codec(const VideoFacts& v, bool encoded, std::vector<Advice>& out) {
    if (v.codec == "H265")
        out.push_back(
            {"h265", Weight::warning,
             "the video is H.265, which most browsers cannot play in WebRTC: set the camera to H.264, or keep "
             "H.265 for recordings and add a stream of H.264 as \"sub\"; while it is watched without either, Sluice "
             "encodes it anew, at the cost of processor time"});
    else if (v.codec == "JPEG")
        out.push_back({"jpeg", encoded ? Weight::hint : Weight::warning,
                       std::string("the video is JPEG, ") +
                           (encoded ? "" : "which no browser plays in WebRTC: while it is watched ") +
                           (encoded ? "which Sluice encodes as H.264" : "Sluice encodes it anew") +
                           ", at the cost of processor time; if the camera has a stream of H.264, use that"});
    if (v.b_frames)
        out.push_back({"b-frames", Weight::warning,
                       "it has B-frames, which browsers cannot play in WebRTC: switch them off, or choose the "
                       "Baseline profile; until then Sluice encodes it anew while it is watched"});
    if (v.codec == "H264" && (v.profile.find("10") != std::string::npos || v.profile.find("4:") != std::string::npos))
        out.push_back({"profile", Weight::warning,
                       "browsers do not decode the profile " + v.profile + ": set Baseline, Main or High"});
    if (uint64_t{v.width} * v.height > most_samples)
        out.push_back(
            {"large-picture", Weight::hint,
             "the picture is larger than 4K, which many decoders in hardware cannot do: set a smaller one, or "
             "add a smaller stream as \"sub\""});
    if (v.interlaced)
        out.push_back({"interlaced", Weight::hint,
                       "the video is interlaced: browsers show it with combs; set the camera to progressive"});
}

void of_rate(const VideoFacts& v, std::vector<Advice>& out) {
    const StreamFigures& f = v.figures;
    if (f.bitrate > high_bitrate && v.codec != "JPEG") // that reaches no viewer as it is
        out.push_back(
            {"high-bitrate", Weight::hint,
             "the video takes " + bits_text(f.bitrate) +
                 ": for viewers behind a VPN or a phone add the camera's smaller stream as \"sub\"; each gets "
                 "what its connection carries"});
    if (f.variable_fps)
        out.push_back({"variable-fps", Weight::hint,
                       "the number of pictures per second changes: set a fixed one, and a shutter that is short enough "
                       "for it at night"});
    else if (v.nominal_fps > 0 && f.fps > 0 && std::abs(f.fps - v.nominal_fps) > fps_differs * v.nominal_fps)
        out.push_back({"fps-differs", Weight::hint,
                       "the stream calls itself one of " + short_number(v.nominal_fps) +
                           " pictures per second and has " + short_number(f.fps) + "; what counts is what comes"});
    if (f.slices > many_slices)
        out.push_back({"many-slices", Weight::hint,
                       "each picture is cut into up to " + std::to_string(f.slices) +
                           " slices, which costs bits: set one slice per picture if the camera lets you"});
}

void of_clock(const Facts& facts, std::vector<Advice>& out) {
    if (facts.fell_to_tcp)
        out.push_back(
            {"udp-blocked", Weight::warning,
             "nothing comes over UDP, this is over TCP: leave the transport at tcp, or let UDP from the camera "
             "pass the firewall"});
    if (!facts.clock)
        return;
    const ClockFigures& c = *facts.clock;
    if (c.lost > 0)
        out.push_back({"packet-loss", Weight::warning,
                       std::to_string(c.lost) + " of " + std::to_string(c.lost + c.packets) + " packets are lost" +
                           (facts.transport == "udp" ? ": try TCP (--transport tcp, the default of Sluice)"
                                                     : " although they come over TCP: the camera is overloaded; take a "
                                                       "smaller stream or fewer clients")});
    if (!c.advances)
        out.push_back({"clock-stands", Weight::warning,
                       "the timestamps do not advance as pictures come: Sluice goes by their arrival; look for a newer "
                       "firmware"});
    else if (c.jumps > 0 || facts.time_jumps > 0)
        out.push_back(
            {"clock-jumps", Weight::warning,
             "the timestamps jump: switch the camera's time to NTP without steps, or look for a newer firmware"});
    else if (std::abs(c.drift_ppm) > much_drift && std::abs(c.drift_ppm) > 3 * c.uncertainty_ppm)
        out.push_back({"clock-drifts", Weight::hint,
                       "the camera's clock is off by " + short_number(std::round(std::abs(c.drift_ppm))) +
                           " ppm: sound and recordings will be cut or stretched by that"});
    if (c.jitter_ms > much_jitter && !c.reordered) // with B-frames it is of the order, too
        out.push_back({"jitter", Weight::hint,
                       "pictures come " + short_number(std::round(c.jitter_ms)) +
                           " ms early or late: look at the network between, Wi-Fi first"});
    if (!c.sender_reports && facts.watched >= 6)
        out.push_back({"no-sender-reports", Weight::hint,
                       "no RTCP sender report came: sound and picture are kept together by their arrival only, and "
                       "nobody knows the camera's time of a picture"});
}

} // namespace

std::string short_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", value);
    std::string out = text;
    while (out.ends_with('0'))
        out.pop_back();
    if (out.ends_with('.'))
        out.pop_back();
    return out;
}

std::string bits_text(uint64_t bits) {
    const auto b = static_cast<double>(bits);
    char text[32];
    if (b >= 1e6)
        std::snprintf(text, sizeof text, "%.1f Mbit/s", b / 1e6);
    else
        std::snprintf(text, sizeof text, "%.0f kbit/s", b / 1e3);
    return text;
}

std::vector<Advice> advice(const Facts& facts) {
    std::vector<Advice> out;
    if (facts.video) {
        if (!facts.encoded) // what Sluice makes is as it should be
            of_gop(*facts.video, out);
        of_codec(*facts.video, facts.encoded.has_value(), out);
        of_rate(*facts.video, out);
    }
    of_clock(facts, out);
    return out;
}

} // namespace sluice::probe
