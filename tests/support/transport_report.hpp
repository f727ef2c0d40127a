// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport-wide feedback as receivers write it.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::test {

using Fci = std::vector<uint8_t>;
using Arrivals = std::vector<std::optional<GstClockTime>>; // of one packet after the other; nothing: it has not come

enum class Chunks { runs, one_bit, two_bits };

inline void put(Fci& to, uint64_t value, int bytes) {
    while (bytes-- > 0)
        to.push_back(static_cast<uint8_t>(value >> (8 * bytes)));
}

// Deltas of up to 8 s. One bit for each packet tells only small ones: nothing goes back in time or jumps by more than 63 ms then.
inline Fci transport_report(uint16_t first, uint8_t count, const Arrivals& arrivals, Chunks chunks = Chunks::two_bits) {
    constexpr GstClockTime unit = 250 * GST_USECOND, reference = 64 * GST_MSECOND;
    Fci fci, deltas;
    std::vector<unsigned> symbols;
    GstClockTime base = 0;
    for (const auto& a : arrivals)
        if (a && base == 0)
            base = *a / reference;
    auto last = static_cast<int64_t>(base * reference / unit);
    for (const auto& a : arrivals) {
        if (!a) {
            symbols.push_back(0);
            continue;
        }
        const int64_t delta = static_cast<int64_t>(*a / unit) - last;
        last += delta;
        const bool small = delta >= 0 && delta < 256;
        symbols.push_back(small ? 1 : 2);
        put(deltas, static_cast<uint16_t>(delta), small ? 1 : 2);
    }
    put(fci, first, 2);
    put(fci, arrivals.size(), 2);
    put(fci, base & 0xffffff, 3);
    put(fci, count, 1);
    for (size_t i = 0; i < symbols.size();) {
        if (chunks == Chunks::runs) {
            size_t n = 1;
            while (i + n < symbols.size() && symbols[i + n] == symbols[i] && n < 0x1fff)
                ++n;
            put(fci, symbols[i] << 13 | n, 2);
            i += n;
            continue;
        }
        const unsigned bits = chunks == Chunks::one_bit ? 1 : 2;
        unsigned chunk = chunks == Chunks::one_bit ? 0x8000 : 0xc000;
        for (unsigned shift = 14; shift >= bits && i < symbols.size();) {
            shift -= bits;
            chunk |= symbols[i++] << shift;
        }
        put(fci, chunk, 2);
    }
    fci.insert(fci.end(), deltas.begin(), deltas.end());
    while (fci.size() % 4)
        fci.push_back(0);
    return fci;
}

} // namespace sluice::test
