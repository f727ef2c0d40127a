// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/packet_ledger.hpp"

#include <gst/gst.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// Tells loss that comes from what we send from loss that the path has anyhow. A radio link loses as much at any rate: it must not
// drive the estimate down. Losses in a row count as one event: four events of four packets prove little, whatever the share. Pure.
class LossEstimator {
public:
    void add(PacketLedger::News news, uint32_t bytes);
    // After each feedback. `sent` is the rate lately, `queue` whether a queue stands.
    void step(GstClockTime now, uint64_t sent, bool queue);
    void forget_recent(); // an outage is over

    double loss() const; // share of packets lost lately
    // Loss beyond what the path has anyhow at this rate, as much as is proven; 0: none.
    double congestion(uint64_t sent) const;
    // Much more is lost lately than without a queue: it is one that overflows.
    bool overflows() const { return loses_more_than(2 * usual() + beyond_usual); }
    bool loses_much() const { return loses_more_than(beyond_usual); } // lately, whatever is usual
    void forget_usual() { usual_ = lately(); }                        // what is lost now is lost anyhow

private:
    struct Count {
        double packets = 0, lost = 0, events = 0;
    };
    static constexpr GstClockTime slot = 200 * GST_MSECOND;
    static constexpr size_t slots = 10; // lately: 2 s
    static constexpr size_t bins = 40;  // of rates, each 1.41 times the one before, from 30 kbit/s

    static constexpr double beyond_usual = 0.05;

    Count lately() const;
    bool loses_more_than(double share) const;
    double usual() const;
    static size_t bin(uint64_t rate);

    std::array<Count, slots> slots_{};
    size_t current_ = 0;
    GstClockTime slot_end_ = 0;
    bool queue_in_slot_ = false;
    std::array<Count, bins> at_rate_{};
    Count usual_; // without a queue
};

} // namespace sluice
