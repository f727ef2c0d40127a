// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/feedback_reader.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr GstClockTime remote_period = (GstClockTime{1} << 24) * 64 * GST_MSECOND;
constexpr uint32_t max_payload = 65535;

} // namespace

const std::vector<PacketResult>& FeedbackReader::read(const GstStructure* feedback) {
    results_.clear();
    if (!feedback || !gst_structure_has_name(feedback, "RTPTWCCPackets"))
        return results_;
    const GValue* value = gst_structure_get_value(feedback, "packets");
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    if (!value || !G_VALUE_HOLDS(value, g_value_array_get_type()))
        return results_;
    auto* packets = static_cast<GValueArray*>(g_value_get_boxed(value));
    const unsigned count = packets ? std::min<unsigned>(packets->n_values, max_packets) : 0;
    for (unsigned i = 0; i < count; ++i) {
        const GValue* packet = g_value_array_get_nth(packets, i);
        PacketResult result;
        if (GST_VALUE_HOLDS_STRUCTURE(packet) && gst_value_get_structure(packet) &&
            read_packet(gst_value_get_structure(packet), result))
            results_.push_back(result);
    }
    G_GNUC_END_IGNORE_DEPRECATIONS
    const auto earlier = [](const PacketResult& a, const PacketResult& b) { return a.seq < b.seq; };
    if (!std::is_sorted(results_.begin(), results_.end(), earlier))
        std::sort(results_.begin(), results_.end(), earlier);
    return results_;
}

bool FeedbackReader::read_packet(const GstStructure* packet, PacketResult& result) {
    guint seq = 0, size = 0;
    guint64 local = GST_CLOCK_TIME_NONE, remote = GST_CLOCK_TIME_NONE;
    gboolean lost = FALSE;
    if (!gst_structure_get(packet, "seqnum", G_TYPE_UINT, &seq, "local-ts", G_TYPE_UINT64, &local, "size", G_TYPE_UINT,
                           &size, "lost", G_TYPE_BOOLEAN, &lost, nullptr))
        return false;
    // Times are subtracted as signed numbers later on.
    if (seq > UINT16_MAX || local > static_cast<guint64>(G_MAXINT64))
        return false; // among others: sent before the session's memory begins
    result.lost = lost;
    if (!lost) {
        if (!gst_structure_get_uint64(packet, "remote-ts", &remote) || remote >= 2 * remote_period)
            return false;
        result.arrived = unwrap(remote % remote_period);
    }
    result.seq = extend(static_cast<uint16_t>(seq));
    result.sent = local;
    result.bytes = std::min<uint32_t>(size, max_payload) + overhead_;
    return true;
}

uint64_t FeedbackReader::extend(uint16_t seq) {
    if (last_seq_ == 0)
        last_seq_ = 65536 + uint64_t{seq}; // room for what was sent before it
    const auto step = static_cast<int16_t>(static_cast<uint16_t>(seq - static_cast<uint16_t>(last_seq_)));
    const uint64_t extended = last_seq_ + step;
    last_seq_ = std::max(last_seq_, extended);
    return extended;
}

GstClockTime FeedbackReader::unwrap(GstClockTime remote) {
    if (last_remote_ == GST_CLOCK_TIME_NONE)
        last_remote_ = remote + remote_period;
    GstClockTime step = (remote + remote_period - last_remote_ % remote_period) % remote_period;
    if (step < remote_period / 2)
        return last_remote_ += step;
    step = remote_period - step; // reported late
    return last_remote_ > step ? last_remote_ - step : 0;
}

std::string trace_line(const std::vector<PacketResult>& results, GstClockTime now) {
    std::string line = "feedback " + std::to_string(now / 1000);
    for (const PacketResult& r : results) {
        line += ' ' + std::to_string(r.seq) + ':' + std::to_string(r.sent / 1000) + ':';
        line += r.lost ? "lost" : std::to_string(r.arrived / 1000);
        line += ':' + std::to_string(r.bytes);
    }
    return line;
}

std::string trace_line(const Probe& probe) {
    return "probe " + std::to_string(probe.from / 1000) + ' ' + std::to_string(probe.to / 1000) + ' ' +
           std::to_string(probe.bitrate);
}

} // namespace sluice
