// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/nal.hpp"

#include <gst/codecparsers/gsth264parser.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace sluice {

namespace {

// nal_unit_type, H.264 table 7-1 and H.265 table 7-1.
namespace h264 {
constexpr uint8_t non_idr = 1, partition_a = 2, partition_b = 3, partition_c = 4, idr = 5, sei = 6, sps = 7, pps = 8,
                  delimiter = 9;
}
namespace h265 {
constexpr uint8_t last_vcl = 31, bla_w_lp = 16, cra = 21, vps = 32, sps = 33, pps = 34, delimiter = 35, prefix_sei = 39;
}

constexpr unsigned sei_recovery_point = 6; // the same number in H.264 (D.1.8) and H.265 (D.2.8)

// The largest picture side a level allows (H.265 level 6.2; H.264 ends a little below). What claims more is not an SPS.
constexpr int max_side = 16888;
// A real SPS has tens of bytes; even with all scaling lists it stays below this.
constexpr size_t max_sps_size = 4096;
constexpr unsigned max_reorder_depth = 16; // MaxDpbFrames, H.264 A.3.1
constexpr unsigned max_frame_num = 65536;  // the largest MaxFrameNum, H.264 7.4.2.1.1

constexpr size_t header_size(Codec codec) { return codec == Codec::h265 ? 2 : 1; }
uint8_t type_of(Codec codec, uint8_t first) { return codec == Codec::h265 ? (first >> 1) & 0x3f : first & 0x1f; }

// Reads the bytes and bits of a NAL unit's payload; drops emulation prevention bytes (00 00 03) on the way. Behind the
// end everything reads as zero and failed() is true.
class RbspReader {
public:
    explicit RbspReader(std::span<const uint8_t> data) : data_(data) {}

    uint8_t byte() {
        if (pos_ < data_.size() && zeros_ >= 2 && data_[pos_] == 3) {
            pos_++;
            zeros_ = 0;
        }
        if (pos_ >= data_.size()) {
            failed_ = true;
            return 0;
        }
        uint8_t b = data_[pos_++];
        zeros_ = b ? 0 : zeros_ + 1;
        return b;
    }

    // u(n), up to 32 bits.
    uint32_t bits(unsigned count) {
        uint32_t value = 0;
        for (; count > 0; count--) {
            if (left_ == 0) {
                current_ = byte();
                left_ = 8;
            }
            value = value << 1 | ((current_ >> --left_) & 1u);
        }
        return value;
    }

    void skip(unsigned count) {
        for (; count > 32; count -= 32)
            bits(32);
        bits(count);
    }

    // ue(v), H.264 9.1. More than 32 bits is a failure.
    uint32_t ue() {
        unsigned zeros = 0;
        while (!failed_ && bits(1) == 0)
            zeros++;
        if (failed_ || zeros > 31) {
            failed_ = true;
            return 0;
        }
        return static_cast<uint32_t>((uint64_t{1} << zeros) + bits(zeros) - 1);
    }

