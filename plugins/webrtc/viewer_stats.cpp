// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_stats.hpp"

namespace sluice {

namespace {

// What is known of the path: by transport-wide feedback, else by the receiver's reports.
void add_path(GstStructure* out, const Viewer::Stats& s) {
    const auto number = [out](const char* name, double value) {
        gst_structure_set(out, name, G_TYPE_DOUBLE, value, nullptr);
    };
    const auto rate = [out](const char* name, uint64_t value) {
        if (value)
            gst_structure_set(out, name, G_TYPE_UINT64, guint64(value), nullptr);
    };
    const bool reported = s.network.rtt_ms >= 0; // comes with the first report that says anything of loss
    if (s.path.known) {
        rate("estimate", s.path.estimate);
        rate("received-bitrate", s.path.received);
        if (s.path.feedback)
            number("queue-delay", s.path.queue_delay_ms);
    }
    if (s.path.known || reported)
        number("loss", s.path.known ? s.path.loss : s.network.fraction_lost);
    if (const double rtt = s.path.known && s.path.rtt_ms > 0 ? s.path.rtt_ms : s.network.rtt_ms; rtt >= 0)
        number("rtt", rtt);
}

} // namespace

GstStructurePtr to_structure(const Viewer::Info& i, const Viewer::Stats& s) {
    GstStructurePtr out(gst_structure_new(
        "viewer", "id", G_TYPE_STRING, i.id.c_str(), "principal", G_TYPE_STRING, i.principal.c_str(), "camera",
        G_TYPE_STRING, i.camera.c_str(), "quality", G_TYPE_STRING, s.quality.c_str(), "stream", G_TYPE_STRING,
        s.stream.c_str(), "peer", G_TYPE_STRING, i.peer_address.c_str(), "state", G_TYPE_STRING, s.state.c_str(),
        "joined-at", G_TYPE_INT64, gint64(i.joined_unix_ms), "connected-ms", G_TYPE_DOUBLE, s.connected_ms,
        "first-frame-ms", G_TYPE_DOUBLE, s.first_frame_ms, "rtt-ms", G_TYPE_DOUBLE, s.network.rtt_ms, "packets-lost",
        G_TYPE_INT64, gint64(s.network.packets_lost), "fraction-lost", G_TYPE_DOUBLE, s.network.fraction_lost,
        "retransmitted", G_TYPE_UINT64, guint64(s.media.retransmitted), "retransmissions-refused", G_TYPE_UINT64,
        guint64(s.media.retransmissions_refused), "playout-delay", G_TYPE_DOUBLE, s.playout_delay_ms, "bitrate",
        G_TYPE_UINT64, guint64(s.bitrate), "audio-codec", G_TYPE_STRING, s.audio_codec.c_str(), "audio-transcoded",
        G_TYPE_BOOLEAN, gboolean(s.audio_transcoded), "audio-packets-sent", G_TYPE_UINT64, guint64(s.audio_packets),
        "audio-bytes-sent", G_TYPE_UINT64, guint64(s.audio_bytes), "packets-sent", G_TYPE_UINT64, guint64(s.packets),
        "bytes-sent", G_TYPE_UINT64, guint64(s.bytes), "access-units", G_TYPE_UINT64, guint64(s.media.units), "skips",
        G_TYPE_UINT64, guint64(s.media.skips), "plis", G_TYPE_UINT64, guint64(s.media.plis), "repeats", G_TYPE_UINT64,
        guint64(s.media.repeats), "switches", G_TYPE_UINT64, guint64(s.media.switches), "freezes", G_TYPE_UINT64,
        guint64(s.freezes), nullptr));
    if (!s.stream_reason.empty())
        gst_structure_set(out.get(), "stream-reason", G_TYPE_STRING, s.stream_reason.c_str(), nullptr);
    add_path(out.get(), s);
    return out;
}

} // namespace sluice
