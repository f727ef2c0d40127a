// SPDX-License-Identifier: LGPL-2.1-or-later
// JPEG (ITU-T T.81), as far as a pass-through server needs it: how large a picture says that it is, and whether it is all there.
// Input comes from cameras: any bytes are legal input, none may crash.
#pragma once

#include "plugins/core/api.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice {

struct JpegSize {
    unsigned width = 0, height = 0; // samples, as the frame header has them
    bool operator==(const JpegSize&) const = default;
};

// What a channel takes. A small file can claim a picture that takes gigabytes to decode.
constexpr unsigned max_jpeg_side = 8192;
constexpr uint64_t max_jpeg_samples = 7680 * 4320;
constexpr size_t max_jpeg_bytes = 16u << 20;
constexpr const char* max_jpeg_text = "as many samples as 7680x4320, sides of 8192, and 16 MiB";
constexpr bool is_too_large(const JpegSize& size, size_t bytes) {
    return size.width > max_jpeg_side || size.height > max_jpeg_side ||
           uint64_t{size.width} * size.height > max_jpeg_samples || bytes > max_jpeg_bytes;
}

// nullopt: it does not begin as a JPEG does, has no frame header before its first scan (or within its first MiB), leaves its
// height to the end of the scan (DNL), or is hierarchical.
SLUICE_API std::optional<JpegSize> jpeg_size(std::span<const uint8_t> data);
// From SOI to EOI. Padding behind that (zeros, fill bytes, the end of a line) is no harm.
SLUICE_API bool is_whole_jpeg(std::span<const uint8_t> data);

} // namespace sluice
