// SPDX-License-Identifier: LGPL-2.1-or-later
// A key frame out of a channel, as a picture that can be shown by itself.
#pragma once

#include "plugins/core/media.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace sluice {

struct KeyPicture {
    AccessUnitPtr unit;
    unsigned width = 0, height = 0;
    int64_t taken_us = 0;             // when it came, Unix time in microseconds
    std::optional<int64_t> camera_us; // when the camera says that it was, by the camera's clock
};
using KeyPicturePtr = std::shared_ptr<const KeyPicture>;

// More than any camera has. A picture of this size takes 150 MB while it is decoded.
constexpr uint64_t max_picture_samples = 50'000'000;

// now: of the channel's clock; unix_us: the same moment. Errors (unavailable): it says nothing of its size, or too much.
Result<KeyPicturePtr> key_picture(AccessUnitPtr unit, ChannelTime now, int64_t unix_us);

// The camera's own bytes, not copied, where they are a whole JPEG already; else NULL.
Ref<GBytes> own_jpeg(const AccessUnitPtr& unit);

} // namespace sluice
