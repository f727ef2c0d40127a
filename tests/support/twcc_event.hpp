// SPDX-License-Identifier: LGPL-2.1-or-later
// What GStreamer's RTP session says of a transport-wide feedback, as a structure made by hand.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <vector>

namespace sluice::test {

struct TwccPacket {
    unsigned seq = 0;
    guint64 local = GST_CLOCK_TIME_NONE, remote = GST_CLOCK_TIME_NONE;
    unsigned size = 0;
    bool lost = false;
};

// Owned by the caller.
inline GstStructure* twcc_structure(const std::vector<TwccPacket>& packets) {
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    GValueArray* array = g_value_array_new(0);
    for (const TwccPacket& p : packets) {
        GstStructure* s = gst_structure_new("RTPTWCCPacket", "seqnum", G_TYPE_UINT, p.seq, "local-ts", G_TYPE_UINT64,
                                            p.local, "remote-ts", G_TYPE_UINT64, p.remote, "payload-type", G_TYPE_UCHAR,
                                            96, "size", G_TYPE_UINT, p.size, "lost", G_TYPE_BOOLEAN, p.lost, nullptr);
        GValue value = G_VALUE_INIT;
        g_value_init(&value, GST_TYPE_STRUCTURE);
        gst_value_set_structure(&value, s);
        gst_structure_free(s);
        g_value_array_append(array, &value);
        g_value_unset(&value);
    }
    GstStructure* whole = gst_structure_new_empty("RTPTWCCPackets");
    GValue value = G_VALUE_INIT;
    g_value_init(&value, g_value_array_get_type());
    g_value_take_boxed(&value, array);
    gst_structure_take_value(whole, "packets", &value);
    G_GNUC_END_IGNORE_DEPRECATIONS
    return whole;
}

} // namespace sluice::test
