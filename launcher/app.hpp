// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice run`: everything that lives while the launcher does, in the order of its beginning and end.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/templates.hpp"
#include "launcher/options.hpp"

namespace sluice {

// Returns the exit code.
int run(const Options& options, const Config& config, const Templates& templates);

} // namespace sluice
