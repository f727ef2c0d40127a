// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/rtp_payload.hpp"

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

// Packet types that RTP adds to nal_unit_type: RFC 6184 5.2, RFC 7798 4.4.
constexpr uint8_t h264_stap_a = 24, h264_fu_a = 28;
constexpr uint8_t h265_ap = 48, h265_fu = 49;

// The size in front of each aggregated NAL unit has 16 bits; below the lower bound a fragment would be all headers.
constexpr uint32_t min_payload = 16, max_payload_limit = 65535;
constexpr uint32_t aggregate_size_field = 2;
constexpr uint32_t g711_piece = 160; // 20 ms at 8 kHz, as telephones send it (RFC 3551 4.2)

class MappedMemory {
public:
    explicit MappedMemory(GstMemory* memory, GstMapFlags flags) : memory_(memory) {
        mapped_ = gst_memory_map(memory, &info_, flags);
    }
    ~MappedMemory() {
        if (mapped_)
            gst_memory_unmap(memory_, &info_);
    }
    MappedMemory(const MappedMemory&) = delete;
    MappedMemory& operator=(const MappedMemory&) = delete;
    explicit operator bool() const { return mapped_; }
    uint8_t* data() const { return info_.data; }
    size_t size() const { return info_.size; }

private:
    GstMemory* memory_;
    GstMapInfo info_{};
    bool mapped_ = false;
};

// Cuts [offset, offset + size) into the fewest pieces of at most `limit`, all of one size give or take a byte: a tiny
// last packet costs as much to send as a full one. Calls piece(offset, size, is_first, is_last).
template <typename F> void for_each_piece(uint32_t offset, uint32_t size, uint32_t limit, F piece) {
    const uint32_t count = size / limit + (size % limit != 0);
    const uint32_t base = count ? size / count : 0, longer = count ? size % count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t n = base + (i < longer);
        piece(offset, n, i == 0, i + 1 == count);
        offset += n;
    }
}

class Maker {
public:
    Maker(Codec codec, GstMemory* memory, uint32_t max_payload)
        : codec_(codec), memory_(memory), map_(memory, GST_MAP_READ),
          max_payload_(std::clamp(max_payload, min_payload, max_payload_limit)) {}

    std::vector<RtpPayload> video(const std::vector<NalUnit>& nals) {
        if (!map_)
            return {};
        for (const NalUnit& nal : nals) {
            if (!is_sendable(nal))
                continue;
            if (nal.size > max_payload_) {
                flush();
                fragment(nal);
                continue;
            }
            const uint32_t cost = aggregate_size_field + nal.size;
            if (!waiting_.empty() && waiting_size_ + cost > max_payload_)
                flush();
            if (waiting_.empty())
                waiting_size_ = header_size();
            waiting_.push_back(nal);
            waiting_size_ += cost;
        }
        flush();
        if (!payloads_.empty())
            payloads_.back().marker = true;
        return take();
    }

    // The packet as it is.
    std::vector<RtpPayload> packet() {
        if (!map_ || map_.size() == 0 || map_.size() > UINT32_MAX)
            return {};
        payloads_.push_back(shared(0, static_cast<uint32_t>(map_.size())));
        return take();
    }

    // Pieces of `piece` samples; what is left over goes with the last one if it is little.
    std::vector<RtpPayload> samples(uint32_t piece) {
        if (!map_ || map_.size() > UINT32_MAX)
            return {};
        piece = std::min(piece, max_payload_);
        const uint32_t largest_last = std::min(piece + piece / 2 - 1, max_payload_);
        const auto size = static_cast<uint32_t>(map_.size());
        for (uint32_t at = 0; at < size;) {
            const uint32_t n = size - at <= largest_last ? size - at : piece;
            payloads_.push_back(shared(at, n));
            payloads_.back().ticks = at;
            at += n;
        }
        return take();
    }

private:
    uint32_t header_size() const { return codec_ == Codec::h265 ? 2 : 1; }

    bool is_sendable(const NalUnit& nal) const {
        if (nal.size < header_size() || nal.offset > map_.size() || nal.size > map_.size() - nal.offset)
            return false;
        // Types the codecs leave unspecified and RTP has taken for itself: sent as a packet they would be read as an
        // aggregate or a fragment.
        if (codec_ == Codec::h264 ? nal.type == 0 || nal.type >= h264_stap_a : nal.type >= h265_ap)
            return false;
        return !is_delimiter(codec_, nal.type);
    }

    std::vector<RtpPayload> take() {
        bool whole = std::all_of(payloads_.begin(), payloads_.end(), [](const auto& p) { return bool(p.body); });
        return whole ? std::move(payloads_) : std::vector<RtpPayload>();
    }

