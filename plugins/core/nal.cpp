// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/nal.hpp"

#include <gst/codecparsers/gsth264parser.h>
#include <gst/codecparsers/gsth265parser.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

namespace sluice {

namespace {

// nal_unit_type, H.264 table 7-1 and H.265 table 7-1.
namespace h264 {
constexpr uint8_t non_idr = 1, partition_a = 2, idr = 5, sei = 6, sps = 7, pps = 8, delimiter = 9;
}
namespace h265 {
constexpr uint8_t last_vcl = 31, bla_w_lp = 16, cra = 21, vps = 32, sps = 33, pps = 34, delimiter = 35, prefix_sei = 39;
}

constexpr unsigned sei_recovery_point = 6; // the same number in H.264 (D.1.8) and H.265 (D.2.8)

// The largest picture side a level allows (H.265 level 6.2; H.264 ends a little below). What claims more is not an SPS.
constexpr int max_side = 16888;
// A real SPS has tens of bytes; all scaling lists and 64 reference picture sets together stay below this.
constexpr size_t max_sps_size = 4096;
constexpr unsigned max_reorder_depth = 16; // MaxDpbFrames, H.264 A.3.1

constexpr size_t header_size(Codec codec) { return codec == Codec::h265 ? 2 : 1; }
uint8_t type_of(Codec codec, uint8_t first) { return codec == Codec::h265 ? (first >> 1) & 0x3f : first & 0x1f; }

// Reads the bytes and bits of a NAL unit's payload; drops emulation prevention bytes (00 00 03) on the way.
class RbspReader {
public:
    explicit RbspReader(std::span<const uint8_t> data) : data_(data) {}

    std::optional<uint8_t> byte() {
        if (pos_ < data_.size() && zeros_ >= 2 && data_[pos_] == 3) {
            pos_++;
            zeros_ = 0;
        }
        if (pos_ >= data_.size())
            return std::nullopt;
        uint8_t b = data_[pos_++];
        zeros_ = b ? 0 : zeros_ + 1;
        return b;
    }

    std::optional<unsigned> bit() {
        if (left_ == 0) {
            auto b = byte();
            if (!b)
                return std::nullopt;
            current_ = *b;
            left_ = 8;
        }
        return (current_ >> --left_) & 1u;
    }

    // ue(v), H.264 9.1. nullopt at the end of the data or for more than 32 bits.
    std::optional<uint32_t> ue() {
        unsigned zeros = 0;
        for (;; zeros++) {
            auto b = bit();
            if (!b || zeros > 31)
                return std::nullopt;
            if (*b)
                break;
        }
        uint64_t value = 1;
        for (; zeros > 0; zeros--) {
            auto b = bit();
            if (!b)
                return std::nullopt;
            value = value << 1 | *b;
        }
        return static_cast<uint32_t>(value - 1);
    }

