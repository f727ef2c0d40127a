// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/codec.hpp"

namespace sluice {

namespace {

// A field that is absent or not fixed yet does not speak against the codec.
bool int_field_is(const GstStructure* s, const char* field, int wanted) {
    int value = 0;
    return !gst_structure_get_int(s, field, &value) || value == wanted;
}

// RTP knows G.711 and browsers take it with one channel at 8 kHz only.
Codec telephone(const GstStructure* s, Codec codec) {
    return int_field_is(s, "rate", 8000) && int_field_is(s, "channels", 1) ? codec : Codec::other;
}

} // namespace

const char* codec_name(Codec c) {
    switch (c) {
    case Codec::h264: return "H264";
    case Codec::h265: return "H265";
    case Codec::jpeg: return "JPEG";
    case Codec::pcmu: return "PCMU";
    case Codec::pcma: return "PCMA";
    case Codec::opus: return "OPUS";
    case Codec::aac: return "MPEG4-GENERIC";
    case Codec::other: break;
    }
    return "other";
}

Codec codec_from_caps(const GstCaps* caps) {
    if (!caps || gst_caps_is_any(caps) || gst_caps_is_empty(caps))
        return Codec::other;
    const GstStructure* s = gst_caps_get_structure(caps, 0);
    if (gst_structure_has_name(s, "video/x-h264"))
        return Codec::h264;
    if (gst_structure_has_name(s, "video/x-h265"))
        return Codec::h265;
    if (gst_structure_has_name(s, "image/jpeg"))
        return Codec::jpeg;
    if (gst_structure_has_name(s, "audio/x-mulaw"))
        return telephone(s, Codec::pcmu);
    if (gst_structure_has_name(s, "audio/x-alaw"))
        return telephone(s, Codec::pcma);
    // Family 0 is mono and stereo; RFC 7587 carries nothing else.
    if (gst_structure_has_name(s, "audio/x-opus"))
        return int_field_is(s, "channel-mapping-family", 0) ? Codec::opus : Codec::other;
    if (gst_structure_has_name(s, "audio/mpeg"))
        return int_field_is(s, "mpegversion", 4) && !g_strcmp0(gst_structure_get_string(s, "stream-format"), "raw")
                   ? Codec::aac
                   : Codec::other;
    return Codec::other;
}

} // namespace sluice
