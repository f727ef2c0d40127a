// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera's JPEG.
#include "plugins/core/jpeg.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::span<const uint8_t> picture(data, size);
    const auto found = jpeg_size(picture);
    const bool whole = is_whole_jpeg(picture);
    FUZZ_CHECK(!(found || whole) || (size >= 4 && data[0] == 0xff && data[1] == 0xd8));
    if (found) {
        FUZZ_CHECK(found->width > 0 && found->width <= 65535 && found->height > 0 && found->height <= 65535);
        // The header is all that counts, and it is there as it was read.
        const uint8_t said[] = {static_cast<uint8_t>(found->height >> 8), static_cast<uint8_t>(found->height),
                                static_cast<uint8_t>(found->width >> 8), static_cast<uint8_t>(found->width)};
        FUZZ_CHECK(std::search(data, data + size, said, said + sizeof said) != data + size);
    }
    if (whole) {
        const uint8_t end[] = {0xff, 0xd9};
        FUZZ_CHECK(std::search(data + 2, data + size, end, end + sizeof end) != data + size);
    }
    return 0;
}
