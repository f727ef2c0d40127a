// SPDX-License-Identifier: LGPL-2.1-or-later
// base64url without padding (RFC 7515, section 2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

std::string encode_base64url(std::string_view bytes);

// Each value has one spelling: other characters, padding, and bits behind the last byte are refused.
std::optional<std::string> decode_base64url(std::string_view text);

} // namespace sluice
