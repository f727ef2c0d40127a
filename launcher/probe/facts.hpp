// SPDX-License-Identifier: LGPL-2.1-or-later
// What was seen of a source, as plain data: the attempt writes it; playability, advice and report read it.
#pragma once

#include "launcher/camera/camera_life.hpp"
#include "launcher/probe/rtp_clock.hpp"
#include "launcher/probe/stream_meter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::probe {

// As the camera's description (SDP) has it.
struct TrackFacts {
    std::string media, codec; // "video", "H264"
    bool taken = false;
    bool operator==(const TrackFacts&) const = default;
};

struct VideoFacts {
    std::string codec; // "H264", "H265", "JPEG", "raw"
    std::string profile, level;
    unsigned width = 0, height = 0;
    double nominal_fps = 0; // what the stream says of itself; 0: nothing
    bool interlaced = false;
    StreamFigures figures;
    bool b_frames = false;
};

struct SoundFacts {
    std::string codec; // "AAC", "OPUS", "PCMU", "PCMA"
    unsigned rate = 0, channels = 0;
    uint64_t bitrate = 0, packets = 0;
};

struct Facts {
    std::string url; // without user and password
    std::string source_template, transport;
    bool fell_to_tcp = false; // UDP was asked for, and nothing came
    bool has_user = false, has_host = true;
    std::vector<TrackFacts> tracks; // nothing: the source does not describe itself
    std::optional<VideoFacts> video;
    std::optional<VideoFacts> encoded; // what Sluice makes of it, if it does
    std::optional<SoundFacts> sound;
    std::optional<ClockFigures> clock; // of RTP
    uint64_t times_mended = 0, time_jumps = 0;
    double first_picture = 0; // seconds from the start to the first key unit
    double watched = 0;       // seconds from there
    Failure failure;          // kind none: it played to the end
    bool interrupted = false;

    // What consumers get.
    const VideoFacts* served() const { return encoded ? &*encoded : video ? &*video : nullptr; }
};

} // namespace sluice::probe
