// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/playability.hpp"
#include "launcher/probe/report.hpp"

#include <cmath>

namespace sluice::probe {

namespace {

constexpr int schema_version = 1;

double rounded(double value, double step) { return std::round(value / step) * step; }
double thousandths(double value) { return std::round(value * 1000) / 1000; }
double tenths(double value) { return std::round(value * 10) / 10; }
Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json or_null(double value) { return value > 0 ? Json(thousandths(value)) : Json(); }

template <typename T, typename F> Json to_json(const Spread<T>& s, F&& as) {
    return Json{{"least", as(s.least)}, {"median", as(s.median)}, {"most", as(s.most)}};
}

Json gop_json(const StreamFigures& f) {
    Json out{{"key-units", f.key_units}, {"seconds", Json()}, {"pictures", Json()}, {"longer-than-seconds", Json()}};
    if (f.gop) {
        out["seconds"] = to_json(f.gop->seconds, thousandths);
        out["pictures"] = to_json(f.gop->pictures, [](unsigned n) { return n; });
    } else {
        out["longer-than-seconds"] = tenths(f.since_key);
    }
    return out;
}

Json video_json(const VideoFacts& v) {
    const StreamFigures& f = v.figures;
    const bool coded = v.codec != "raw";
    Json out{{"codec", v.codec},
             {"profile", or_null(v.profile)},
             {"level", or_null(v.level)},
             {"width", v.width},
             {"height", v.height},
             {"interlaced", v.interlaced},
             {"pictures", f.pictures},
             {"fps", or_null(f.fps)},
             {"nominal-fps", or_null(v.nominal_fps)},
             {"variable-fps", f.variable_fps},
             {"bitrate", coded ? Json(f.bitrate) : Json()},
             {"peak-bitrate", coded ? Json(f.peak_bitrate) : Json()}};
    out["gop"] = coded ? gop_json(f) : Json();
    out["recovery-points"] = f.recovery_points;
    out["b-frames"] = v.b_frames;
    out["reordered"] = f.reordered;
    out["slices"] = f.slices;
    return out;
}

Json clock_json(const ClockFigures& c) {
    return Json{{"packets", c.packets},
                {"lost", c.lost},
                {"advances", c.advances},
                {"jumps", c.jumps},
                {"drift-ppm", rounded(c.drift_ppm, 1)},
                {"uncertainty-ppm", rounded(c.uncertainty_ppm, 1)},
                {"jitter-ms", tenths(c.jitter_ms)},
                {"sender-reports", c.sender_reports}};
}

Json answer_json(const Answer& answer) {
    return Json{{"plays", to_string(answer.plays)}, {"reason", or_null(answer.reason)}};
}

} // namespace

Json document(const Facts& facts) {
    const Verdict v = verdict(facts);
    Json out{{"probe", schema_version},     {"sluice", SLUICE_VERSION}, {"url", facts.url},
             {"usable", v.usable},          {"exit-code", v.exit_code}, {"cause", or_null(v.cause)},
             {"reason", or_null(v.reason)}, {"next", or_null(v.next)}};
    out["source"] =
        Json{{"template", facts.source_template},        {"transport", or_null(facts.transport)},
             {"fell-to-tcp", facts.fell_to_tcp},         {"first-picture-seconds", or_null(facts.first_picture)},
             {"watched-seconds", tenths(facts.watched)}, {"interrupted", facts.interrupted},
             {"times-mended", facts.times_mended},       {"time-jumps", facts.time_jumps}};
    out["tracks"] = Json::array();
    for (const TrackFacts& track : facts.tracks)
        out["tracks"].push_back(Json{{"media", track.media}, {"codec", track.codec}, {"taken", track.taken}});
    out["video"] = facts.video ? video_json(*facts.video) : Json();
    out["encoded-as"] = facts.encoded ? video_json(*facts.encoded) : Json();
    out["sound"] = Json();
    if (facts.sound)
        out["sound"] = Json{{"codec", facts.sound->codec},
                            {"rate", facts.sound->rate},
                            {"channels", facts.sound->channels},
                            {"bitrate", facts.sound->bitrate}};
    out["clock"] = facts.clock ? clock_json(*facts.clock) : Json();
    out["plays"] = Json::array();
    for (const Consumer& c : playability(facts))
        out["plays"].push_back(
            Json{{"consumer", c.id}, {"video", answer_json(c.video)}, {"sound", answer_json(c.sound)}});
    out["advice"] = Json::array();
    for (const Advice& a : advice(facts))
        out["advice"].push_back(
            Json{{"id", a.id}, {"weight", a.weight == Weight::warning ? "warning" : "hint"}, {"text", a.text}});
    return out;
}

} // namespace sluice::probe
