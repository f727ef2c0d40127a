// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <cstdint>
#include <optional>

namespace sluice {

// The newest RTP timestamp (RFC 3550, section 5.1) of a track, and how many of it are a second.
struct RtpTime {
    uint32_t timestamp = 0;
    unsigned clock_rate = 0;
};

// What takes the pictures out of RTP in a pipeline; NULL: nothing (yet).
Ref<GstElement> picture_depayloader(GstElement* pipeline);
// Nothing: no packet has come.
std::optional<RtpTime> rtp_time_of(GstElement* depayloader);

} // namespace sluice