    // What is left, at most; emulation prevention bytes included.
    size_t bytes_left() const { return data_.size() - pos_; }

private:
    std::span<const uint8_t> data_;
    size_t pos_ = 0;
    unsigned zeros_ = 0;
    unsigned left_ = 0;
    uint8_t current_ = 0;
};

// payloadType and payloadSize: a run of 0xff bytes and a last byte, all added up.
std::optional<size_t> sei_number(RbspReader& reader) {
    size_t value = 0;
    for (;;) {
        auto b = reader.byte();
        if (!b)
            return std::nullopt;
        value += *b;
        if (*b != 0xff)
            return value;
    }
}

// The size after cropping. False when it makes no sense: the parsers compute with whatever the stream claims, and wrap.
bool set_size(SequenceInfo& info, int width, int height, bool cropped, int cropped_width, int cropped_height) {
    if (width <= 0 || height <= 0 || width > max_side || height > max_side)
        return false;
    if (cropped && (cropped_width <= 0 || cropped_height <= 0 || cropped_width > width || cropped_height > height))
        return false;
    info.width = static_cast<unsigned>(cropped ? cropped_width : width);
    info.height = static_cast<unsigned>(cropped ? cropped_height : height);
    return true;
}

std::optional<unsigned> h264_reorder_depth(const GstH264SPS& sps) {
    const GstH264VUIParams& vui = sps.vui_parameters;
    if (sps.vui_parameters_present_flag && vui.bitstream_restriction_flag) {
        if (vui.num_reorder_frames > max_reorder_depth)
            return std::nullopt;
        return vui.num_reorder_frames;
    }
    if (sps.pic_order_cnt_type == 2) // output order is decoding order (8.2.1.3)
        return 0;
    switch (sps.profile_idc) {
    case 44:
    case 86:
    case 100:
    case 110:
    case 122:
    case 244:
        if (sps.constraint_set3_flag) // the intra profiles (E.2.1)
            return 0;
        break;
    default: break;
    }
    return std::nullopt;
}

std::optional<SequenceInfo> parse_h264_sps(std::span<const uint8_t> nal) {
    GstH264NalUnit unit{};
    unit.type = h264::sps;
    unit.ref_idc = (nal[0] >> 5) & 3;
    unit.data = const_cast<uint8_t*>(nal.data()); // the parser only reads
    unit.size = static_cast<guint>(nal.size());
    unit.header_bytes = 1;
    unit.valid = TRUE;

    GstH264SPS sps{};
    if (gst_h264_parse_sps(&unit, &sps) != GST_H264_PARSER_OK || !sps.valid)
        return std::nullopt;
    // gst_h264_parse_sps() leaves nothing to be freed: it does not read the MVC extension.
    if (sps.pic_width_in_mbs_minus1 > max_side / 16 || sps.pic_height_in_map_units_minus1 > max_side / 16)
        return std::nullopt;
    SequenceInfo info;
    if (!set_size(info, sps.width, sps.height, sps.frame_cropping_flag, sps.crop_rect_width, sps.crop_rect_height))
        return std::nullopt;
    info.profile_idc = sps.profile_idc;
    info.level_idc = sps.level_idc;
    info.constraint_flags = static_cast<unsigned>(sps.constraint_set0_flag << 7 | sps.constraint_set1_flag << 6 |
                                                  sps.constraint_set2_flag << 5 | sps.constraint_set3_flag << 4 |
                                                  sps.constraint_set4_flag << 3 | sps.constraint_set5_flag << 2);
    info.reorder_depth = h264_reorder_depth(sps);
    return info;
}

struct H265ParserFree {
    void operator()(GstH265Parser* p) const { gst_h265_parser_free(p); }
};

std::optional<SequenceInfo> parse_h265_sps(std::span<const uint8_t> nal) {
    if ((nal[0] & 1) || (nal[1] & 0xf8)) // nuh_layer_id: other layers' parameter sets read differently
        return std::nullopt;
    GstH265NalUnit unit{};
    unit.type = h265::sps;
    unit.temporal_id_plus1 = nal[1] & 7;
    unit.data = const_cast<uint8_t*>(nal.data());
    unit.size = static_cast<guint>(nal.size());
    unit.header_bytes = 2;
    unit.valid = TRUE;

    std::unique_ptr<GstH265Parser, H265ParserFree> parser(gst_h265_parser_new());
    auto sps = std::make_unique<GstH265SPS>(); // tens of kB
    auto parse = [&](gboolean with_vui) {
        return gst_h265_parse_sps(parser.get(), &unit, sps.get(), with_vui) == GST_H265_PARSER_OK && sps->valid;
    };
    // Everything asked for stands before the VUI, which some encoders get wrong.
    if (!parse(TRUE) && !parse(FALSE))
        return std::nullopt;
    SequenceInfo info;
    if (!set_size(info, sps->width, sps->height, sps->conformance_window_flag, sps->crop_rect_width,
                  sps->crop_rect_height))
        return std::nullopt;
    info.profile_idc = sps->profile_tier_level.profile_idc;
    info.level_idc = sps->profile_tier_level.level_idc;
    info.constraint_flags = sps->profile_tier_level.tier_flag;
    if (sps->max_sub_layers_minus1 < GST_H265_MAX_SUB_LAYERS)
        info.reorder_depth = sps->max_num_reorder_pics[sps->max_sub_layers_minus1];
    return info;
}

} // namespace

std::vector<NalUnit> split_annex_b(std::span<const uint8_t> data, Codec codec) {
    std::vector<NalUnit> nals;
    if (codec != Codec::h264 && codec != Codec::h265)
        return nals;
    // Offsets have 32 bits; nothing real comes near.
    const uint8_t* const begin = data.data();
    const uint8_t* const end = begin + std::min<size_t>(data.size(), std::numeric_limits<uint32_t>::max());

    const uint8_t* start = nullptr; // of the NAL unit that is open
    auto close = [&](const uint8_t* stop) {
        if (!start)
            return;
        while (stop > start && stop[-1] == 0) // trailing_zero_8bits, and the first zero of a long start code
            stop--;
        if (static_cast<size_t>(stop - start) >= header_size(codec))
            nals.push_back(
                {static_cast<uint32_t>(start - begin), static_cast<uint32_t>(stop - start), type_of(codec, *start)});
    };
    // memchr is the fastest scanner on every machine, and each start code ends in 01. Behind 00 00 01 the next one
    // cannot end before two more bytes, so the zeros looked at never belong to the start code before.
    for (const uint8_t* p = begin; end - p >= 3;) {
        auto* one = static_cast<const uint8_t*>(std::memchr(p + 2, 1, static_cast<size_t>(end - p - 2)));
        if (!one)
            break;
        if (one[-1] == 0 && one[-2] == 0) {
            close(one - 2);
            start = one + 1;
            p = one + 1;
        } else {
            p = one - 1; // the next 01 is looked for from one + 1
        }
    }
    close(end);
    return nals;
}

bool is_slice(Codec codec, uint8_t type) {
    if (codec == Codec::h264)
        return type >= h264::non_idr && type <= h264::idr;
    return codec == Codec::h265 && type <= h265::last_vcl;
}

bool is_random_access(Codec codec, uint8_t type) {
    if (codec == Codec::h264)
        return type == h264::idr;
    return codec == Codec::h265 && type >= h265::bla_w_lp && type <= h265::cra;
}

bool is_delimiter(Codec codec, uint8_t type) {
    return (codec == Codec::h264 && type == h264::delimiter) || (codec == Codec::h265 && type == h265::delimiter);
}

bool is_parameter_set(Codec codec, uint8_t type) {
    if (codec == Codec::h264)
        return type == h264::sps || type == h264::pps;
    return codec == Codec::h265 && type >= h265::vps && type <= h265::pps;
}

bool is_recovery_point_sei(Codec codec, std::span<const uint8_t> nal) {
    if ((codec != Codec::h264 && codec != Codec::h265) || nal.size() <= header_size(codec) ||
        type_of(codec, nal[0]) != (codec == Codec::h264 ? h264::sei : h265::prefix_sei))
        return false;
    RbspReader reader(nal.subspan(header_size(codec)));
    // A message has at least two bytes; a lone one is the trailing bits.
    while (reader.bytes_left() >= 2) {
        auto type = sei_number(reader);
        auto size = sei_number(reader);
        if (!type || !size)
            return false;
        if (*type == sei_recovery_point)
            return true;
        for (size_t i = 0; i < *size; i++) {
            if (!reader.byte())
                return false;
        }
    }
    return false;
}

std::optional<bool> is_b_slice(Codec codec, std::span<const uint8_t> nal) {
    if (codec != Codec::h264 || nal.empty())
        return std::nullopt;
    uint8_t type = type_of(codec, nal[0]);
    if (type != h264::non_idr && type != h264::partition_a && type != h264::idr)
        return std::nullopt;
    RbspReader reader(nal.subspan(1));
    if (!reader.ue()) // first_mb_in_slice
        return std::nullopt;
    auto slice_type = reader.ue();
    if (!slice_type || *slice_type > 9)
        return std::nullopt;
    return *slice_type % 5 == 1; // 5 to 9: the same types, and all slices of the picture are of this one
}

std::optional<SequenceInfo> parse_sps(Codec codec, std::span<const uint8_t> nal) {
    if ((codec != Codec::h264 && codec != Codec::h265) || nal.size() < 4 || nal.size() > max_sps_size)
        return std::nullopt;
    uint8_t type = type_of(codec, nal[0]);
    if (codec == Codec::h264)
        return type == h264::sps ? parse_h264_sps(nal) : std::nullopt;
    return type == h265::sps ? parse_h265_sps(nal) : std::nullopt;
}

} // namespace sluice
