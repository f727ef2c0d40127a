// SPDX-License-Identifier: LGPL-2.1-or-later
// What the fuzz targets share. A target is LLVMFuzzerTestOneInput in <name>_fuzz.cpp with seeds in corpus/<name>/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// What must hold for every input. Not assert(): release builds replay the corpus too.
#define FUZZ_CHECK(condition)                                                                  \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                      \
        }                                                                                      \
    } while (0)

namespace sluice::test {

// Takes numbers off the front of the input; zero when there is nothing left.
class FuzzInput {
public:
    FuzzInput(const uint8_t* data, size_t size) : rest_(data, size) {}
    uint8_t byte() {
        if (rest_.empty())
            return 0;
        uint8_t b = rest_[0];
        rest_ = rest_.subspan(1);
        return b;
    }
    uint16_t u16() {
        const unsigned high = byte();
        return static_cast<uint16_t>(high << 8 | byte());
    }
    uint32_t u32() {
        const uint32_t high = u16();
        return high << 16 | u16();
    }
    std::span<const uint8_t> rest() const { return rest_; }
    std::span<const uint8_t> take(size_t count) {
        const auto taken = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    std::span<const uint8_t> rest_;
};

} // namespace sluice::test
