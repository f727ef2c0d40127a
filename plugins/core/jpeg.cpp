// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/jpeg.hpp"

#include <algorithm>

namespace sluice {

namespace {

// Markers, without the 0xff before them (T.81, table B.1).
constexpr uint8_t fill = 0xff, sof0 = 0xc0, dht = 0xc4, jpg = 0xc8, dac = 0xcc, sof15 = 0xcf, soi = 0xd8, eoi = 0xd9,
                  tables = 0xdb, comment = 0xfe;

constexpr size_t max_header = 1u << 20; // tables and application data in front of the frame header
constexpr size_t frame_header = 8;      // length, precision, height, width, number of components
constexpr size_t component = 3;

unsigned u16(std::span<const uint8_t> data, size_t at) { return static_cast<unsigned>(data[at] << 8 | data[at + 1]); }

bool begins(std::span<const uint8_t> data) { return data.size() >= 4 && data[0] == 0xff && data[1] == soi; }

bool is_frame(uint8_t marker) {
    return marker >= sof0 && marker <= sof15 && marker != dht && marker != jpg && marker != dac;
}
// Frames of a hierarchy refer to others (T.81, annex J): no decoder in use takes them.
bool is_differential(uint8_t marker) { return (marker & 0x07) >= 5; }
// What may stand in front of a frame: tables, application data, comments, restart interval.
bool is_segment(uint8_t marker) { return marker == dht || marker == dac || (marker >= tables && marker <= comment); }

} // namespace

std::optional<JpegSize> jpeg_size(std::span<const uint8_t> data) {
    if (!begins(data))
        return std::nullopt;
    const auto head = data.first(std::min(data.size(), max_header));
    size_t at = 2;
    while (at + 4 <= head.size()) {
        if (head[at] != 0xff)
            return std::nullopt;
        const uint8_t marker = head[at + 1];
        if (marker == fill) {
            ++at;
            continue;
        }
        const size_t length = u16(head, at + 2); // itself included
        if (is_frame(marker)) {
            if (is_differential(marker) || length < frame_header || at + 2 + length > data.size())
                return std::nullopt;
            if (at + 2 + frame_header > head.size())
                return std::nullopt;
            const JpegSize size{u16(head, at + 7), u16(head, at + 5)};
            const unsigned components = head[at + 9];
            if (size.width == 0 || size.height == 0 || components == 0 ||
                length < frame_header + component * components)
                return std::nullopt;
            return size;
        }
        if (!is_segment(marker) || length < 2)
            return std::nullopt;
        at += 2 + length;
    }
    return std::nullopt;
}

bool is_whole_jpeg(std::span<const uint8_t> data) {
    if (!begins(data))
        return false;
    size_t end = data.size();
    while (end > 4 && (data[end - 1] == 0 || data[end - 1] == fill || data[end - 1] == '\r' || data[end - 1] == '\n'))
        --end;
    return data[end - 2] == 0xff && data[end - 1] == eoi;
}

} // namespace sluice
