// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/media.hpp"

namespace sluice {

const std::vector<RtpPayload>& AccessUnit::payloads() const {
    std::call_once(payloads_once_, [this] {
        payloads_ = make_rtp_payloads(track->codec, gst_buffer_peek_memory(buffer.get(), 0), nals);
    });
    return payloads_;
}

} // namespace sluice
