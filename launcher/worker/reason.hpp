// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker says of a failure is shown to people: short, and one line. Pure.
#pragma once

#include <cstddef>
#include <string>

namespace sluice {

constexpr size_t max_event_reason = 1000; // bytes

// Whole characters of it (UTF-8), without those that would make a second line.
std::string one_line(std::string text);

} // namespace sluice
