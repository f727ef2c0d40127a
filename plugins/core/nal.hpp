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
SLUICE_API std::vector<NalUnit> split_annex_b(std::span<const uint8_t> data, Codec codec);

SLUICE_API bool is_slice(Codec codec, uint8_t type);          // VCL
SLUICE_API bool is_random_access(Codec codec, uint8_t type);  // IDR; H.265: any IRAP (BLA, IDR, CRA)
SLUICE_API bool is_delimiter(Codec codec, uint8_t type);      // access unit delimiter
SLUICE_API bool is_parameter_set(Codec codec, uint8_t type);  // VPS, SPS, PPS
SLUICE_API bool is_recovery_point_sei(Codec codec, std::span<const uint8_t> nal); // SEI with payload type 6

// True if the slice may be bi-predicted (H.264 slice_type B). nal: header included. H.265: nullopt (needs the PPS).
SLUICE_API std::optional<bool> is_b_slice(Codec codec, std::span<const uint8_t> nal);

struct SequenceInfo {
    unsigned width = 0, height = 0; // luma samples after cropping
    unsigned profile_idc = 0, constraint_flags = 0, level_idc = 0;
    // max_num_reorder_frames (H.264) or sps_max_num_reorder_pics (H.265), where the stream says it.
    std::optional<unsigned> reorder_depth;
};
// nal: an SPS, header included. nullopt when it cannot be parsed.
SLUICE_API std::optional<SequenceInfo> parse_sps(Codec codec, std::span<const uint8_t> nal);

} // namespace sluice
