// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/wire.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {

namespace {

// Nothing: there is no such type.
std::optional<uint32_t> most(WireType type) {
    switch (type) {
    case WireType::job:
    case WireType::event:
    case WireType::bitrate:
    case WireType::track: return max_wire_text;
    case WireType::unit: return max_wire_unit;
    case WireType::key_unit: return 0;
    }
    return std::nullopt;
}

} // namespace

std::span<uint8_t> WireReader::room() {
    if (!broken_.empty())
        return waste_;
    if (!in_body_)
        return {reinterpret_cast<uint8_t*>(&message_.header) + have_, sizeof message_.header - have_};
    return {message_.body.get() + have_, message_.header.size - have_};
}

void WireReader::check() {
    const WireHeader& h = message_.header;
    const auto limit = most(h.type);
    if (!limit)
        broken_ = "a message of type " + std::to_string(static_cast<unsigned>(h.type)) + ", which there is not";
    else if (h.size > *limit)
        broken_ = "a message of " + std::to_string(h.size) + " bytes, allowed: at most " + std::to_string(*limit);
    else if (h.type == WireType::unit && h.size == 0)
        broken_ = "an empty access unit";
}

std::optional<WireMessage> WireReader::took(size_t bytes) {
    if (!broken_.empty())
        return std::nullopt;
    have_ += bytes;
    if (!in_body_) {
        if (have_ < sizeof message_.header)
            return std::nullopt;
        check();
        if (!broken_.empty())
            return std::nullopt;
        message_.body = std::make_unique_for_overwrite<uint8_t[]>(std::max<size_t>(message_.header.size, 1));
        in_body_ = true;
        have_ = 0;
    }
    if (have_ < message_.header.size)
        return std::nullopt;
    in_body_ = false;
    have_ = 0;
    return std::exchange(message_, {});
}

WireText wire_text(WireType type, std::string text, uint8_t track) {
    return {{.size = static_cast<uint32_t>(text.size()), .type = type, .track = track}, std::move(text)};
}

} // namespace sluice