    bool failed() const { return failed_; }
    // What is left, at most; emulation prevention bytes included.
    size_t bytes_left() const { return data_.size() - pos_; }

private:
    std::span<const uint8_t> data_;
    size_t pos_ = 0;
    unsigned zeros_ = 0;
    unsigned left_ = 0;
    uint8_t current_ = 0;
    bool failed_ = false;
};

// payloadType and payloadSize: a run of 0xff bytes and a last byte, all added up.
size_t sei_number(RbspReader& reader) {
    size_t value = 0;
    for (uint8_t b = 0xff; b == 0xff;) {
        b = reader.byte();
        value += b;
    }
    return value;
}

// A reader at the payload of the recovery point message; nothing if there is none.
std::optional<RbspReader> find_recovery_point_sei(Codec codec, std::span<const uint8_t> nal) {
    if ((codec != Codec::h264 && codec != Codec::h265) || nal.size() <= header_size(codec) ||
        type_of(codec, nal[0]) != (codec == Codec::h264 ? h264::sei : h265::prefix_sei))
        return std::nullopt;
    RbspReader reader(nal.subspan(header_size(codec)));
    // A message has at least two bytes; a lone one is the trailing bits.
    while (reader.bytes_left() >= 2) {
        const size_t type = sei_number(reader), size = sei_number(reader);
        if (reader.failed())
            return std::nullopt;
        if (type == sei_recovery_point && size > 0)
            return reader;
        for (size_t i = 0; i < size && !reader.failed(); i++)
            reader.byte();
    }
    return std::nullopt;
}

// The size after cropping. False when it makes no sense: the parsers compute with whatever the stream claims, and wrap.
bool set_size(SequenceInfo& info, int64_t width, int64_t height, bool cropped, int64_t cropped_width,
              int64_t cropped_height) {
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

// H.265 7.3.2.2.1 as far as sps_max_num_reorder_pics, and not with the library: what is asked for stands in front, while
// behind it the reference picture sets of a hostile SPS write past the stack arrays of gst_h265_parse_sps() (1.22.0).
std::optional<SequenceInfo> parse_h265_sps(std::span<const uint8_t> nal) {
    if ((nal[0] & 1) || (nal[1] & 0xf8)) // nuh_layer_id: other layers' parameter sets read differently
        return std::nullopt;
    SequenceInfo info;
    RbspReader reader(nal.subspan(2));
    reader.skip(4);                             // sps_video_parameter_set_id
    const unsigned sub_layers = reader.bits(3); // minus 1
    reader.skip(1);
    if (sub_layers > 6)
        return std::nullopt;

    // profile_tier_level, 7.3.3
    reader.skip(2);
    info.constraint_flags = reader.bits(1);
    info.profile_idc = reader.bits(5);
    reader.skip(32 + 48); // compatibility and constraint flags
    info.level_idc = reader.bits(8);
    unsigned sub_layer_bits = 0;
    for (unsigned i = 0; i < sub_layers; i++) {
        sub_layer_bits += reader.bits(1) ? 88 : 0;
        sub_layer_bits += reader.bits(1) ? 8 : 0;
    }
    if (sub_layers > 0)
        reader.skip(2 * (8 - sub_layers));
    reader.skip(sub_layer_bits);

    reader.ue(); // sps_seq_parameter_set_id
    const uint32_t chroma_format = reader.ue();
    if (chroma_format > 3)
        return std::nullopt;
    if (chroma_format == 3)
        reader.skip(1); // separate_colour_plane_flag
    const int64_t width = reader.ue(), height = reader.ue();
    const bool cropped = reader.bits(1);
    int64_t crop[4] = {}; // left, right, top, bottom, in chroma samples
    for (int i = 0; cropped && i < 4; i++)
        crop[i] = reader.ue();
    const int64_t unit_x = chroma_format == 1 || chroma_format == 2 ? 2 : 1, unit_y = chroma_format == 1 ? 2 : 1;

    reader.ue(); // bit_depth_luma_minus8
    reader.ue(); // bit_depth_chroma_minus8
    reader.ue(); // log2_max_pic_order_cnt_lsb_minus4
    uint32_t reorder = 0;
    for (unsigned i = reader.bits(1) ? 0 : sub_layers; i <= sub_layers; i++) { // the last stands for the whole stream
        reader.ue();                                                           // sps_max_dec_pic_buffering_minus1
        reorder = reader.ue();
        reader.ue(); // sps_max_latency_increase_plus1
    }
    if (reader.failed() || !set_size(info, width, height, cropped, width - unit_x * (crop[0] + crop[1]),
                                     height - unit_y * (crop[2] + crop[3])))
        return std::nullopt;
    if (reorder <= max_reorder_depth)
        info.reorder_depth = reorder;
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
    return find_recovery_point_sei(codec, nal).has_value();
}

std::optional<RecoveryPoint> recovery_point(Codec codec, std::span<const uint8_t> nal) {
    if (codec != Codec::h264)
        return std::nullopt;
    auto reader = find_recovery_point_sei(codec, nal);
    if (!reader)
        return std::nullopt;
    RecoveryPoint point;
    point.frames = reader->ue();
    point.exact = reader->bits(1);
    point.broken = reader->bits(1);
    reader->skip(2); // changing_slice_group_idc
    if (reader->failed() || point.frames >= max_frame_num)
        return std::nullopt;
    return point;
}

std::optional<SliceType> slice_type(Codec codec, std::span<const uint8_t> nal) {
    if (codec != Codec::h264 || nal.empty())
        return std::nullopt;
    const uint8_t type = type_of(codec, nal[0]);
    if (type != h264::non_idr && type != h264::partition_a && type != h264::idr)
        return std::nullopt;
    RbspReader reader(nal.subspan(1));
    reader.ue(); // first_mb_in_slice
    const uint32_t slice = reader.ue();
    if (reader.failed() || slice > 9)
        return std::nullopt;
    return static_cast<SliceType>(slice % 5); // 5 to 9: the same types, and all slices of the picture are of this one
}

bool is_recovery_start(Codec codec, std::span<const uint8_t> data, std::span<const NalUnit> nals) {
    if (codec != Codec::h264)
        return false;
    bool slices = false, intra = true;
    for (const NalUnit& n : nals) {
        const auto nal = data.subspan(n.offset, n.size);
        if (n.type == h264::sei && recovery_point(codec, nal))
            return true;
        if (!is_slice(codec, n.type))
            continue;
        if (n.type == h264::partition_b || n.type == h264::partition_c)
            continue; // their partition A says it
        slices = true;
        const auto type = slice_type(codec, nal); // what cannot be read is not trusted
        intra = intra && type && (*type == SliceType::i || *type == SliceType::si);
    }
    return slices && intra;
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
