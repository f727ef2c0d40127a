// SPDX-License-Identifier: LGPL-2.1-or-later
// Access units for tests: just enough H.264 to be one.
#pragma once

#include "plugins/core/channel.hpp"

#include <string>
#include <vector>

namespace sluice::test {

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline Bytes nal(Bytes body) { return Bytes{0, 0, 0, 1} + body; }

inline Bytes aud() { return nal({0x09, 0x10}); }
// 320x240, High 4:4:4; this one reorders (max_num_reorder_frames 2)...
inline Bytes sps() {
    return nal({0x67, 0xf4, 0x00, 0x0d, 0x90, 0xd9, 0xb2, 0x82, 0x83, 0xf6, 0x02, 0xd4, 0x18, 0x18, 0x19,
                0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x8f, 0x14, 0x29, 0x96});
}
// ...and this one promises not to.
inline Bytes sps_no_reorder() {
    return nal({0x67, 0xf4, 0x00, 0x0d, 0x90, 0xd9, 0x64, 0x05, 0x07, 0xec, 0x05, 0xa8, 0x30, 0x30, 0x32,
                0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x79, 0x1e, 0x28, 0x54, 0x90});
}
inline Bytes pps() { return nal({0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}); }
// `filler` makes it as large as wanted and tells units apart.
inline Bytes slice(uint8_t header, uint8_t first, size_t size, uint8_t filler) {
    Bytes body{header, first};
    body.resize(std::max<size_t>(size, 3), filler ? filler : 0xff);
    return nal(body);
}
inline Bytes idr(size_t size = 40, uint8_t filler = 0xaa) { return slice(0x65, 0x88, size, filler); }
inline Bytes p_slice(size_t size = 20, uint8_t filler = 0xbb) { return slice(0x41, 0x9a, size, filler); }
inline Bytes i_slice(size_t size = 20, uint8_t filler = 0xcc) { return slice(0x41, 0x88, size, filler); }
inline Bytes b_slice(size_t size = 20, uint8_t filler = 0xdd) { return slice(0x01, 0x9e, size, filler); }
inline Bytes key_unit(size_t size = 40) { return sps() + pps() + idr(size); }

// Just enough JPEG to be one: no decoder would take it.
inline Bytes jpeg(unsigned width = 320, unsigned height = 240, size_t size = 100, uint8_t filler = 0x55) {
    const auto high = [](unsigned n) { return static_cast<uint8_t>(n >> 8); };
    const auto low = [](unsigned n) { return static_cast<uint8_t>(n); };
    const Bytes soi{0xff, 0xd8}, application{0xff, 0xe0, 0, 4, 1, 2}, eoi{0xff, 0xd9};
    const Bytes frame{0xff, 0xc0, 0, 11, 8, high(height), low(height), high(width), low(width), 1, 1, 0x11, 0};
    const Bytes scan{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0};
    Bytes out = soi + application + frame + scan;
    out.resize(std::max(size, out.size() + 3) - 2, filler);
    return out + eoi;
}

inline Ref<GstBuffer> buffer_of(const Bytes& data) {
    auto b = adopt(gst_buffer_new_allocate(nullptr, data.size(), nullptr));
    gst_buffer_fill(b.get(), 0, data.data(), data.size());
    return b;
}
inline Bytes bytes_of(GstBuffer* b) {
    Bytes out(gst_buffer_get_size(b));
    gst_buffer_extract(b, 0, out.data(), out.size());
    return out;
}
inline Bytes bytes_of(const AccessUnitPtr& u) { return bytes_of(u->buffer.get()); }

inline Ref<GstCaps> caps(const char* text) { return adopt(gst_caps_from_string(text)); }
inline Ref<GstCaps> h264_caps(int width = 320) {
    const GString8 text(g_strdup_printf(
        "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, width=(int)%d, height=(int)240",
        width));
    return caps(text.get());
}
inline Ref<GstCaps> jpeg_caps() { return caps("image/jpeg"); }
inline Ref<GstCaps> mulaw_caps() { return caps("audio/x-mulaw, rate=(int)8000, channels=(int)1"); }

// A producer with video on track 0 and sound on track 1, 25 units a second, on a clock that it moves itself.
struct Producer {
    explicit Producer(std::shared_ptr<Channel> c, GstClockTime start = 1000 * GST_SECOND, bool audio = false)
        : channel(std::move(c)), now(start) {
        begin(audio);
    }
    void begin(bool audio = false, const Ref<GstCaps>& video = h264_caps()) {
        token = channel->open();
        channel->set_track(token, 0, video.get());
        const auto sound = mulaw_caps();
        if (audio)
            channel->set_track(token, 1, sound.get());
    }
    Channel::Written write(const Bytes& data, GstClockTime pts, bool discont = false, unsigned track = 0) {
        const auto buffer = buffer_of(data);
        return channel->write(token, track, buffer.get(), pts, now, discont);
    }
    // Presented now; the clock goes on by a frame.
    Channel::Written video(const Bytes& data) {
        const auto result = write(data, now);
        now += 40 * GST_MSECOND;
        return result;
    }
    Channel::Written key(size_t size = 40) { return video(key_unit(size)); }
    Channel::Written delta(size_t size = 20) { return video(p_slice(size)); }
    Channel::Written sound(uint8_t filler = 0x55) { return write(Bytes(160, filler), now, false, 1); }

    std::shared_ptr<Channel> channel;
    Channel::Token token = 0;
    GstClockTime now;
};

// What the reader gets now, a letter each: K key unit, d delta, a sound; in front of it ! skipped, * discont.
inline std::string drain(Channel::Reader& r, bool marks = true) {
    std::string out;
    for (auto n = r.next(); n.unit; n = r.next()) {
        if (marks && n.skipped)
            out += '!';
        if (marks && n.unit->discont)
            out += '*';
        out += !is_video(n.unit->track->codec) ? 'a' : n.unit->key ? 'K' : 'd';
    }
    return out;
}

} // namespace sluice::test
