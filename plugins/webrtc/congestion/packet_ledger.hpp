// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// What was said of each of the last packets, so that a report that comes twice counts once, and a packet that was called lost and
// arrives late is no loss. Pure.
class PacketLedger {
public:
    enum class News { none, lost, lost_in_row, arrived, arrived_after_all };

    static constexpr size_t size = 8192; // 20 s of a fast stream

    News add(uint64_t seq, bool lost) {
        if (!known_ || seq >= head_ + size) {
            // The first, or all is older than what is kept.
            known_ = true;
            said_.fill(nothing);
            head_ = seq;
        } else if (seq + size <= head_) {
            return News::none;
        }
        while (head_ < seq)
            said_[++head_ % size] = nothing;
        uint8_t& said = said_[seq % size];
        if (said == here || (lost && said == gone))
            return News::none;
        const bool late = said == gone;
        said = lost ? gone : here;
        if (lost)
            return seq > 0 && said_[(seq - 1) % size] == gone ? News::lost_in_row : News::lost;
        return late ? News::arrived_after_all : News::arrived;
    }

private:
    enum : uint8_t { nothing, gone, here };
    std::array<uint8_t, size> said_{};
    uint64_t head_ = 0;
    bool known_ = false;
};

} // namespace sluice
