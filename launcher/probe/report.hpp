// SPDX-License-Identifier: LGPL-2.1-or-later
// What was found, as text for a terminal and as a JSON document (docs/probe.md). Pure.
#pragma once

#include "launcher/probe/advice.hpp"
#include "plugins/core/json_text.hpp"

#include <string>

namespace sluice::probe {

std::string text_report(const Facts& facts);
Json document(const Facts& facts);

// One line while it runs. stage: before there is a picture.
std::string progress_line(const std::string& stage, double watched, double planned, unsigned pictures);

} // namespace sluice::probe
