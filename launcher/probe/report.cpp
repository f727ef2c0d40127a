// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/report.hpp"

#include "launcher/probe/playability.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice::probe {

namespace {

constexpr size_t width = 96, indent = 9; // columns
constexpr double tellable_ppm = 1000;    // what is less certain says nothing of a clock

// What a camera says of itself: no control characters on a terminal.
std::string printable_lines(std::string text) {
    for (char& c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f)
            c = '?';
    return text;
}

// Words in lines, the second and later ones moved in.
std::string wrapped(const std::string& head, const std::string& text, size_t in = indent) {
    std::string out = head;
    out.resize(std::max(in, head.size()), ' ');
    size_t column = out.size();
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (column + 1 + word.size() > width && column > in) {
            out += "\n" + std::string(in, ' ');
            column = in;
        } else if (column > in) {
            out += ' ';
            column++;
        }
        out += word;
        column += word.size();
        at = end + 1;
    }
    return out + "\n";
}

std::string tenths(double value) { return short_number(std::round(value * 10) / 10); }
std::string plural(unsigned count, const std::string& word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string spread(const Spread<double>& s) {
    const bool even = s.most - s.least < 0.1 * s.median + 0.05;
    return tenths(s.median) + " s" + (even ? "" : " (" + tenths(s.least) + " to " + tenths(s.most) + ")");
}

std::string name_of(const std::string& codec) {
    return codec == "H264" ? "H.264" : codec == "H265" ? "H.265" : codec == "raw" ? "raw pictures" : codec;
}

std::string capital(std::string text) {
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '-')
            text[i] = ' ';
        if (i == 0 || text[i - 1] == ' ')
            text[i] = g_ascii_toupper(text[i]);
    }
    return text;
}

std::string rate_line(const VideoFacts& v) {
    const StreamFigures& f = v.figures;
    std::string out = bits_text(f.bitrate) + " (peak " + bits_text(f.peak_bitrate) + ")";
    if (v.codec == "JPEG")
        return out;
    if (f.gop)
        out += ", key frame each " + spread(f.gop->seconds) + " (" + plural(f.gop->pictures.median, "picture") + ")";
    else if (f.key_units)
        out += ", no second key frame within " + tenths(f.since_key) + " s";
    else
        out += ", no key frame";
    if (f.recovery_points)
        out += ", " + plural(f.recovery_points, "recovery point");
    out += v.b_frames ? ", B-frames" : ", no B-frames";
    if (f.b_run)
        out += " (" + std::to_string(f.b_run) + " on end)";
    return f.slices > 1 ? out + ", up to " + std::to_string(f.slices) + " slices" : out;
}

std::string video_line(const VideoFacts& v) {
    std::string out = name_of(v.codec);
    if (!v.profile.empty())
        out += " " + capital(v.profile);
    if (!v.level.empty())
        out += ", level " + v.level;
    out += ", " + std::to_string(v.width) + "x" + std::to_string(v.height) + (v.interlaced ? " interlaced" : "");
    if (v.figures.fps > 0)
        out += ", " + short_number(v.figures.fps) + " fps" + (v.figures.variable_fps ? " (changing)" : "");
    return out;
}

std::string sound_line(const SoundFacts& s) {
    std::string out = s.codec == "OPUS"                        ? "Opus"
                      : s.codec == "PCMU" || s.codec == "PCMA" ? "G.711 " + s.codec
                                                               : s.codec;
    if (s.rate)
        out += ", " + short_number(s.rate / 1000.0) + " kHz";
    if (s.channels)
        out += s.channels == 1 ? ", mono" : s.channels == 2 ? ", stereo" : ", " + plural(s.channels, "channel");
    return s.bitrate ? out + ", " + bits_text(s.bitrate) : out;
}

std::string clock_line(const ClockFigures& c) {
    if (!c.advances)
        return "timestamps do not advance";
    std::string out = c.jumps ? "timestamps jump (" + plural(c.jumps, "time") + ")" : "steady";
    const double drift = std::abs(c.drift_ppm);
    if (drift > 3 * c.uncertainty_ppm)
        out += ", " + short_number(std::round(drift)) + (c.drift_ppm > 0 ? " ppm slow" : " ppm fast");
    else if (drift + c.uncertainty_ppm < tellable_ppm)
        out += ", drift below " + short_number(std::ceil((drift + c.uncertainty_ppm) / 10) * 10) + " ppm";
    return out + ", jitter " + tenths(c.jitter_ms) + " ms, " + (c.sender_reports ? "with" : "no") +
           " RTCP sender reports";
}

