// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/parameter_sets.hpp"

#include <algorithm>
#include <initializer_list>

namespace sluice {

void ParameterSets::learn(Codec codec, std::span<const uint8_t> data, const std::vector<NalUnit>& nals) {
    constexpr size_t limit = 64 * 1024;
    static const std::initializer_list<uint8_t> start_code = {0, 0, 0, 1};
    std::map<uint8_t, std::vector<uint8_t>> found;
    for (const NalUnit& n : nals) {
        if (!is_parameter_set(codec, n.type))
            continue;
        auto& bytes = found[n.type];
        bytes.insert(bytes.end(), start_code);
        const auto body = data.subspan(n.offset, n.size);
        bytes.insert(bytes.end(), body.begin(), body.end());
    }
    for (auto& [type, bytes] : found)
        if (bytes.size() <= limit)
            sets_[type] = std::move(bytes);
}

std::vector<uint8_t> ParameterSets::missing(const std::vector<NalUnit>& nals) const {
    const bool all_there = std::all_of(sets_.begin(), sets_.end(), [&](const auto& set) {
        return std::any_of(nals.begin(), nals.end(), [&](const NalUnit& n) { return n.type == set.first; });
    });
    std::vector<uint8_t> out;
    if (!all_there) // all types: a PPS alone would come to stand before the SPS that it needs
        for (const auto& [type, bytes] : sets_)
            out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
}

bool ParameterSets::complete(Codec codec) const {
    if (codec == Codec::h264) // SPS, PPS
        return sets_.contains(7) && sets_.contains(8);
    return sets_.contains(32) && sets_.contains(33) && sets_.contains(34); // VPS, SPS, PPS
}

} // namespace sluice
