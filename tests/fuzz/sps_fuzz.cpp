// SPDX-License-Identifier: LGPL-2.1-or-later
// A sequence parameter set: one byte for the codec, then the NAL unit behind its header.
#include "plugins/core/nal.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <vector>

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::FuzzInput input(data, size);
    const Codec codec = input.byte() & 1 ? Codec::h265 : Codec::h264;
    std::vector<uint8_t> nal = codec == Codec::h265 ? std::vector<uint8_t>{0x42, 0x01} : std::vector<uint8_t>{0x67};
    nal.insert(nal.end(), input.rest().begin(), input.rest().end());
    nal.shrink_to_fit(); // one byte too far is seen

    const auto info = parse_sps(codec, nal);
    if (!info)
        return 0;
    FUZZ_CHECK(info->width > 0 && info->width <= 16888);
    FUZZ_CHECK(info->height > 0 && info->height <= 16888);
    FUZZ_CHECK(info->reorder_depth.value_or(0) <= 16);
    FUZZ_CHECK(info->profile_idc <= 255 && info->level_idc <= 255 && info->constraint_flags <= 255);
    const auto again = parse_sps(codec, nal);
    FUZZ_CHECK(again && again->width == info->width && again->height == info->height &&
               again->reorder_depth == info->reorder_depth);
    return 0;
}
