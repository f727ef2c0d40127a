// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice probe`: connects to a camera for some seconds as Sluice would, and says what comes, who can play it, and what to set.
#pragma once

#include "launcher/config/templates.hpp"
#include "launcher/probe/probe_options.hpp"

namespace sluice {

// Returns the exit code. Standard output: the report. Standard error, if it is a terminal: progress.
int run_probe(const ProbeOptions& options, const Templates& templates);

} // namespace sluice
