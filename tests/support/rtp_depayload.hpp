// SPDX-License-Identifier: LGPL-2.1-or-later
// What a receiver does with RTP payloads (RFC 6184, RFC 7798), written as the RFCs read: strict, slow, for tests only.
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/rtp_payload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

using Bytes = std::vector<uint8_t>;

inline Bytes bytes_of(GstMemory* memory) {
    GstMapInfo map;
    if (!gst_memory_map(memory, &map, GST_MAP_READ))
        return {};
    Bytes out(map.data, map.data + map.size);
    gst_memory_unmap(memory, &map);
    return out;
}

// Prefix and body: what follows the RTP header.
inline Bytes whole(const RtpPayload& p) {
    Bytes out(p.prefix.begin(), p.prefix.begin() + p.prefix_size);
    Bytes body = bytes_of(p.body.get());
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

class Depayloader {
public:
    explicit Depayloader(Codec codec) : h265_(codec == Codec::h265) {}

    // False and error() when a strict receiver would refuse the packet.
    bool add(const Bytes& p) {
        if (p.size() < header())
            return refuse("no payload");
        const unsigned type = h265_ ? (p[0] >> 1) & 0x3f : p[0] & 0x1f;
        if (type == (h265_ ? 49 : 28))
            return fragment(p);
        if (open_)
            return refuse("packet between two fragments");
        if (type == (h265_ ? 48 : 24))
            return aggregate(p);
        if (h265_ ? type > 49 : type == 0 || type > 24)
            return refuse("unknown packet type " + std::to_string(type));
        nals_.push_back(p);
        return true;
    }

    bool complete() const { return !open_; }
    const std::string& error() const { return error_; }
    const std::vector<Bytes>& nals() const { return nals_; }

private:
    size_t header() const { return h265_ ? 2 : 1; }
    bool refuse(const std::string& why) {
        error_ = why;
        return false;
    }

    bool fragment(const Bytes& p) {
        const size_t prefix = header() + 1;
        if (p.size() <= prefix)
            return refuse("fragment without data");
        const uint8_t fu = p[prefix - 1];
        const bool first = fu & 0x80, last = fu & 0x40;
        if (first && last)
            return refuse("fragment is first and last");
        if (first == open_)
            return refuse(first ? "second start" : "no start");
        Bytes nal_header;
        if (h265_)
            nal_header = {static_cast<uint8_t>((p[0] & 0x81) | (fu & 0x3f) << 1), p[1]};
        else if (fu & 0x20)
            return refuse("reserved bit is set");
        else
            nal_header = {static_cast<uint8_t>((p[0] & 0xe0) | (fu & 0x1f))};
        if (first)
            open_nal_ = nal_header;
        else if (!std::equal(nal_header.begin(), nal_header.end(), open_nal_.begin()))
            return refuse("header differs between fragments");
        open_nal_.insert(open_nal_.end(), p.begin() + static_cast<long>(prefix), p.end());
        open_ = !last;
        if (last)
            nals_.push_back(open_nal_);
        return true;
    }

    bool aggregate(const Bytes& p) {
        unsigned ref_idc = 0, layer = 63, temporal = 7, forbidden = 0, count = 0;
        for (size_t at = header(); at < p.size(); count++) {
            if (p.size() - at < 2)
                return refuse("cut size field");
            const size_t size = static_cast<size_t>(p[at] << 8 | p[at + 1]);
            at += 2;
            if (size < header() || size > p.size() - at)
                return refuse("size field is wrong");
            nals_.emplace_back(p.begin() + static_cast<long>(at), p.begin() + static_cast<long>(at + size));
            const Bytes& nal = nals_.back();
            forbidden |= nal[0] & 0x80u;
            ref_idc = std::max(ref_idc, nal[0] & 0x60u);
            if (h265_) {
                layer = std::min(layer, (nal[0] & 1u) << 5 | nal[1] >> 3);
                temporal = std::min(temporal, nal[1] & 7u);
            }
            at += size;
        }
        if (count < 2)
            return refuse("aggregate of one");
        if (h265_ ? p[0] != (forbidden | 48u << 1 | layer >> 5) || p[1] != ((layer << 3 | temporal) & 0xff)
                  : p[0] != (forbidden | ref_idc | 24u))
            return refuse("aggregate's header");
        return true;
    }

    const bool h265_;
    bool open_ = false;
    Bytes open_nal_;
    std::vector<Bytes> nals_;
    std::string error_;
};

} // namespace sluice::test
