// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/simcam_picture.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>

namespace sluice::simcam {

namespace {

// 5 x 7 dots; bit 4 is the leftmost.
struct Glyph {
    char c;
    std::array<uint8_t, 7> rows;
};
constexpr Glyph glyphs[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},   {'2', {14, 17, 1, 2, 4, 8, 31}},
    {'3', {31, 2, 4, 2, 1, 17, 14}},     {'4', {2, 6, 10, 18, 31, 2, 2}},  {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},    {'8', {14, 17, 17, 14, 17, 17, 14}},
    {'9', {14, 17, 17, 15, 1, 2, 12}},   {':', {0, 12, 12, 0, 12, 12, 0}}, {'.', {0, 0, 0, 0, 0, 12, 12}},
};

constexpr uint8_t black = 16, white = 235, neutral = 128;

} // namespace

uint8_t crc8(std::span<const uint8_t> bytes) {
    unsigned crc = 0;
    for (uint8_t b : bytes) {
        crc ^= b;
        for (int i = 0; i < 8; i++)
            crc = (crc & 0x80) ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
    }
    return uint8_t(crc);
}

Picture::Picture(const GstVideoInfo& info, uint8_t stream_id, int noise)
    : info_(info), w_(GST_VIDEO_INFO_WIDTH(&info)), h_(GST_VIDEO_INFO_HEIGHT(&info)), stream_id_(stream_id),
      noise_(noise), background_(GST_VIDEO_INFO_SIZE(&info)) {
    draw_background();
    std::minstd_rand random(1); // the same camera every time
    std::uniform_int_distribution<int> value(-noise_, noise_);
    noise_table_.resize(size_t(w_) * 64);
    for (auto& n : noise_table_)
        n = int8_t(value(random));
}

void Picture::fill_luma(std::span<uint8_t> frame, const Rect& r, uint8_t y) const {
    const size_t stride = size_t(GST_VIDEO_INFO_PLANE_STRIDE(&info_, 0));
    const int x0 = std::clamp(r.x, 0, w_), x1 = std::clamp(r.x + r.w, 0, w_);
    for (int row = std::max(r.y, 0); row < std::min(r.y + r.h, h_); row++)
        std::memset(&frame[GST_VIDEO_INFO_PLANE_OFFSET(&info_, 0) + size_t(row) * stride + size_t(x0)], y,
                    size_t(x1 - x0));
}

void Picture::fill(std::span<uint8_t> frame, const Rect& r, uint8_t y, uint8_t u, uint8_t v) const {
    fill_luma(frame, r, y);
    for (unsigned plane = 1; plane < 3; plane++) {
        const size_t stride = size_t(GST_VIDEO_INFO_PLANE_STRIDE(&info_, plane));
        const int x0 = std::clamp(r.x / 2, 0, w_ / 2), x1 = std::clamp((r.x + r.w) / 2, 0, w_ / 2);
        for (int row = std::max(r.y / 2, 0); row < std::min((r.y + r.h) / 2, h_ / 2); row++)
            std::memset(&frame[GST_VIDEO_INFO_PLANE_OFFSET(&info_, plane) + size_t(row) * stride + size_t(x0)],
                        plane == 1 ? u : v, size_t(x1 - x0));
    }
}

void Picture::draw_background() {
    std::span<uint8_t> frame(background_);
    fill(frame, {0, 0, w_, h_}, 80, neutral, neutral);
    // A landscape of sorts: sky, hills, ground.
    for (int y = 0; y < h_; y += 2)
        fill(frame, {0, y, w_, 2}, uint8_t(70 + 60 * y / h_), uint8_t(150 - 30 * y / h_), uint8_t(110 + 10 * y / h_));
    for (int x = 0; x < w_; x += 2) {
        const int hill = (x * 7 % w_) * (w_ - x * 7 % w_) / w_ * h_ / w_ / 2;
        fill(frame, {x, h_ * 7 / 10 - hill, 2, hill + h_ / 10}, uint8_t(60 + (x / 16 % 2) * 8), 110, 110);
    }
}

void Picture::draw_bars(std::span<uint8_t> frame, uint64_t number) const {
    static constexpr uint8_t colors[8][3] = {{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58},
                                             {84, 184, 198},  {65, 100, 212}, {35, 212, 114}, {30, 128, 128}};
    const int width = w_ / 8;
    const int shift = int(number * 4 % uint64_t(w_)) & ~1;
    for (int i = -8; i < 8; i++) {
        const auto& c = colors[size_t((i + 8) % 8)];
        fill(frame, {i * width + shift, h_ * 9 / 10, width, h_ / 10}, c[0], c[1], c[2]);
    }
}

