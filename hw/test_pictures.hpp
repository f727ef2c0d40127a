// SPDX-License-Identifier: LGPL-2.1-or-later
// What encoders are tried with: a textured plane that pans, with a box of noise that moves over it. About as hard as a street
// by day; a still or a synthetic picture would make every encoder look quick and every bit rate look kept.
#pragma once

#include "plugins/core/refs.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::hw {

class TestPictures {
public:
    static constexpr unsigned pictures_per_second = 25;

    TestPictures(unsigned width, unsigned height); // even; at least 640x360
    std::string caps() const;
    // I420, without end: forwards and backwards over the pictures that were drawn. No copy.
    Ref<GstBuffer> picture(size_t index) const;

private:
    unsigned width_, height_;
    std::vector<Ref<GBytes>> drawn_;
};

} // namespace sluice::hw
