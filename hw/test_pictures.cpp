// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/test_pictures.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::hw {

namespace {

constexpr unsigned drawn_pictures = 16;
constexpr unsigned cell = 16, pan = 3, noise_box = 160;

// The same on every machine.
uint32_t hash(uint32_t x, uint32_t y) {
    uint32_t h = x * 0x9e3779b1u ^ (y + 0x7f4a7c15u) * 0x85ebca6bu;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    return h ^ (h >> 13);
}

// Bilinear between the corners of a cell.
unsigned smooth(unsigned x, unsigned y, uint32_t seed) {
    const unsigned cx = x / cell, cy = y / cell, fx = x % cell, fy = y % cell;
    const auto corner = [&](unsigned dx, unsigned dy) { return hash(cx + dx + seed, cy + dy) & 255; };
    const unsigned top = corner(0, 0) * (cell - fx) + corner(1, 0) * fx;
    const unsigned bottom = corner(0, 1) * (cell - fx) + corner(1, 1) * fx;
    return (top * (cell - fy) + bottom * fy) / (cell * cell);
}

// A plane wider than the picture: each picture is a cut of it.
std::vector<uint8_t> plane(unsigned width, unsigned height, unsigned low, unsigned divisor, unsigned grain,
                           uint32_t seed) {
    std::vector<uint8_t> out;
    out.reserve(size_t(width) * height);
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            out.push_back(static_cast<uint8_t>(low + smooth(x, y, seed) / divisor + hash(x, y) % grain));
    return out;
}

} // namespace

TestPictures::TestPictures(unsigned width, unsigned height) : width_(width), height_(height) {
    constexpr unsigned widest_shift = (drawn_pictures - 1) * pan;
    const unsigned stride = width + widest_shift, half = stride / 2 + 1;
    const std::vector<uint8_t> luma = plane(stride, height, 16, 2, 8, 0);
    const std::vector<uint8_t> chroma[] = {plane(half, height / 2, 96, 4, 1, 1000),
                                           plane(half, height / 2, 96, 4, 1, 2000)};
    for (unsigned n = 0; n < drawn_pictures; n++) {
        const unsigned shift = n * pan;
        const size_t size = size_t(width) * height * 3 / 2;
        auto* data = static_cast<uint8_t*>(g_malloc(size));
        uint8_t* out = data;
        for (unsigned y = 0; y < height; y++)
            out = std::copy_n(luma.data() + size_t(y) * stride + shift, width, out);
        for (const auto& part : chroma)
            for (unsigned y = 0; y < height / 2; y++)
                out = std::copy_n(part.data() + size_t(y) * half + shift / 2, width / 2, out);
        for (unsigned y = 0; y < noise_box; y++)
            for (unsigned x = 0; x < noise_box; x++)
                data[size_t(y + shift) * width + x + shift * 4] =
                    static_cast<uint8_t>(64 + (hash(x, y + n * 1000) & 127));
        drawn_.push_back(adopt(g_bytes_new_take(data, size)));
    }
}

std::string TestPictures::caps() const {
    return "video/x-raw,format=I420,width=" + std::to_string(width_) + ",height=" + std::to_string(height_) +
           ",framerate=" + std::to_string(pictures_per_second) + "/1,interlace-mode=progressive";
}

Ref<GstBuffer> TestPictures::picture(size_t index) const {
    const size_t period = 2 * (drawn_.size() - 1), at = index % period;
    const Ref<GBytes>& bytes = drawn_[at < drawn_.size() ? at : period - at];
    Ref<GstBuffer> out = adopt(gst_buffer_new_wrapped_bytes(bytes.get()));
    GST_BUFFER_PTS(out.get()) = gst_util_uint64_scale(index, GST_SECOND, pictures_per_second);
    GST_BUFFER_DURATION(out.get()) = GST_SECOND / pictures_per_second;
    return out;
}

} // namespace sluice::hw
