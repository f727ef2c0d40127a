// SPDX-License-Identifier: LGPL-2.1-or-later
// What the simulated camera sees: something that moves, a clock for people and the same clock for programs.
//
// The clock for programs is a grid of 16 x 4 cells, black 0 and white 1, row by row, most significant bit first:
// 48 bits milliseconds of the Unix time when the frame was drawn, 8 bits stream id, 8 bits CRC-8 (polynomial 0x07)
// of those 7 bytes. A cell is 1/40 of the width and 2/45 of the height; the grid begins 2 cells from the left and
// 1 cell from the top. Big enough to survive 360 lines and a hard quantiser. tests/e2e/picture_clock.js reads it.
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::simcam {

class Picture {
public:
    static constexpr int cell_columns = 16, cell_rows = 4;

    // info: I420. noise: peak luma noise of the lower half, 0 for none; it is what makes bits.
    Picture(const GstVideoInfo& info, uint8_t stream_id, int noise);

    // frame: GST_VIDEO_INFO_SIZE bytes; number: of the frame, it moves things; unix_ms: what the clocks show; flash: the right
    // part is white, what goes with the beep.
    void draw(std::span<uint8_t> frame, uint64_t number, int64_t unix_ms, bool flash = false);

private:
    struct Rect {
        int x, y, w, h;
    };
    void fill(std::span<uint8_t> frame, const Rect& r, uint8_t y, uint8_t u, uint8_t v) const;
    void fill_luma(std::span<uint8_t> frame, const Rect& r, uint8_t y) const;
    void draw_background();
    void draw_bars(std::span<uint8_t> frame, uint64_t number) const;
    void draw_noise(std::span<uint8_t> frame, uint64_t number) const;
    void draw_ball(std::span<uint8_t> frame, uint64_t number) const;
    void draw_cells(std::span<uint8_t> frame, int64_t unix_ms) const;
    void draw_text(std::span<uint8_t> frame, int64_t unix_ms) const;

    GstVideoInfo info_;
    int w_, h_;
    uint8_t stream_id_;
    int noise_;
    std::vector<uint8_t> background_; // one whole frame
    std::vector<int8_t> noise_table_;
};

uint8_t crc8(std::span<const uint8_t> bytes); // polynomial 0x07, start 0

} // namespace sluice::simcam
