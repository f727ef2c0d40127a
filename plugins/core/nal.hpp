// SPDX-License-Identifier: LGPL-2.1-or-later
// H.264 (ITU-T H.264 Annex B, 7.4.1) and H.265 (ITU-T H.265 Annex B, 7.4.2) byte streams, as far as a
// pass-through server needs them. Input comes from cameras: any bytes are legal input, none may crash.
#pragma once

#include "plugins/core/api.hpp"
#include "plugins/core/codec.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice {

struct NalUnit {
    uint32_t offset; // of the NAL header, behind the start code
    uint32_t size;   // header included, trailing zero bytes excluded
    uint8_t type;    // nal_unit_type
};

// Cuts an Annex B byte stream. Empty NAL units are left out; for H.265 those shorter than 2 bytes too.
// Bytes in front of the first start code belong to no NAL unit. Only H.264 and H.265 have NAL units.
SLUICE_API std::vector<NalUnit> split_annex_b(std::span<const uint8_t> data, Codec codec);

SLUICE_API bool is_slice(Codec codec, uint8_t type);         // VCL
SLUICE_API bool is_random_access(Codec codec, uint8_t type); // IDR; H.265: any IRAP (BLA, IDR, CRA)
SLUICE_API bool is_delimiter(Codec codec, uint8_t type);     // access unit delimiter
SLUICE_API bool is_parameter_set(Codec codec, uint8_t type); // VPS, SPS, PPS
SLUICE_API bool is_recovery_point_sei(Codec codec, std::span<const uint8_t> nal); // SEI with payload type 6

// Recovery point SEI of H.264 (D.1.8, D.2.8): who begins to decode here has whole pictures after so many frames.
struct RecoveryPoint {
    unsigned frames = 0; // recovery_frame_cnt, in frame_num; 0: this picture is whole already
    bool exact = false;  // exact_match_flag: the same picture as for who decoded from the start
    bool broken = false; // broken_link_flag: pictures behind it, in decoding order, may refer to what was cut away
};
// nal: header included. nullopt: none in it, damaged, or not H.264.
SLUICE_API std::optional<RecoveryPoint> recovery_point(Codec codec, std::span<const uint8_t> nal);

// slice_type of H.264 (table 7-6) without the promise about the picture's other slices.
enum class SliceType : uint8_t { p, b, i, sp, si };
// nal: header included. nullopt: not a slice that begins with a slice header, damaged, or H.265 (needs the PPS).
SLUICE_API std::optional<SliceType> slice_type(Codec codec, std::span<const uint8_t> nal);
inline std::optional<bool> is_b_slice(Codec codec, std::span<const uint8_t> nal) {
    const auto type = slice_type(codec, nal);
    return type ? std::optional(*type == SliceType::b) : std::nullopt;
}
// Places where decoding may begin although there is no IDR (H.264 only): a recovery point, or nothing but I slices. data: the
// access unit that nals were cut from. Only for who asked for it: pictures may be incomplete at first, or refer back later.
SLUICE_API bool is_recovery_start(Codec codec, std::span<const uint8_t> data, std::span<const NalUnit> nals);

struct SequenceInfo {
    unsigned width = 0, height = 0; // luma samples after cropping
    unsigned profile_idc = 0, level_idc = 0;
    // H.264: the byte between profile and level in profile-level-id; H.265: general_tier_flag.
    unsigned constraint_flags = 0;
    // max_num_reorder_frames (H.264; 0 also where pic_order_cnt_type or an intra profile implies it) or
    // sps_max_num_reorder_pics (H.265); nullopt where the stream does not say it.
    std::optional<unsigned> reorder_depth;
};
// nal: an SPS, header included. nullopt when it cannot be parsed, belongs to an enhancement layer (H.265) or claims what
// no level allows.
SLUICE_API std::optional<SequenceInfo> parse_sps(Codec codec, std::span<const uint8_t> nal);

} // namespace sluice
