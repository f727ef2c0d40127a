// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera's byte stream: one byte for the codec, then Annex B.
#include "plugins/core/nal.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::FuzzInput input(data, size);
    const Codec codec = input.byte() & 1 ? Codec::h265 : Codec::h264;
    const auto stream = input.rest();
    const size_t header = codec == Codec::h265 ? 2 : 1;

    size_t behind = 0; // end of the NAL unit before
    bool recovery = false, intra = false, inter = false;
    const auto nals = split_annex_b(stream, codec);
    for (const NalUnit& n : nals) {
        FUZZ_CHECK(n.size >= header && n.offset <= stream.size() && n.size <= stream.size() - n.offset);
        FUZZ_CHECK(n.offset >= behind + 3);
        const auto nal = stream.subspan(n.offset, n.size);
        const uint8_t start[] = {0, 0, 1};
        FUZZ_CHECK(std::equal(start, start + 3, nal.data() - 3));
        FUZZ_CHECK(nal.back() != 0);
        FUZZ_CHECK(std::search(nal.begin(), nal.end(), start, start + 3) == nal.end());
        behind = n.offset + n.size;

        FUZZ_CHECK(is_slice(codec, n.type) + is_delimiter(codec, n.type) + is_parameter_set(codec, n.type) <= 1);
        FUZZ_CHECK(!is_random_access(codec, n.type) || is_slice(codec, n.type));
        const auto b = is_b_slice(codec, nal);
        FUZZ_CHECK(!b || is_slice(codec, n.type));
        FUZZ_CHECK(!is_recovery_point_sei(codec, nal) || !is_slice(codec, n.type));
        const auto point = recovery_point(codec, nal);
        FUZZ_CHECK(!point || (is_recovery_point_sei(codec, nal) && codec == Codec::h264 && point->frames < 65536));
        const auto type = slice_type(codec, nal);
        FUZZ_CHECK(type.has_value() == b.has_value());
        recovery |= point.has_value();
        if (type)
            (*type == SliceType::i || *type == SliceType::si ? intra : inter) = true;
    }
    const bool start = is_recovery_start(codec, stream, nals);
    FUZZ_CHECK(!start || recovery || (intra && !inter));
    FUZZ_CHECK(start || !recovery);
    return 0;
}
