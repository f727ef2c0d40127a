// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/nal.hpp"

#include <map>
#include <vector>

namespace sluice {

// The parameter sets a stream sent last, so that each key unit can carry them (a reader may start at any of them).
class SLUICE_API ParameterSets {
public:
    // Of each type among nals the sets are remembered, in place of those of that type before. A type with more than
    // 64 KiB of sets is passed over: no legal stream needs it.
    void learn(Codec codec, std::span<const uint8_t> data, const std::vector<NalUnit>& nals);
    // What must stand before this access unit, as Annex B: nothing if it has sets of each remembered type, else all
    // that are remembered (its own among them, for learn() comes first).
    std::vector<uint8_t> missing(const std::vector<NalUnit>& nals) const;
    bool complete(Codec codec) const; // a decoder can start

private:
    std::map<uint8_t, std::vector<uint8_t>> sets_; // type -> Annex B; ascending order is the order a decoder needs
};

} // namespace sluice