std::string source_line(const Facts& facts) {
    std::string out = facts.source_template;
    if (!facts.transport.empty())
        out = "RTSP over " +
              std::string(facts.transport == "udp"    ? "UDP"
                          : facts.transport == "http" ? "HTTP"
                                                      : "TCP") +
              (facts.fell_to_tcp ? " (nothing came over UDP)" : "");
    if (facts.clock)
        out += facts.clock->lost ? ", " + std::to_string(facts.clock->lost) + " packets lost" : ", nothing lost";
    if (facts.watched > 0)
        out += ", first key frame after " + tenths(facts.first_picture) + " s, watched for " + tenths(facts.watched) +
               " s";
    std::string left;
    for (const TrackFacts& track : facts.tracks)
        if (!track.taken)
            left += (left.empty() ? "" : ", ") + track.media + " " + track.codec;
    return out + (left.empty() ? "" : "; offered, not taken: " + left);
}

std::string word(const Answer& answer) {
    switch (answer.plays) {
    case Plays::yes: return "yes";
    case Plays::some: return "some";
    case Plays::converted: return "as Opus";
    case Plays::no: return "no";
    case Plays::none: return "-";
    }
    return "no";
}

std::string plays_table(const Facts& facts) {
    std::string out;
    for (const Consumer& c : playability(facts)) {
        char row[80];
        std::snprintf(row, sizeof row, "  %-22s %-8s %-9s", c.name, word(c.video).c_str(), word(c.sound).c_str());
        const std::string& picture = c.video.reason;
        const std::string& sound =
            c.sound.plays == Plays::none || c.sound.plays == Plays::converted ? "" : c.sound.reason;
        out += wrapped(row, picture + (picture.empty() || sound.empty() ? "" : "; ") + sound, 43);
        while (out.ends_with(" \n"))
            out.erase(out.size() - 2, 1);
    }
    return out.empty() ? out : "\nplays as it is           picture  sound\n" + out;
}

std::string usable_line(const Facts& facts, const std::vector<Advice>& all) {
    const auto warnings =
        std::count_if(all.begin(), all.end(), [](const Advice& a) { return a.weight == Weight::warning; });
    bool browsers = false; // at least some of one kind, over WebRTC
    for (const Consumer& c : playability(facts))
        browsers = browsers || (std::string_view(c.id).ends_with("-webrtc") && c.video.plays != Plays::no);
    return std::string("usable") + (browsers ? "" : ", but by no browser over WebRTC") +
           (warnings ? ", with " + plural(static_cast<unsigned>(warnings), "warning") : "");
}

} // namespace

std::string text_report(const Facts& facts) {
    std::string out;
    const bool seen = facts.video.has_value();
    if (seen) {
        out += wrapped("video", video_line(*facts.video));
        if (facts.video->codec != "raw")
            out += wrapped("", rate_line(*facts.video));
        if (facts.encoded) {
            out += wrapped("served", "encoded by Sluice as " + video_line(*facts.encoded));
            out += wrapped("", rate_line(*facts.encoded));
        }
        out += wrapped("sound", facts.sound ? sound_line(*facts.sound) : "none");
        if (facts.clock)
            out += wrapped("clock", clock_line(*facts.clock));
    }
    out += wrapped("source", source_line(facts));
    out += plays_table(facts);
    const std::vector<Advice> all = advice(facts);
    if (!all.empty())
        out += "\nadvice\n";
    for (const Advice& a : all)
        out += wrapped(a.weight == Weight::warning ? "  !" : "  -", a.text, 4);
    const Verdict v = verdict(facts);
    out += "\n";
    if (v.usable)
        return printable_lines(out + usable_line(facts, all) + "\n");
    out += wrapped("not usable: " + v.cause + ":", v.reason);
    if (!v.next.empty())
        out += wrapped("to do:", v.next);
    return printable_lines(out);
}

std::string progress_line(const std::string& stage, double watched, double planned, unsigned pictures) {
    if (pictures == 0)
        return stage + "...";
    char text[96];
    std::snprintf(text, sizeof text, "watching: %.0f of %.0f s, %u pictures", std::min(watched, planned), planned,
                  pictures);
    return text;
}

} // namespace sluice::probe
