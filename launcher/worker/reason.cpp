// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/reason.hpp"

#include <algorithm>

namespace sluice {

std::string one_line(std::string text) {
    if (text.size() > max_event_reason) {
        size_t end = max_event_reason;
        while (end && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
            end--;
        text.resize(end);
    }
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

} // namespace sluice
