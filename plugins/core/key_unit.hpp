// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/nal.hpp"
#include "plugins/core/refs.hpp"

#include <algorithm>

namespace sluice {

// Which buffers of a stream a decoder may start at, for elements that pass any caps. H.264 and H.265 byte streams: our own NAL
// check, since a parser's DELTA_UNIT says nothing about random access. Everything else (raw, audio, other codecs and packings):
// every buffer that is not marked DELTA_UNIT.
class KeyUnitCheck {
public:
    void set_caps(const GstCaps* caps) {
        codec_ = codec_from_caps(caps);
        const GstStructure* s = gst_caps_get_structure(caps, 0);
        by_nal_ = is_video(codec_) && g_strcmp0(gst_structure_get_string(s, "stream-format"), "byte-stream") == 0;
    }
    bool operator()(GstBuffer* buffer) const {
        if (!by_nal_)
            return !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
        GstMapInfo map;
        if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
            return false;
        const auto nals = split_annex_b({map.data, map.size}, codec_);
        gst_buffer_unmap(buffer, &map);
        return std::any_of(nals.begin(), nals.end(),
                           [this](const NalUnit& n) { return is_random_access(codec_, n.type); });
    }

private:
    Codec codec_ = Codec::other;
    bool by_nal_ = false;
};

} // namespace sluice
