// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <string>

namespace sluice {

// What a message of type ERROR says, without its debug text.
inline std::string error_text(GstMessage* message) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const GErrorPtr error(raw);
    return error ? error->message : "unknown error";
}

} // namespace sluice
