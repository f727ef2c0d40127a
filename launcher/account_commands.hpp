// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice passwd` and `sluice token`: work on the files of the state directory, beside a launcher that is running.
#pragma once

#include "launcher/options.hpp"

namespace sluice {

// Returns the exit code.
int account_command(const Options& options);

} // namespace sluice