void Picture::draw_noise(std::span<uint8_t> frame, uint64_t number) const {
    if (noise_ == 0)
        return;
    const size_t stride = size_t(GST_VIDEO_INFO_PLANE_STRIDE(&info_, 0));
    const size_t n = noise_table_.size(), columns = size_t(w_);
    for (int row = h_ / 2; row < h_ * 8 / 10; row++) {
        uint8_t* p = &frame[GST_VIDEO_INFO_PLANE_OFFSET(&info_, 0) + size_t(row) * stride];
        const size_t from = (size_t(row) * 7919 + size_t(number) * 104729) % (n - columns);
        for (size_t x = 0; x < columns; x++)
            p[x] = uint8_t(p[x] + noise_table_[from + x]); // the background stays far from both ends
    }
}

void Picture::draw_ball(std::span<uint8_t> frame, uint64_t number) const {
    const int size = h_ / 8;
    auto bounce = [number](int range, int step) {
        const int at = int(number * uint64_t(step) % uint64_t(2 * range));
        return (at < range ? at : 2 * range - at) & ~1;
    };
    const int x = bounce(w_ - size, std::max(2, w_ / 160)),
              y = h_ * 3 / 10 + bounce(h_ / 2 - size, std::max(2, h_ / 120));
    fill(frame, {x, y, size, size}, 200, 60, 160);
    fill(frame, {x + size / 4, y + size / 4, size / 2, size / 2}, 60, 200, 90);
}

void Picture::draw_cells(std::span<uint8_t> frame, int64_t unix_ms) const {
    std::array<uint8_t, 8> bytes{};
    for (size_t i = 0; i < 6; i++)
        bytes[i] = uint8_t(uint64_t(unix_ms) >> (40 - 8 * i));
    bytes[6] = stream_id_;
    bytes[7] = crc8(std::span(bytes).first(7));
    auto x_of = [this](int column) { return (column * w_ / 40) & ~1; };
    auto y_of = [this](int row) { return (row * h_ * 2 / 45) & ~1; };
    fill(frame, {x_of(2), y_of(1), x_of(18) - x_of(2), y_of(5) - y_of(1)}, black, neutral, neutral);
    for (int i = 0; i < cell_columns * cell_rows; i++) {
        if (bytes[size_t(i / 8)] >> (7 - i % 8) & 1) {
            const int column = 2 + i % cell_columns, row = 1 + i / cell_columns;
            fill_luma(frame, {x_of(column), y_of(row), x_of(column + 1) - x_of(column), y_of(row + 1) - y_of(row)},
                      white);
        }
    }
}

void Picture::draw_text(std::span<uint8_t> frame, int64_t unix_ms) const {
    const std::time_t seconds = unix_ms / 1000;
    std::tm tm{};
    localtime_r(&seconds, &tm);
    char text[40];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, int(unix_ms % 1000));
    const int dot = std::max(1, w_ / 160);
    int x = w_ / 2;
    const int y = h_ * 2 / 45;
    fill(frame, {(x - 2 * dot) & ~1, (y - dot) & ~1, 12 * 6 * dot + 4 * dot, 11 * dot}, black, neutral, neutral);
    for (const char* c = text; *c; c++, x += 6 * dot) {
        const auto* glyph =
            std::find_if(std::begin(glyphs), std::end(glyphs), [c](const Glyph& g) { return g.c == *c; });
        if (glyph == std::end(glyphs))
            continue;
        for (int row = 0; row < 7; row++)
            for (int column = 0; column < 5; column++)
                if (glyph->rows[size_t(row)] >> (4 - column) & 1)
                    fill_luma(frame, {x + column * dot, y + row * dot, dot, dot}, white);
    }
}

void Picture::draw(std::span<uint8_t> frame, uint64_t number, int64_t unix_ms, bool flash) {
    std::memcpy(frame.data(), background_.data(), std::min(frame.size(), background_.size()));
    draw_noise(frame, number);
    draw_bars(frame, number);
    draw_ball(frame, number);
    draw_cells(frame, unix_ms);
    draw_text(frame, unix_ms);
    if (flash)
        fill(frame, {(w_ * 3 / 4) & ~1, (h_ / 4) & ~1, w_ / 4, h_ / 2}, white, neutral, neutral);
}

} // namespace sluice::simcam
