// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/sdp_offer.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// The value of an a=fingerprint line: "sha-256 AB:CD:...". Only hashes that are still safe, only of the right length.
std::optional<Fingerprint> parse_fingerprint(std::string_view value);

// Whether a certificate (PEM) is the one that the offer announced. webrtcbin 1.22 does not check this itself, so anybody on the
// path could answer the DTLS handshake in the viewer's place.
bool certificate_matches(std::string_view pem, const std::vector<Fingerprint>& allowed);

} // namespace sluice