    RtpPayload shared(uint32_t offset, uint32_t size) const {
        RtpPayload p;
        // An allocator may forbid or fail to share; then a copy is right, only dearer.
        if (!GST_MEMORY_FLAG_IS_SET(memory_, GST_MEMORY_FLAG_NO_SHARE))
            p.body = adopt(gst_memory_share(memory_, offset, size));
        if (!p.body)
            p.body = adopt(gst_memory_copy(memory_, offset, size));
        p.body_size = size;
        return p;
    }

    void fragment(const NalUnit& nal) {
        const uint8_t* header = map_.data() + nal.offset;
        const uint8_t prefix_size = static_cast<uint8_t>(header_size() + 1);
        std::array<uint8_t, 3> prefix{};
        if (codec_ == Codec::h264) {
            prefix[0] = static_cast<uint8_t>((header[0] & 0xe0) | h264_fu_a);
        } else {
            prefix[0] = static_cast<uint8_t>((header[0] & 0x81) | h265_fu << 1);
            prefix[1] = header[1];
        }
        for_each_piece(nal.offset + header_size(), nal.size - header_size(), max_payload_ - prefix_size,
                       [&](uint32_t offset, uint32_t size, bool first, bool last) {
                           RtpPayload p = shared(offset, size);
                           p.prefix = prefix;
                           p.prefix[prefix_size - 1] =
                               static_cast<uint8_t>((first ? 0x80 : 0) | (last ? 0x40 : 0) | nal.type);
                           p.prefix_size = prefix_size;
                           payloads_.push_back(std::move(p));
                       });
    }

    // Sends the small NAL units that were collected: one as it is, several in one packet.
    void flush() {
        if (waiting_.size() == 1)
            payloads_.push_back(shared(waiting_[0].offset, waiting_[0].size));
        else if (waiting_.size() > 1)
            payloads_.push_back(aggregate());
        waiting_.clear();
    }

    RtpPayload aggregate() const {
        RtpPayload p;
        auto memory = adopt(gst_allocator_alloc(nullptr, waiting_size_, nullptr));
        if (!memory)
            return p;
        MappedMemory out(memory.get(), GST_MAP_WRITE);
        if (!out)
            return p;
        uint8_t* w = out.data() + header_size();
        // The packet's header takes the union of the forbidden bits, the highest nal_ref_idc (RFC 6184 5.7), the lowest
        // layer and temporal id (RFC 7798 4.4.2).
        uint8_t forbidden = 0, ref_idc = 0, layer = 0x3f, temporal = 7;
        for (const NalUnit& nal : waiting_) {
            const uint8_t* in = map_.data() + nal.offset;
            forbidden |= in[0] & 0x80;
            if (codec_ == Codec::h264) {
                ref_idc = std::max<uint8_t>(ref_idc, in[0] & 0x60);
            } else {
                layer = std::min<uint8_t>(layer, static_cast<uint8_t>((in[0] & 1) << 5 | in[1] >> 3));
                temporal = std::min<uint8_t>(temporal, in[1] & 7);
            }
            *w++ = static_cast<uint8_t>(nal.size >> 8);
            *w++ = static_cast<uint8_t>(nal.size);
            std::memcpy(w, in, nal.size);
            w += nal.size;
        }
        if (codec_ == Codec::h264) {
            out.data()[0] = forbidden | ref_idc | h264_stap_a;
        } else {
            out.data()[0] = static_cast<uint8_t>(forbidden | h265_ap << 1 | layer >> 5);
            out.data()[1] = static_cast<uint8_t>(layer << 3 | temporal);
        }
        p.body = memory;
        p.body_size = waiting_size_;
        return p;
    }

    const Codec codec_;
    GstMemory* const memory_;
    const MappedMemory map_;
    const uint32_t max_payload_;
    std::vector<NalUnit> waiting_;
    uint32_t waiting_size_ = 0;
    std::vector<RtpPayload> payloads_;
};

} // namespace

std::vector<RtpPayload> make_rtp_payloads(Codec codec, GstMemory* memory, const std::vector<NalUnit>& nals,
                                          uint32_t max_payload) {
    if (!memory)
        return {};
    switch (codec) {
    case Codec::h264:
    case Codec::h265: return Maker(codec, memory, max_payload).video(nals);
    case Codec::pcmu:
    case Codec::pcma: return Maker(codec, memory, max_payload).samples(g711_piece);
    // Opus has no fragments (RFC 7587 4.2); a large packet is left to IP.
    case Codec::opus: return Maker(codec, memory, max_payload).packet();
    case Codec::jpeg:
    case Codec::aac:
    case Codec::other: break;
    }
    return {};
}

} // namespace sluice
