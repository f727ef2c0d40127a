// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "launcher/http/go2rtc_source.hpp"
#include "launcher/http/routes.hpp"

namespace sluice {

// JSON {"type": "offer", "sdp"} is answered as JSON, application/sdp with 201 and SDP, anything without a type of its own as it
// came.
void answer_go2rtc_offer(const ApiCall& call, const HttpServices& services, const Go2rtcSource& source);

} // namespace sluice
