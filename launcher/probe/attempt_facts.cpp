// SPDX-License-Identifier: LGPL-2.1-or-later
// What an attempt has come to.
#include "launcher/probe/attempt.hpp"

namespace sluice::probe {

namespace {

const GstStructure* structure_of(const TrackPtr& track) {
    return track && track->caps && !gst_caps_is_empty(track->caps.get()) ? gst_caps_get_structure(track->caps.get(), 0)
                                                                         : nullptr;
}

std::string text(const GstStructure* s, const char* field) {
    const char* value = s ? gst_structure_get_string(s, field) : nullptr;
    return value ? value : "";
}

unsigned number(const GstStructure* s, const char* field) {
    int value = 0;
    return s && gst_structure_get_int(s, field, &value) && value > 0 ? static_cast<unsigned>(value) : 0;
}

double fraction(const GstStructure* s, const char* field) {
    int n = 0, d = 1;
    return s && gst_structure_get_fraction(s, field, &n, &d) && n > 0 && d > 0 ? static_cast<double>(n) / d : 0;
}

std::string sound_name(Codec codec) { return codec == Codec::aac ? "AAC" : codec_name(codec); }

} // namespace

VideoFacts Attempt::video_facts(const ClockFigures* clock) const {
    const GstStructure* s = structure_of(video_track_);
    VideoFacts out;
    out.codec = codec_name(video_track_->codec);
    out.profile = text(s, "profile");
    out.level = text(s, "level");
    out.width = number(s, "width");
    out.height = number(s, "height");
    if (!out.width || !out.height) { // of JPEG only the pictures say it
        const SequenceInfo said = channel_->stats(channel_now()).video;
        out.width = said.width;
        out.height = said.height;
    }
    out.nominal_fps = fraction(s, "framerate");
    const std::string interlace = text(s, "interlace-mode");
    out.interlaced = !interlace.empty() && interlace != "progressive";
    // The camera's timestamps, if they are good for anything, know better than what the network made of them.
    const bool by_rtp = clock && clock->advances && clock->fps > 0;
    out.figures = video_.figures(by_rtp ? clock->fps : 0);
    if (by_rtp) {
        out.figures.variable_fps = clock->variable_fps;
        out.figures.reordered = clock->reordered;
    }
    out.b_frames = out.figures.reordered || out.figures.b_run > 0;
    return out;
}

Facts Attempt::facts() const {
    Facts out;
    out.url = redact_urls(source_.url); // its query may hold a password
    out.source_template = source_.source_template;
    if (out.source_template == "rtsp")
        out.transport = source_.transport == Transport::udp    ? "udp"
                        : source_.transport == Transport::http ? "http"
                                                               : "tcp";
    out.fell_to_tcp = fell_to_tcp_;
    out.has_user = !source_.user.empty() || !source_.password.empty();
    out.has_host = url_ && !url_->host.empty();
    out.failure = failure_;
    out.watched = watched();
    out.first_picture = first_video_ ? std::chrono::duration<double>(*first_video_ - began_).count() : 0;
    const ChannelStats stats = channel_->stats(channel_now());
    out.times_mended = stats.time.clamped;
    out.time_jumps = stats.time.jumps;
    if (taps_) {
        out.clock = taps_->clock();
        out.tracks = taps_->tracks();
    }
    if (out.clock)
        out.clock->sender_reports = sender_reports_;
    if (video_track_) {
        const ClockFigures* clock = out.clock ? &*out.clock : nullptr;
        if (taps_->encodes()) {
            out.encoded = video_facts(nullptr);
            out.video = taps_->decoded();
            out.video->width = out.encoded->width;
            out.video->height = out.encoded->height;
            if (clock && clock->advances && clock->fps > 0)
                out.video->figures.fps = clock->fps;
            if (out.video->codec == "raw")
                out.video->figures.fps = out.encoded->figures.fps;
        } else {
            out.video = video_facts(clock);
        }
    }
    if (sound_track_) {
        const GstStructure* s = structure_of(sound_track_);
        SoundFacts sound{.codec = sound_name(sound_track_->codec),
                         .rate = number(s, "rate"),
                         .channels = number(s, "channels"),
                         .bitrate = 0,
                         .packets = sound_.packets()};
        const bool by_rate = sound_track_->codec == Codec::aac && sound.rate;
        sound.bitrate = sound_.bitrate(by_rate ? sound.rate : rtp_clock_rate(sound_track_->codec));
        out.sound = sound;
    }
    // One of each kind, the first that can be: that is what is taken.
    bool video = !out.video, audio = !out.sound;
    for (TrackFacts& track : out.tracks) {
        bool& taken = track.media == "video" ? video : audio;
        const std::string& codec = track.media == "video" ? (out.video ? out.video->codec : track.codec)
                                                          : (out.sound ? out.sound->codec : track.codec);
        const bool is = g_ascii_strcasecmp(track.codec.c_str(), codec.c_str()) == 0 ||
                        (codec == "AAC" && (track.codec == "MPEG4-GENERIC" || track.codec == "MP4A-LATM"));
        track.taken = !taken && is;
        taken = taken || track.taken;
    }
    return out;
}

} // namespace sluice::probe
